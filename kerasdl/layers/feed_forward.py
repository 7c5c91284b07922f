"""The point-wise feed-forward network of a Transformer."""

import keras

from kerasdl import activations, initializers
from kerasdl.layers.arguments import positive_integer, rate
from kerasdl.layers.dense import Dense
from kerasdl.layers.dropout import Dropout


@keras.saving.register_keras_serializable(package="kerasdl")
class FeedForward(keras.Layer):
    r"""Two dense layers, applied to each position alone.

    $$\mathrm{FFN}(x) = g(x W_1 + b_1)\, W_2 + b_2$$

    Args:
        intermediate_dim: Size of the hidden layer, the columns of $W_1$.
        activation: $g$.
        dropout: Share of hidden units dropped while training.
        kernel_initializer: Initialiser of $W_1$ and $W_2$.
        bias_initializer: Initialiser of $b_1$ and $b_2$.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, …, D).
        training: Whether to drop.

    Returns:
        Tensor (B, …, D). A mask is passed on.

    Source:
        Vaswani et al., 2017, Attention Is All You Need, equation 2.

    Example:
        >>> tuple(FeedForward(32)(keras.ops.ones((2, 5, 8))).shape)
        (2, 5, 8)

    Differences from the paper: dropout inside, off by default.
    """

    def __init__(
        self,
        intermediate_dim,
        activation="relu",
        dropout=0.0,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.intermediate_dim = positive_integer("intermediate_dim", intermediate_dim)
        self.activation = activations.get(activation)
        self.dropout = rate("dropout", dropout)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.supports_masking = True

    def build(self, input_shape):
        """Create both dense layers."""
        D = input_shape[-1]
        self.hidden_dense = self._dense(self.intermediate_dim, self.activation, "hidden")
        self.hidden_dense.build(input_shape)
        self.dropout_layer = Dropout(self.dropout, dtype=self.dtype_policy, name="dropout")
        self.output_dense = self._dense(D, None, "output")
        self.output_dense.build((*input_shape[:-1], self.intermediate_dim))

    def _dense(self, units, activation, name):
        return Dense(
            units,
            activation=activation,
            kernel_initializer=initializers.fresh_copy(self.kernel_initializer),
            bias_initializer=initializers.fresh_copy(self.bias_initializer),
            dtype=self.dtype_policy,
            name=name,
        )

    def call(self, inputs, training=None):
        """Compute $g(x W_1 + b_1) W_2 + b_2$."""
        hidden = self.hidden_dense(inputs)  # (B, …, intermediate)
        return self.output_dense(self.dropout_layer(hidden, training=training))

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return input_shape

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "intermediate_dim": self.intermediate_dim,
            "activation": activations.serialize(self.activation),
            "dropout": self.dropout,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
        }
