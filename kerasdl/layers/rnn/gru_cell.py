"""The cell of the gated recurrent unit."""

import keras
from keras import ops

from kerasdl.layers.rnn.base_cell import GatedCell
from kerasdl.ops.recurrence import gru_step, gru_step_reset_before


@keras.saving.register_keras_serializable(package="kerasdl")
class GRUCell(GatedCell):
    r"""One step of a gated recurrent unit.

    With $a^x = x_t W + b^x$ and $a^h = h_{t-1} U + b^h$ cut into three, for $z, r, h$:

    $$z = \sigma(a^x_z + a^h_z), \qquad r = \sigma(a^x_r + a^h_r), \qquad
      \tilde h = g(a^x_h + r \odot a^h_h)$$
    $$h_t = z \odot h_{t-1} + (1 - z) \odot \tilde h$$

    With `reset_after=False` the reset comes before the product, as in the paper:
    $\tilde h = g(a^x_h + (r \odot h_{t-1})\, U_h)$.

    Args:
        units: Size $u$ of the state.
        activation: $g$.
        recurrent_activation: $\sigma$.
        use_bias: Whether there is a $b$.
        kernel_initializer: Initialiser of $W$ (F, 3u).
        recurrent_initializer: Initialiser of $U$ (u, 3u).
        bias_initializer: Initialiser of $b$ (2, 3u), or (3u,) with `reset_after=False`.
        kernel_regularizer: Penalty on $W$.
        recurrent_regularizer: Penalty on $U$.
        bias_regularizer: Penalty on $b$.
        kernel_constraint: Projection of $W$ after each update.
        recurrent_constraint: Projection of $U$ after each update.
        bias_constraint: Projection of $b$ after each update.
        dropout: Share of the inputs that is dropped in training, the same at all steps.
        recurrent_dropout: Share of the state that is dropped before the product with $U$.
        seed: Seed of the dropout.
        reset_after: Whether the reset gate acts after the product with $U$ or before it.
        implementation: 2: one product for all gates; 1: with dropout, each gate drops for itself.
            Always 1 with `recurrent_dropout`.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: $x_t$ (B, F).
        states: $h_{t-1}$ (B, u), in a list or not.
        training: Whether to drop.

    Returns:
        $h_t$ (B, u), and the state likewise.

    Raises:
        ValueError: If `units` is not a positive integer.

    Source:
        Cho et al., 2014, Learning Phrase Representations using RNN Encoder-Decoder, section 2.3.

    Example:
        >>> cell = GRUCell(3)
        >>> h, states = cell(keras.ops.ones((2, 4)), cell.get_initial_state(2))
        >>> tuple(h.shape)
        (2, 3)

    Differences from Keras: `implementation` stands in the config.
    """

    gates = 3

    def __init__(
        self,
        units,
        activation="tanh",
        recurrent_activation="sigmoid",
        use_bias=True,
        kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal",
        bias_initializer="zeros",
        kernel_regularizer=None,
        recurrent_regularizer=None,
        bias_regularizer=None,
        kernel_constraint=None,
        recurrent_constraint=None,
        bias_constraint=None,
        dropout=0.0,
        recurrent_dropout=0.0,
        reset_after=True,
        seed=None,
        implementation=2,
        **kwargs,
    ):
        super().__init__(locals(), **kwargs)
        self.reset_after = reset_after

    @property
    def bias_shape(self):
        """(2, 3u): $b^x$ and $b^h$; or (3u,)."""
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def step(self, inputs, states, training=False):
        """Compute $h_t$."""
        (h,) = states
        activations = (self.activation, self.recurrent_activation)
        if self.reset_after:
            b_x, b_h = self._biases()
            a_x, a_h = self.from_inputs(inputs, training, b_x), self.from_state(h, training)
            h, (z, r, h_tilde) = gru_step(a_x, a_h if b_h is None else a_h + b_h, h, *activations)
        else:
            a_x = self.from_inputs(inputs, training, self.bias)
            masks = self.state_mask(h, training)
            dropped = h if masks is None else (h, *(h * m for m in masks))
            h, (z, r, h_tilde) = gru_step_reset_before(
                a_x, dropped, ops.convert_to_tensor(self.recurrent_kernel), *activations
            )
        return h, [h], {"update": z, "reset": r, "candidate": h_tilde}

    def _biases(self):
        if self.bias is None:
            return None, None
        return ops.unstack(ops.convert_to_tensor(self.bias), 2)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "reset_after": self.reset_after}
