"""The cell of the simple recurrent network."""

import keras

from kerasdl.layers.rnn.base_cell import RecurrentCell


@keras.saving.register_keras_serializable(package="kerasdl")
class SimpleRNNCell(RecurrentCell):
    r"""One step of a simple recurrent network.

    $$h_t = g(x_t W + h_{t-1} U + b)$$

    Args:
        units: Size $u$ of the state.
        activation: $g$.
        use_bias: Whether there is a $b$.
        kernel_initializer: Initialiser of $W$ (F, u).
        recurrent_initializer: Initialiser of $U$ (u, u).
        bias_initializer: Initialiser of $b$ (u,).
        kernel_regularizer: Penalty on $W$.
        recurrent_regularizer: Penalty on $U$.
        bias_regularizer: Penalty on $b$.
        kernel_constraint: Projection of $W$ after each update.
        recurrent_constraint: Projection of $U$ after each update.
        bias_constraint: Projection of $b$ after each update.
        dropout: Share of the inputs that is dropped in training, the same at all steps.
        recurrent_dropout: Share of the state that is dropped before the product with $U$.
        seed: Seed of the dropout.
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
        Elman, 1990, Finding Structure in Time.

    Example:
        >>> cell = SimpleRNNCell(3)
        >>> h, states = cell(keras.ops.ones((2, 4)), cell.get_initial_state(2))
        >>> tuple(h.shape), len(states)
        ((2, 3), 1)

    Differences from Keras: none.
    """

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
        kernel_constraint=None,
        recurrent_constraint=None,
        bias_constraint=None,
        dropout=0.0,
        recurrent_dropout=0.0,
        seed=None,
        **kwargs,
    ):
        # Before the initialisers, as in Keras: after `set_random_seed` the weights are the same.
        seed_generator = keras.random.SeedGenerator(seed)
        super().__init__(locals(), **kwargs)

    def step(self, inputs, states, training=False):
        """Compute $h_t$."""
        a = self.from_inputs(inputs, training, self.bias)
        h = self.activation(a + self.from_state(states[0], training))
        return h, [h], {}
