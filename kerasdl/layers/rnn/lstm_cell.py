"""The cell of the long short-term memory."""

import keras
from keras import ops

from kerasdl.initializers import Ones
from kerasdl.layers.rnn.base_cell import GatedCell
from kerasdl.ops.recurrence import lstm_step


@keras.saving.register_keras_serializable(package="kerasdl")
class LSTMCell(GatedCell):
    r"""One step of a long short-term memory.

    With $x_t W + h_{t-1} U + b$ cut into four, for the gates $i, f, c, o$:

    $$i = \sigma(z_i), \quad f = \sigma(z_f), \quad \tilde c = g(z_c), \quad o = \sigma(z_o)$$
    $$c_t = f \odot c_{t-1} + i \odot \tilde c, \qquad h_t = o \odot g(c_t)$$

    Args:
        units: Size $u$ of the state.
        activation: $g$.
        recurrent_activation: $\sigma$.
        use_bias: Whether there is a $b$.
        kernel_initializer: Initialiser of $W$ (F, 4u).
        recurrent_initializer: Initialiser of $U$ (u, 4u).
        bias_initializer: Initialiser of $b$ (4u,).
        unit_forget_bias: Whether the forget gate's part of $b$ starts at 1, so that at first the
            cell remembers.
        kernel_regularizer: Penalty on $W$.
        recurrent_regularizer: Penalty on $U$.
        bias_regularizer: Penalty on $b$.
        kernel_constraint: Projection of $W$ after each update.
        recurrent_constraint: Projection of $U$ after each update.
        bias_constraint: Projection of $b$ after each update.
        dropout: Share of the inputs that is dropped in training, the same at all steps.
        recurrent_dropout: Share of the state that is dropped before the product with $U$.
        seed: Seed of the dropout.
        implementation: 2: one product for all gates; 1: with dropout, each gate drops for itself.
            Always 1 with `recurrent_dropout`.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: $x_t$ (B, F).
        states: List of $h_{t-1}$ and $c_{t-1}$ (B, u).
        training: Whether to drop.

    Returns:
        $h_t$ (B, u), and the list of $h_t$ and $c_t$.

    Raises:
        ValueError: If `units` is not a positive integer.

    Source:
        Hochreiter and Schmidhuber, 1997, Long Short-Term Memory; Gers et al., 2000, Learning to
        Forget; the forget bias of 1 from Jozefowicz et al., 2015, An Empirical Exploration of
        Recurrent Network Architectures.

    Example:
        >>> cell = LSTMCell(3)
        >>> h, (h, c) = cell(keras.ops.ones((2, 4)), cell.get_initial_state(2))
        >>> tuple(h.shape), tuple(c.shape)
        ((2, 3), (2, 3))

    Differences from Keras: `implementation` stands in the config.
    """

    gates = 4

    def __init__(
        self,
        units,
        activation="tanh",
        recurrent_activation="sigmoid",
        use_bias=True,
        kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal",
        bias_initializer="zeros",
        unit_forget_bias=True,
        kernel_regularizer=None,
        recurrent_regularizer=None,
        bias_regularizer=None,
        kernel_constraint=None,
        recurrent_constraint=None,
        bias_constraint=None,
        dropout=0.0,
        recurrent_dropout=0.0,
        seed=None,
        implementation=2,
        **kwargs,
    ):
        super().__init__(locals(), **kwargs)
        self.unit_forget_bias = unit_forget_bias
        self.state_size = [self.units, self.units]

    @property
    def initial_bias(self):
        """Initialiser of $b$, with 1 for the forget gate if asked for."""
        if not self.unit_forget_bias:
            return self.bias_initializer
        u = self.units

        def initial(shape, dtype=None):
            first = self.bias_initializer((u,), dtype=dtype)
            rest = self.bias_initializer((2 * u,), dtype=dtype)
            return ops.concatenate([first, Ones()((u,), dtype=dtype), rest])

        return initial

    def step(self, inputs, states, training=False):
        """Compute $h_t$ and $c_t$."""
        h, c = states
        z = self.from_inputs(inputs, training, self.bias) + self.from_state(h, training)
        h, c, (i, f, c_tilde, o) = lstm_step(z, c, self.activation, self.recurrent_activation)
        gates = {"input": i, "forget": f, "candidate": c_tilde, "output": o, "cell": c}
        return h, [h, c], gates

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "unit_forget_bias": self.unit_forget_bias}
