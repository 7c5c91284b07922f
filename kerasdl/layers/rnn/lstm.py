"""The long short-term memory."""

import keras

from kerasdl.layers.rnn.base_rnn import CellRNN, choice_of_kernel
from kerasdl.layers.rnn.lstm_cell import LSTMCell
from kerasdl.ops.recurrence import lstm


@keras.saving.register_keras_serializable(package="kerasdl")
class LSTM(CellRNN):
    r"""Recurrent network whose memory is written, kept and read through gates.

    With $x_t W + h_{t-1} U + b$ cut into four, for the gates $i, f, c, o$:

    $$i = \sigma(z_i), \quad f = \sigma(z_f), \quad \tilde c = g(z_c), \quad o = \sigma(z_o)$$
    $$c_t = f \odot c_{t-1} + i \odot \tilde c, \qquad h_t = o \odot g(c_t)$$

    Training runs back-propagation through time derived by hand: `kerasdl.ops.recurrence`.

    Args:
        units: Size $u$ of the state.
        activation: $g$.
        recurrent_activation: $\sigma$.
        use_bias: Whether there is a $b$.
        kernel_initializer: Initialiser of $W$ (F, 4u).
        recurrent_initializer: Initialiser of $U$ (u, 4u).
        bias_initializer: Initialiser of $b$.
        unit_forget_bias: Whether the forget gate's part of $b$ starts at 1, so that at first the
            cell remembers.
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
        return_state: Whether the last $h$ and $c$ are returned, too.
        go_backwards: Whether the sequence is read from its end; outputs come in the order of
            computation.
        stateful: Whether a batch starts from the states in which the last one ended, example by
            example. The batch size must be known.
        unroll: Whether the steps are written out one behind the other. The length must be known.
        use_cudnn: For Keras' sake: one of "auto", `True`, `False`. No cuDNN here: the hand-derived
            path serves for all three; `True` raises where a setting leaves only the plain loop.
        implementation: 2: one product for all gates; 1: with dropout, each gate drops for itself.
        return_gates: Whether the gates at every step are returned, behind all else: a dict with
            "input", "forget", "candidate", "output" and "cell", each (B, T, u). Such a layer runs
            on the plain loop.
        **kwargs: `zero_output_for_mask` of `RNN`; `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        sequences: Tensor (B, T, F).
        initial_state: List of the states $h$, $c$ to start from; `None` for 0.
        mask: Booleans (B, T), `True` where a step counts; elsewhere the state stays.
        training: Whether to drop.

    Returns:
        $h_T$ (B, u), or all $h_t$ (B, T, u) with `return_sequences`; with `return_state` in a tuple
        with states $h$, $c$, and with
        `return_gates` the gates. The mask is passed on with
        `return_sequences`.

    Raises:
        ValueError: If an argument is not what is expected, or a size is unknown that must be known.

    Source:
        Hochreiter and Schmidhuber, 1997, Long Short-Term Memory; Gers et al., 2000, Learning to
        Forget.

    Example:
        >>> layer = LSTM(3, return_gates=True)
        >>> h, gates = layer(keras.ops.ones((2, 5, 4)))
        >>> tuple(h.shape), tuple(gates["forget"].shape)
        ((2, 3), (2, 5, 3))

    Differences from Keras: those of `RNN`; `return_gates`; `use_cudnn` and `implementation` stand
    in the config; XLA is never switched off for the model.
    """

    cell_class = LSTMCell
    cell_name = "lstm_cell"
    gate_names = ("input", "forget", "candidate", "output", "cell")

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
        use_cudnn="auto",
        implementation=2,
        return_gates=False,
        **kwargs,
    ):
        super().__init__(locals(), **kwargs)
        self.use_cudnn = choice_of_kernel(use_cudnn)

    def along_the_sequence(self, x, states, mask, training):
        """Return all $h_t$, and the last $h$ and $c$."""
        cell = self.cell
        return lstm(
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
        )

    def get_config(self):
        """Return the constructor's arguments."""
        choice = {} if self.use_cudnn == "auto" else {"use_cudnn": self.use_cudnn}
        return super().get_config() | choice
