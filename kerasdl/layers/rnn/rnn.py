"""A cell, run along a sequence."""

import keras
from keras import ops

from kerasdl.layers.rnn.stacked_rnn_cells import StackedRNNCells, output_size, state_sizes
from kerasdl.ops.recurrence import unfold


@keras.saving.register_keras_serializable(package="kerasdl")
class RNN(keras.Layer):
    r"""Run a cell along a sequence, each step from the state that the last one left.

    $$(y_t, s_t) = f(x_t, s_{t-1}), \qquad t = 1, \dots, T$$

    See `kerasdl.ops.recurrence.unfold`. Where the mask is 0, time stands still.

    Args:
        cell: $f$: an object with `state_size` (an integer, or a list of one for each state) and
            `call(inputs, states)`, which returns the output and the new states; it may have
            `output_size`, `get_initial_state(batch_size)` and the call argument `training`. A list
            of cells is stacked.
        return_sequences: Whether all outputs are returned, or the last one.
        return_state: Whether the last states are returned, too.
        go_backwards: Whether the sequence is read from its end; outputs come in the order of
            computation.
        stateful: Whether a batch starts from the states in which the last one ended, example by
            example. The batch size must be known.
        unroll: Whether the steps are written out one behind the other. The length must be known.
        zero_output_for_mask: Whether the output is 0 where the mask is 0, or that of the step
            before.
        **kwargs: `name`, `dtype`, `trainable`, `activity_regularizer` of `keras.Layer`.

    Call arguments:
        sequences: Tensor (B, T, …).
        initial_state: List of the states to start from; `None` for the cell's own, or 0.
        mask: Booleans (B, T), `True` where a step counts.
        training: Whether the cell drops.

    Returns:
        Tensor (B, n), or (B, T, n) with `return_sequences`; with `return_state`, a tuple of it and
        the states. The mask is passed on with `return_sequences`.

    Raises:
        ValueError: If the cell lacks a method or attribute, or a size is unknown that must be
            known.

    Source:
        Goodfellow et al., 2016, Deep Learning, section 10.2.

    Example:
        >>> from kerasdl import layers
        >>> layer = RNN([layers.LSTMCell(3), layers.GRUCell(4)], return_sequences=True)
        >>> tuple(layer(ops.ones((2, 5, 6))).shape)
        (2, 5, 4)

    Differences from Keras: before the first step that counts, the output is the state to start from
    (if it has the output's size) on every backend. There, it is 0 on TensorFlow and PyTorch, and
    that state on JAX. The states of a stateful layer are among its `variables`, so that training on
    JAX keeps them.
    """

    def __init__(
        self,
        cell,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        unroll=False,
        zero_output_for_mask=False,
        **kwargs,
    ):
        if isinstance(cell, list | tuple):
            cell = StackedRNNCells(cell)
        for needed, kind in (("call", "method"), ("state_size", "attribute")):
            if needed not in dir(cell):
                raise ValueError(
                    f"Argument `cell` should have a `{needed}` {kind}. Received: cell={cell}"
                )
        super().__init__(**kwargs)
        self.cell = cell
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.supports_masking = True
        self.input_spec = None
        self.states = None
        self._expected_batch_size = None
        if not isinstance(cell.state_size, list | tuple | int):
            raise ValueError(
                "`state_size` of the cell must be an integer, or a list/tuple of integers (one for "
                f"each state tensor). Received: cell.state_size={cell.state_size}"
            )
        self.single_state = isinstance(cell.state_size, int)
        self.state_size = state_sizes(cell)

    def build(self, sequences_shape, initial_state_shape=None):
        """Build the cell and, of a stateful layer, the states."""
        if isinstance(self.cell, keras.Layer) and not self.cell.built:
            self.cell.build((sequences_shape[0], *sequences_shape[2:]))
            self.cell.built = True
        if not self.stateful:
            return
        if self.states is not None:
            self.reset_state()
            return
        if sequences_shape[0] is None:
            raise ValueError(
                "When using `stateful=True` in a RNN, the batch size must be static. Found dynamic "
                f"batch size: sequence.shape={sequences_shape}"
            )
        self._expected_batch_size = sequences_shape[0]
        with keras.name_scope(self.name):
            states = keras.tree.map_structure(
                lambda value: keras.Variable(
                    value, dtype=self.variable_dtype, trainable=False, name="rnn_state"
                ),
                self.get_initial_state(sequences_shape[0]),
            )
        # Past Keras' tracking: as in Keras, states are no weights of the layer.
        object.__setattr__(self, "states", states)

    @property
    def variables(self):
        """All variables, the states of a stateful layer included: `fit` on JAX hands them on."""
        return [*super().variables, *(keras.tree.flatten(self.states) if self.states else [])]

    def compute_output_shape(self, sequences_shape, initial_state_shape=None):
        """Return (B, n), or (B, T, n); with `return_state`, also the shapes of the states."""
        batch, length = sequences_shape[:2]
        n = output_size(self.cell)
        output = (batch, length, n) if self.return_sequences else (batch, n)
        if not self.return_state:
            return output
        return (output, *self._state_shapes(batch))

    def _state_shapes(self, batch):
        return [
            [(batch, n) for n in size] if isinstance(size, list | tuple) else (batch, size)
            for size in self.state_size
        ]

    def compute_mask(self, sequences, mask=None):
        """Return the mask of the outputs; states have none."""
        mask = keras.tree.flatten(mask)[0]
        mask = mask if self.return_sequences else None
        return [mask, *[None] * len(self.state_size)] if self.return_state else mask

    def get_initial_state(self, batch_size):
        """Return the states that a sequence starts from: the cell's own, or 0."""
        if getattr(self.cell, "get_initial_state", None):
            states = self.cell.get_initial_state(batch_size=batch_size)
            return list(states) if keras.tree.is_nested(states) else [states]
        dtype = self.cell.compute_dtype
        return [ops.zeros((batch_size, n), dtype=dtype) for n in self.state_size]

    def reset_state(self):
        """Set the states of a stateful layer to 0."""
        for state in keras.tree.flatten(self.states or []):
            state.assign(ops.zeros_like(state.value))

    def reset_states(self):
        """Do what `reset_state` does: Keras' other name for it."""
        self.reset_state()

    def call(self, sequences, initial_state=None, mask=None, training=False):
        """Run the cell along the sequences."""
        self._check_sizes(sequences)
        if initial_state is None:
            batch = ops.shape(keras.tree.flatten(sequences)[0])[0]
            initial_state = self.states if self.stateful else self.get_initial_state(batch)
        states = initial_state if keras.tree.is_nested(initial_state) else [initial_state]
        dtype = self.cell.compute_dtype
        states = keras.tree.map_structure(
            lambda s: ops.convert_to_tensor(s, dtype=dtype), list(states)
        )
        self._check_states(states)
        # Drawn before the loop, so that the masks hold for all its steps.
        draw_dropout_masks(
            self.cell, keras.tree.map_structure(lambda x: x[:, 0], sequences), states
        )
        mask = _of_steps(keras.tree.flatten(mask)[0])
        last, outputs, states, *more = self.inner_loop(sequences, states, mask, training)
        reset_dropout_masks(self.cell)
        states = keras.tree.map_structure(lambda s: ops.cast(s, self.compute_dtype), states)
        if self.stateful:
            for variable, state in zip(keras.tree.flatten(self.states), keras.tree.flatten(states)):
                variable.assign(state)
        output = ops.cast(outputs if self.return_sequences else last, self.compute_dtype)
        more = [*(states if self.return_state else []), *more]
        return (output, *more) if more else output

    def _check_sizes(self, sequences):
        shape = keras.tree.flatten(sequences)[0].shape
        if self.unroll and shape[1] is None:
            raise ValueError(
                "Cannot unroll a RNN if the time dimension is undefined. Received: "
                f"sequences.shape={shape}. Give the length in the shape of `keras.Input`, or set "
                "unroll=False."
            )
        expected = self._expected_batch_size
        if self.stateful and None not in (expected, shape[0]) and shape[0] != expected:
            raise ValueError(
                "If an RNN is stateful, the batch size of the input sequences must be the same as "
                f"the batch size of the initial state. Expected batch size: {expected}. Received "
                f"batch size: {shape[0]}"
            )

    def _check_states(self, states):
        sizes = keras.tree.flatten(self.state_size)
        found = [tuple(s.shape) for s in keras.tree.flatten(states)]
        fits = len(found) == len(sizes) and all(
            not isinstance(n, int) or shape[-1] in (n, None) for n, shape in zip(sizes, found)
        )
        if not fits:
            raise ValueError(
                f"`initial_state` must hold {len(sizes)} state(s) of the sizes {sizes}. "
                f"Received: {len(found)} of the shapes {found}"
            )

    def inner_loop(self, sequences, initial_state, mask, training=False):
        """Run the cell; return the last output, all outputs and the last states."""
        arguments = {}
        if isinstance(self.cell, keras.Layer) and self.cell._call_has_training_arg:
            arguments["training"] = training

        def step(x_t, states):
            output, new = self.cell(x_t, states, **arguments)
            return [output], new if keras.tree.is_nested(new) else [new]

        last, outputs, states = self._unfolded(
            step, sequences, initial_state, [self._output_0(initial_state)], mask
        )
        return last[0], outputs[0] if self.return_sequences else None, states

    def _unfolded(self, step, sequences, states, outputs_0, mask, all_steps=False):
        last, outputs, states = unfold(
            step,
            sequences,
            states,
            outputs_0,
            mask,
            self.go_backwards,
            self.unroll,
            self.zero_output_for_mask,
            self.return_sequences or all_steps,
        )
        if outputs is not None and self.go_backwards:
            outputs = [ops.flip(y, axis=1) for y in outputs]  # in the order of computation
        return last, outputs, states

    def _output_0(self, states):
        """Return what stands for the output before the first step that counts."""
        of_cell = states[-1] if isinstance(self.cell, StackedRNNCells) else states
        first = keras.tree.flatten(of_cell)[0]
        n = output_size(self.cell)
        if first.shape[-1] == n and len(first.shape) == 2:
            return first
        return ops.zeros((ops.shape(first)[0], n), dtype=self.cell.compute_dtype)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
            "stateful": self.stateful,
            "unroll": self.unroll,
            "zero_output_for_mask": self.zero_output_for_mask,
            "cell": keras.saving.serialize_keras_object(self.cell),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Rebuild the layer, its cell first."""
        cell = keras.saving.deserialize_keras_object(config["cell"], custom_objects=custom_objects)
        return cls(cell, **{key: value for key, value in config.items() if key != "cell"})


def _of_steps(mask):
    """Return a mask (B, T), also of one (B, T, 1) as Keras takes it."""
    if mask is None or len(mask.shape) == 2:
        return mask
    if len(mask.shape) == 3 and mask.shape[-1] == 1:
        return ops.squeeze(mask, -1)
    raise ValueError(f"`mask` must have the shape (B, T). Received: mask.shape={tuple(mask.shape)}")


def draw_dropout_masks(cell, x_t, states):
    """Let cells with dropout draw their masks now: Keras' protocol of `DropoutRNNCell`."""
    if isinstance(cell, StackedRNNCells):
        for inner, s in zip(cell.cells, states):
            draw_dropout_masks(inner, x_t, s)
            s = list(s) if keras.tree.is_nested(s) else [s]
            x_t, _ = (inner if callable(inner) else inner.call)(x_t, s)
    elif hasattr(cell, "get_dropout_mask"):
        cell.get_dropout_mask(x_t)
        cell.get_recurrent_dropout_mask(keras.tree.flatten(states)[0])


def reset_dropout_masks(cell):
    """Let cells with dropout forget their masks."""
    if isinstance(cell, StackedRNNCells):
        for inner in cell.cells:
            reset_dropout_masks(inner)
    elif hasattr(cell, "reset_dropout_mask"):
        cell.reset_dropout_mask()
        cell.reset_recurrent_dropout_mask()
