"""What the cells of SimpleRNN, LSTM and GRU share: arguments, weights, dropout."""

import keras
from keras import ops

from kerasdl import activations, constraints, initializers, regularizers
from kerasdl.layers.arguments import positive_integer
from kerasdl.ops.linear import product
from kerasdl.ops.regularization import dropout

# Keras shows these in this order, and so do our constructors.
OBJECTS = {
    "kernel_initializer": initializers,
    "recurrent_initializer": initializers,
    "bias_initializer": initializers,
    "kernel_regularizer": regularizers,
    "recurrent_regularizer": regularizers,
    "bias_regularizer": regularizers,
    "kernel_constraint": constraints,
    "recurrent_constraint": constraints,
    "bias_constraint": constraints,
}


class RecurrentCell(keras.Layer):
    """A cell: one step, from an input and states to an output and the next states.

    Subclasses set `gates`, say which states there are, and write `step`.

    Args:
        given: `locals()` of a constructor with the arguments of a recurrent cell.

    Dropout masks are drawn once and hold for all steps of a sequence: `keras.layers.RNN`, and ours,
    call `reset_dropout_mask` and `reset_recurrent_dropout_mask` after it.
    """

    gates = 1

    def __init__(self, given, **kwargs):
        super().__init__(**kwargs)
        self.units = positive_integer("units", given["units"])
        self.activation = activations.get(given["activation"])
        self.use_bias = given["use_bias"]
        for name, room in OBJECTS.items():
            setattr(self, name, room.get(given[name]))
        self.dropout = min(1.0, max(0.0, given["dropout"]))
        self.recurrent_dropout = min(1.0, max(0.0, given["recurrent_dropout"]))
        self.seed = given["seed"]
        self.seed_generator = given.get("seed_generator") or keras.random.SeedGenerator(self.seed)
        self.state_size = self.units
        self.output_size = self.units
        self._dropout_mask = None
        self._recurrent_dropout_mask = None

    def build(self, input_shape):
        """Create $W$ (F, k u), $U$ (u, k u) and $b$, k gates side by side."""
        width = self.gates * self.units
        self.kernel = self.add_weight(
            name="kernel",
            shape=(input_shape[-1], width),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel",
            shape=(self.units, width),
            initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=self.bias_shape,
                initializer=self.initial_bias,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    @property
    def bias_shape(self):
        """Shape of $b$."""
        return (self.gates * self.units,)

    @property
    def initial_bias(self):
        """Initialiser of $b$."""
        return self.bias_initializer

    def call(self, inputs, states, training=False):
        """Take one step; return the output and the list of the next states."""
        nested = keras.tree.is_nested(states)
        output, new, _ = self.step(inputs, list(states) if nested else [states], training)
        return output, new if nested else new[0]

    def step(self, inputs, states, training=False):
        """Take one step; return the output, the next states, and the gates by name."""
        raise NotImplementedError

    @property
    def masks_per_gate(self) -> bool:
        """Whether each gate sees its inputs through a dropout mask of its own."""
        return getattr(self, "implementation", 2) == 1

    def drops(self, rate) -> bool:
        """Whether a rate of dropout drops anything."""
        return rate > 0

    def from_inputs(self, inputs, training, bias=None):
        r"""Compute $x_t W$ (+ a bias) with dropout on $x_t$."""
        drops = training and self.drops(self.dropout)
        mask = self.get_dropout_mask(inputs) if drops else None
        a = self._dropped_product(inputs, mask, self.kernel)
        return a if bias is None else a + bias

    def from_state(self, h, training):
        """Compute $h_{t-1} U$ with dropout on $h_{t-1}$."""
        return self._dropped_product(h, self.state_mask(h, training), self.recurrent_kernel)

    def state_mask(self, h, training):
        """Return the dropout mask of the state, a list of one for each gate, or `None`."""
        if not (training and self.drops(self.recurrent_dropout)):
            return None
        return self.get_recurrent_dropout_mask(h)

    def _dropped_product(self, x, mask, kernel):
        if isinstance(mask, list | tuple):
            kernels = ops.split(kernel, self.gates, axis=-1)
            return ops.concatenate(
                [product(x * m, W) for m, W in zip(mask, kernels, strict=True)], axis=-1
            )
        return product(x if mask is None else x * mask, kernel)

    def get_dropout_mask(self, step_input):
        """Return the mask of the inputs, drawn at the first call after a reset."""
        if self._dropout_mask is None and self.dropout > 0:
            self._dropout_mask = self._drawn(step_input, self.dropout)
        return self._dropout_mask

    def get_recurrent_dropout_mask(self, step_input):
        """Return the mask of the state, drawn at the first call after a reset."""
        if self._recurrent_dropout_mask is None and self.recurrent_dropout > 0:
            self._recurrent_dropout_mask = self._drawn(step_input, self.recurrent_dropout)
        return self._recurrent_dropout_mask

    def _drawn(self, like, rate):
        def mask():
            return dropout(ops.ones_like(like), rate, seed=self.seed_generator)

        return tuple(mask() for _ in range(self.gates)) if self.masks_per_gate else mask()

    def reset_dropout_mask(self):
        """Forget the mask of the inputs: the next step draws another."""
        self._dropout_mask = None

    def reset_recurrent_dropout_mask(self):
        """Forget the mask of the state."""
        self._recurrent_dropout_mask = None

    def get_initial_state(self, batch_size=None):
        """Return zeros for each state."""
        sizes = self.state_size if isinstance(self.state_size, list) else [self.state_size]
        return [ops.zeros((batch_size, n), dtype=self.compute_dtype) for n in sizes]

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            **{name: room.serialize(getattr(self, name)) for name, room in OBJECTS.items()},
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "seed": self.seed,
        }


class GatedCell(RecurrentCell):
    """A cell with gates, which have an activation of their own.

    Args:
        given: `locals()` of a constructor with the arguments of a gated cell.
    """

    def __init__(self, given, **kwargs):
        super().__init__(given, **kwargs)
        self.recurrent_activation = activations.get(given["recurrent_activation"])
        # Dropout on the state is drawn for each gate, as in Keras.
        self.implementation = 1 if self.recurrent_dropout else given["implementation"]

    def drops(self, rate) -> bool:
        """Whether a rate of dropout drops anything: as in Keras' gated cells, 1 does not."""
        return 0 < rate < 1

    def get_config(self):
        """Return the constructor's arguments."""
        config = {
            **super().get_config(),
            "recurrent_activation": activations.serialize(self.recurrent_activation),
        }
        if self.implementation == 1 and not self.recurrent_dropout:
            config["implementation"] = 1
        return config
