"""Several cells as one."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="kerasdl")
class StackedRNNCells(keras.Layer):
    r"""Cells one above the other: each gets what the one below puts out.

    $$(y^{(1)}_t, s^{(1)}_t) = f_1(x_t, s^{(1)}_{t-1}), \qquad
      (y^{(k)}_t, s^{(k)}_t) = f_k(y^{(k-1)}_t, s^{(k)}_{t-1})$$

    Args:
        cells: List of cells (see `RNN`).
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: $x_t$ (B, F).
        states: List of the states of each cell.
        training: Whether the cells drop.

    Returns:
        The output of the last cell, and the list of the states of each cell.

    Raises:
        ValueError: If a cell has no `call` or no `state_size`.

    Source:
        Graves et al., 2013, Speech Recognition with Deep Recurrent Neural Networks, section 2.

    Example:
        >>> from kerasdl import layers
        >>> cells = StackedRNNCells([layers.LSTMCell(3), layers.GRUCell(4)])
        >>> cells.state_size, cells.output_size
        ([[3, 3], 4], 4)

    Differences from Keras: none.
    """

    def __init__(self, cells, **kwargs):
        super().__init__(**kwargs)
        for cell in cells:
            for needed, kind in (("call", "method"), ("state_size", "attribute")):
                if needed not in dir(cell):
                    raise ValueError(
                        f"All cells must have a `{needed}` {kind}. Received cell without a "
                        f"`{needed}`: {cell}"
                    )
        self.cells = cells

    @property
    def state_size(self):
        """Sizes of the states of each cell."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self):
        """Size of the last cell's output."""
        return output_size(self.cells[-1])

    def get_initial_state(self, batch_size=None):
        """Return the states of each cell to start from: its own, or 0."""
        states = []
        for cell in self.cells:
            if getattr(cell, "get_initial_state", None):
                states.append(cell.get_initial_state(batch_size=batch_size))
                continue
            zeros = [
                ops.zeros((batch_size, n), dtype=self.compute_dtype) for n in state_sizes(cell)
            ]
            states.append(zeros[0] if isinstance(cell.state_size, int) else zeros)
        return states

    def build(self, input_shape):
        """Build the cells, each for the output of the one below."""
        for cell in self.cells:
            if isinstance(cell, keras.Layer) and not cell.built:
                cell.build(input_shape)
                cell.built = True
            input_shape = (input_shape[0], output_size(cell))

    def call(self, inputs, states, training=False, **kwargs):
        """Take one step of each cell."""
        new_states = []
        for cell, s in zip(self.cells, states, strict=True):
            nested = keras.tree.is_nested(s)
            arguments = dict(kwargs)
            if isinstance(cell, keras.Layer) and cell._call_has_training_arg:
                arguments["training"] = training
            run = cell if callable(cell) else cell.call
            inputs, new = run(inputs, list(s) if nested else [s], **arguments)
            new = list(new) if keras.tree.is_nested(new) else [new]
            new_states.append(new if nested or len(new) > 1 else new[0])
        return inputs, new_states[0] if len(new_states) == 1 else new_states

    def get_config(self):
        """Return the constructor's arguments."""
        cells = [keras.saving.serialize_keras_object(cell) for cell in self.cells]
        return {**super().get_config(), "cells": cells}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Rebuild the cells, then this."""
        cells = [
            keras.saving.deserialize_keras_object(cell, custom_objects=custom_objects)
            for cell in config["cells"]
        ]
        return cls(cells, **{key: value for key, value in config.items() if key != "cells"})


def state_sizes(cell) -> list:
    """Return the sizes of a cell's states as a list, even of one.

    Example:
        >>> from kerasdl import layers
        >>> state_sizes(layers.GRUCell(3)), state_sizes(layers.LSTMCell(3))
        ([3], [3, 3])
    """
    return [cell.state_size] if isinstance(cell.state_size, int) else list(cell.state_size)


def output_size(cell) -> int:
    """Return the size of a cell's output: as it says, or that of its first state.

    Raises:
        ValueError: If that is no integer.

    Example:
        >>> from kerasdl import layers
        >>> output_size(layers.LSTMCell(3))
        3
    """
    size = getattr(cell, "output_size", None)
    size = state_sizes(cell)[0] if size is None else size
    if not isinstance(size, int):
        raise ValueError(f"output_size must be an integer. Received: {size!r} of cell {cell}")
    return size
