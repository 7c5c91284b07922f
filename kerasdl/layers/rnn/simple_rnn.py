"""The simple recurrent network."""

import keras

from kerasdl.layers.rnn.base_rnn import CellRNN
from kerasdl.layers.rnn.simple_rnn_cell import SimpleRNNCell
from kerasdl.ops.recurrence import simple_rnn


@keras.saving.register_keras_serializable(package="kerasdl")
class SimpleRNN(CellRNN):
    r"""Feed a layer's output back into it at the next step.

    $$h_t = g(x_t W + h_{t-1} U + b), \qquad t = 1, \dots, T$$

    Training runs back-propagation through time derived by hand: `kerasdl.ops.recurrence`.

    Args:
        units: Size $u$ of the state.
        activation: $g$.
        use_bias: Whether there is a $b$.
        kernel_initializer: Initialiser of $W$ (F, u).
        recurrent_initializer: Initialiser of $U$ (u, u).
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
        **kwargs: `zero_output_for_mask` of `RNN`; `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        sequences: Tensor (B, T, F).
        initial_state: List of the state $h$ to start from; `None` for 0.
        mask: Booleans (B, T), `True` where a step counts; elsewhere the state stays.
        training: Whether to drop.

    Returns:
        $h_T$ (B, u), or all $h_t$ (B, T, u) with `return_sequences`; with `return_state` in a tuple
        with state $h$. The mask is passed on with
        `return_sequences`.

    Raises:
        ValueError: If an argument is not what is expected, or a size is unknown that must be known.

    Source:
        Elman, 1990, Finding Structure in Time. Goodfellow et al., 2016, Deep Learning, section
        10.2.

    Example:
        >>> layer = SimpleRNN(3, return_sequences=True)
        >>> tuple(layer(keras.ops.ones((2, 5, 4))).shape)
        (2, 5, 3)

    Differences from Keras: those of `RNN`.
    """

    cell_class = SimpleRNNCell
    cell_name = "simple_rnn_cell"

    def __init__(
        self,
        units,
        activation="tanh",
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
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        unroll=False,
        seed=None,
        **kwargs,
    ):
        super().__init__(locals(), **kwargs)

    def along_the_sequence(self, x, states, mask, training):
        """Return all $h_t$, and the last."""
        cell = self.cell
        return simple_rnn(
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
        )
