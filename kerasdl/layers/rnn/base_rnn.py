"""What the layers SimpleRNN, LSTM and GRU share: a cell of their own, and the fast path."""

import operator

import keras
from keras import ops

from kerasdl import regularizers
from kerasdl.layers.rnn.rnn import RNN
from kerasdl.ops.recurrence import by_hand

OF_THE_CELL = (
    "units",
    "activation",
    "recurrent_activation",
    "use_bias",
    "kernel_initializer",
    "recurrent_initializer",
    "bias_initializer",
    "unit_forget_bias",
    "kernel_regularizer",
    "recurrent_regularizer",
    "bias_regularizer",
    "kernel_constraint",
    "recurrent_constraint",
    "bias_constraint",
    "dropout",
    "recurrent_dropout",
    "reset_after",
    "seed",
    "implementation",
)
_OF_THE_LOOP = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll")


class CellRNN(RNN):
    """A layer that makes its own cell, and runs it by the hand-derived path where there is one.

    Subclasses say which class of cell and which gates, and write `along_the_sequence`.

    Args:
        given: `locals()` of a constructor with the arguments of the cell and of the layer.
    """

    cell_class = None
    cell_name = ""
    gate_names = ()

    def __init__(self, given, **kwargs):
        cell = self.cell_class(
            **{name: given[name] for name in OF_THE_CELL if name in given},
            dtype=kwargs.get("dtype"),
            trainable=kwargs.get("trainable", True),
            name=self.cell_name,
        )
        super().__init__(
            cell,
            activity_regularizer=given["activity_regularizer"],
            **{name: given[name] for name in _OF_THE_LOOP},
            **kwargs,
        )
        self.return_gates = given.get("return_gates", False)
        self.input_spec = keras.InputSpec(ndim=3)

    def along_the_sequence(self, x, states, mask, training):
        """Return all outputs, each beside its input, and the last states."""
        raise NotImplementedError

    def has_fast_path(self, training) -> bool:
        """Whether the hand-derived path of `kerasdl.ops.recurrence` computes this layer."""
        cell = self.cell
        dropped_by_gate = cell.masks_per_gate and cell.dropout
        return (
            not self.unroll
            and not (training and (cell.recurrent_dropout or dropped_by_gate))
            and by_hand(cell.activation) is not None
            and by_hand(getattr(cell, "recurrent_activation", cell.activation)) is not None
        )

    def inner_loop(self, sequences, initial_state, mask, training=False):
        """Run the cell along the sequence: by hand, or by the plain loop."""
        fast = self.has_fast_path(training) and not self.return_gates
        if getattr(self, "use_cudnn", None) is True and not fast:
            raise ValueError(
                "use_cudnn=True was specified, but only the plain loop computes this layer's "
                "settings (`unroll`, `recurrent_dropout`, `return_gates`, or an activation whose "
                "derivative needs more than its value). Pass use_cudnn='auto'."
            )
        if self.return_gates:
            return self._with_gates(sequences, initial_state, mask, training)
        if not fast:
            return super().inner_loop(sequences, initial_state, mask, training)
        if training and self.cell.drops(self.cell.dropout):
            sequences *= ops.expand_dims(self.cell.get_dropout_mask(sequences[:, 0]), 1)
        outputs, *states = self.along_the_sequence(sequences, initial_state, mask, training)
        last = states[0]
        if mask is not None and self.zero_output_for_mask:
            counts = ops.expand_dims(ops.cast(mask, "bool"), -1)
            last = ops.where(counts[:, 0 if self.go_backwards else -1], last, ops.zeros_like(last))
            if outputs is not None:
                outputs = ops.where(counts, outputs, ops.zeros_like(outputs))
        if outputs is not None and self.go_backwards:
            outputs = ops.flip(outputs, axis=1)  # in the order of computation
        return last, outputs, states

    def _with_gates(self, sequences, states, mask, training):
        def step(x_t, states):
            output, new, gates = self.cell.step(x_t, states, training)
            return [output, *(gates[name] for name in self.gate_names)], new

        nothing = ops.zeros_like(states[0])
        outputs_0 = [states[0], *[nothing] * len(self.gate_names)]
        last, outputs, states = self._unfolded(
            step, sequences, states, outputs_0, mask, all_steps=True
        )
        return last[0], outputs[0], states, dict(zip(self.gate_names, outputs[1:], strict=True))

    def compute_output_shape(self, sequences_shape, initial_state_shape=None):
        """Return what `RNN` does and, with `return_gates`, (B, T, u) for each gate."""
        output = super().compute_output_shape(sequences_shape)
        if not self.return_gates:
            return output
        shape = (*sequences_shape[:2], self.units)
        output = output if self.return_state else (output,)
        return (*output, dict.fromkeys(self.gate_names, shape))

    def compute_mask(self, sequences, mask=None):
        """Return what `RNN` does and, with `return_gates`, the mask for each gate."""
        masks = super().compute_mask(sequences, mask)
        if not self.return_gates:
            return masks
        of_steps = keras.tree.flatten(mask)[0]
        masks = masks if self.return_state else [masks]
        return [*masks, dict.fromkeys(self.gate_names, of_steps)]

    def get_config(self):
        """Return the constructor's arguments."""
        config = super().get_config()
        del config["cell"]
        of_the_cell = self.cell.get_config()
        config |= {name: of_the_cell[name] for name in OF_THE_CELL if name in of_the_cell}
        config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        return config | ({"return_gates": True} if self.return_gates else {})

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Rebuild the layer."""
        return cls(**config)


def _attribute_of_the_cell(name):
    return property(operator.attrgetter(f"cell.{name}"), doc=f"`{name}` of the cell.")


# `layer.units`, `layer.dropout` and so on: as in Keras, the layer shows what its cell has.
for _name in OF_THE_CELL:
    setattr(CellRNN, _name, _attribute_of_the_cell(_name))


def choice_of_kernel(use_cudnn):
    """Return the argument `use_cudnn` if it is one of Keras' values.

    Raises:
        ValueError: Naming what came.

    Example:
        >>> choice_of_kernel("auto")
        'auto'
    """
    if use_cudnn not in ("auto", True, False):
        raise ValueError(
            "Invalid value received for argument `use_cudnn`. Expected one of 'auto', True, False. "
            f"Received: use_cudnn={use_cudnn!r}"
        )
    return use_cudnn
