"""The gated recurrent unit."""

import keras

from kerasdl.layers.rnn.base_rnn import CellRNN, choice_of_kernel
from kerasdl.layers.rnn.gru_cell import GRUCell
from kerasdl.ops.recurrence import gru


@keras.saving.register_keras_serializable(package="kerasdl")
class GRU(CellRNN):
    r"""Recurrent network whose state is kept or replaced through gates.

    With $a^x = x_t W + b^x$ and $a^h = h_{t-1} U + b^h$ cut into three, for $z, r, h$:

    $$z = \sigma(a^x_z + a^h_z), \qquad r = \sigma(a^x_r + a^h_r), \qquad
      \tilde h = g(a^x_h + r \odot a^h_h)$$
    $$h_t = z \odot h_{t-1} + (1 - z) \odot \tilde h$$

    With `reset_after=False` the reset comes before the product, as in the paper:
    $\tilde h = g(a^x_h + (r \odot h_{t-1})\, U_h)$.

    Training runs back-propagation through time derived by hand: `kerasdl.ops.recurrence`.

    Args:
        units: Size $u$ of the state.
        activation: $g$.
        recurrent_activation: $\sigma$.
        use_bias: Whether there is a $b$.
        kernel_initializer: Initialiser of $W$ (F, 3u).
        recurrent_initializer: Initialiser of $U$ (u, 3u).
        bias_initializer: Initialiser of $b$.
        kernel_regularizer: Penalty on $W$.
        recurrent_regularizer: Penalty on $U$.
        bias_regularizer: Penalty on $b$.
        activity_regularizer: Penalty on the output.
        kernel_constraint: Projection of $W$ after each update.
        recurrent_constraint: Projection of $U$ after each update.
        bias_constraint: Projection of $b$ after each update.
        dropout: Share of the inputs that is dropped in training, the same at all steps.
        recurrent_dropout: Share of the state that is dropped before the product with $U$. Such a
            layer trains on the plain loop.
        seed: Seed of the dropout.
        return_sequences: Whether all outputs are returned, or the last one.
        return_state: Whether the last state is returned, too.
        go_backwards: Whether the sequence is read from its end; outputs come in the order of
            computation.
        stateful: Whether a batch starts from the states in which the last one ended, example by
            example. The batch size must be known.
        unroll: Whether the steps are written out one behind the other. The length must be known.
        reset_after: Whether the reset gate acts after the product with $U$ or before it.
        use_cudnn: For Keras' sake: one of "auto", `True`, `False`. No cuDNN here: the hand-derived
            path serves for all three; `True` raises where a setting leaves only the plain loop.
        implementation: 2: one product for all gates; 1: with dropout, each gate drops for itself.
        return_gates: Whether the gates at every step are returned, behind all else: a dict with
            "update", "reset" and "candidate", each (B, T, u). Such a layer runs on the plain loop.
        **kwargs: `zero_output_for_mask` of `RNN`; `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        sequences: Tensor (B, T, F).
        initial_state: List of the state $h$ to start from; `None` for 0.
        mask: Booleans (B, T), `True` where a step counts; elsewhere the state stays.
        training: Whether to drop.

    Returns:
        $h_T$ (B, u), or all $h_t$ (B, T, u) with `return_sequences`; with `return_state` in a tuple
        with state $h$, and with
        `return_gates` the gates. The mask is passed on with
        `return_sequences`.

    Raises:
        ValueError: If an argument is not what is expected, or a size is unknown that must be known.

    Source:
        Cho et al., 2014, Learning Phrase Representations using RNN Encoder-Decoder, section 2.3.

    Example:
        >>> layer = GRU(3, return_sequences=True)
        >>> tuple(layer(keras.ops.ones((2, 5, 4))).shape)
        (2, 5, 3)

    Differences from Keras: those of `RNN`; `return_gates`; `use_cudnn` and `implementation` stand
    in the config; XLA is never switched off for the model.
    """

    cell_class = GRUCell
    cell_name = "gru_cell"
    gate_names = ("update", "reset", "candidate")

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
        activity_regularizer=None,
        kernel_constraint=None,
        recurrent_constraint=None,
        bias_constraint=None,
        dropout=0.0,
        recurrent_dropout=0.0,
        seed=None,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        unroll=False,
        reset_after=True,
        use_cudnn="auto",
        implementation=2,
        return_gates=False,
        **kwargs,
    ):
        super().__init__(locals(), **kwargs)
        self.use_cudnn = choice_of_kernel(use_cudnn)

    def along_the_sequence(self, x, states, mask, training):
        """Return all $h_t$, and the last."""
        cell = self.cell
        return gru(
            x,
            *states,
            cell.kernel,
            cell.recurrent_kernel,
            cell.bias,
            mask,
            self.go_backwards,
            self.return_sequences,
            training,
            cell.activation,
            cell.recurrent_activation,
            cell.reset_after,
        )

    def get_config(self):
        """Return the constructor's arguments."""
        choice = {} if self.use_cudnn == "auto" else {"use_cudnn": self.use_cudnn}
        return super().get_config() | choice
