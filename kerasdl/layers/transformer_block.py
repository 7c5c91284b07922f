"""What the encoder and the decoder layer of a Transformer have in common."""

import keras

from kerasdl import activations, initializers
from kerasdl.layers.arguments import positive_integer, rate
from kerasdl.layers.dropout import Dropout
from kerasdl.layers.feed_forward import FeedForward
from kerasdl.layers.layer_normalization import LayerNormalization


class TransformerBlock(keras.Layer):
    r"""Parts one behind the other, each with a residual and a normalisation.

    $$y = \mathrm{LN}(x + f(x)) \qquad \text{or, normalised first,} \qquad
      y = x + f(\mathrm{LN}(x))$$

    Args:
        intermediate_dim: Hidden size of the feed-forward network.
        num_heads: Heads of the attention; must divide the features D.
        dropout: Share dropped from the output of each part, and inside the feed-forward network.
        attention_dropout: Share of attention weights dropped.
        activation: Activation of the feed-forward network.
        layer_norm_epsilon: $\epsilon$ of the normalisations.
        kernel_initializer: Initialiser of all kernels.
        bias_initializer: Initialiser of all biases.
        normalize_first: Normalise before each part instead of after it.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.
    """

    def __init__(
        self,
        intermediate_dim,
        num_heads,
        dropout=0.0,
        attention_dropout=0.0,
        activation="relu",
        layer_norm_epsilon=1e-5,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        normalize_first=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.intermediate_dim = positive_integer("intermediate_dim", intermediate_dim)
        self.num_heads = positive_integer("num_heads", num_heads)
        self.dropout = rate("dropout", dropout)
        self.attention_dropout = rate("attention_dropout", attention_dropout)
        self.activation = activations.get(activation)
        self.layer_norm_epsilon = layer_norm_epsilon
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.normalize_first = normalize_first
        self.input_spec = keras.InputSpec(ndim=3)
        self.supports_masking = True

    def _residual(self, x, norm, part):
        """Add what a part makes of x to x."""
        return x + part(norm(x)) if self.normalize_first else norm(x + part(x))

    def _heads(self, kind, name, D, **arguments):
        """Return an attention layer whose heads share the D features."""
        if D % self.num_heads:
            raise ValueError(
                f"`num_heads` must divide the features of the input, received num_heads="
                f"{self.num_heads} for {D} features."
            )
        return kind(
            self.num_heads,
            D // self.num_heads,
            dropout=self.attention_dropout,
            kernel_initializer=self.kernel_initializer,
            bias_initializer=self.bias_initializer,
            dtype=self.dtype_policy,
            name=name,
            **arguments,
        )

    def _build_feed_forward(self, shape):
        self.feed_forward = FeedForward(
            self.intermediate_dim,
            self.activation,
            self.dropout,
            kernel_initializer=self.kernel_initializer,
            bias_initializer=self.bias_initializer,
            dtype=self.dtype_policy,
            name="feed_forward",
        )
        self.feed_forward.build(shape)

    def _norm(self, name, shape):
        norm = LayerNormalization(
            epsilon=self.layer_norm_epsilon, dtype=self.dtype_policy, name=name
        )
        norm.build(shape)
        return norm

    def _dropout(self, name):
        return Dropout(self.dropout, dtype=self.dtype_policy, name=name)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "intermediate_dim": self.intermediate_dim,
            "num_heads": self.num_heads,
            "dropout": self.dropout,
            "attention_dropout": self.attention_dropout,
            "activation": activations.serialize(self.activation),
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "normalize_first": self.normalize_first,
        }
