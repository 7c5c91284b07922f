"""The encoder layer of a Transformer."""

import keras

from kerasdl import activations, initializers
from kerasdl.backend import get_mask
from kerasdl.layers.arguments import positive_integer, rate
from kerasdl.layers.dropout import Dropout
from kerasdl.layers.feed_forward import FeedForward
from kerasdl.layers.layer_normalization import LayerNormalization
from kerasdl.layers.multi_head_attention import MultiHeadAttention


@keras.saving.register_keras_serializable(package="kerasdl")
class TransformerEncoder(keras.Layer):
    r"""Self-attention and a feed-forward network, each with a residual and a normalisation.

    As in the paper (`normalize_first=False`):

    $$\begin{aligned}
      y &= \mathrm{LN}(x + \mathrm{MHA}(x, x, x)) \\
      z &= \mathrm{LN}(y + \mathrm{FFN}(y))
    \end{aligned}$$

    Normalised first, as in the Vision Transformer (`normalize_first=True`):

    $$\begin{aligned}
      y &= x + \mathrm{MHA}(\mathrm{LN}(x)) \\
      z &= y + \mathrm{FFN}(\mathrm{LN}(y))
    \end{aligned}$$

    Args:
        intermediate_dim: Hidden size of the feed-forward network.
        num_heads: Heads of the attention; must divide the features D.
        dropout: Share dropped from the output of each half, and inside the feed-forward network.
        attention_dropout: Share of attention weights dropped.
        activation: Activation of the feed-forward network.
        layer_norm_epsilon: $\epsilon$ of both normalisations.
        kernel_initializer: Initialiser of all kernels.
        bias_initializer: Initialiser of all biases.
        normalize_first: Normalise before each half instead of after it.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, T, D).
        mask: Booleans (B, T), False for padding. Default: the tensor's own mask.
        attention_mask: Booleans (B, T, T) or (B, N, T, T), AND-ed with the padding.
        use_causal_mask: Let no position look at later ones.
        return_attention_scores: Also return the weights (B, N, T, T).
        training: Whether to drop.

    Returns:
        Tensor (B, T, D), with the input's mask, or this and the weights.

    Raises:
        ValueError: If `num_heads` does not divide D.

    Source:
        Vaswani et al., 2017, Attention Is All You Need, section 3.1; Xiong et al., 2020
        (normalised first).

    Example:
        >>> layer = TransformerEncoder(intermediate_dim=32, num_heads=2)
        >>> tuple(layer(keras.ops.ones((1, 5, 8))).shape)
        (1, 5, 8)

    Differences from the paper: dropout also inside the feed-forward network.
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

    def build(self, input_shape):
        """Create the attention, the feed-forward network and both normalisations."""
        D = input_shape[-1]
        if D % self.num_heads:
            raise ValueError(
                f"`num_heads` must divide the features of the input, received num_heads="
                f"{self.num_heads} for {D} features."
            )
        common = {"dtype": self.dtype_policy}
        weights = {
            "kernel_initializer": self.kernel_initializer,
            "bias_initializer": self.bias_initializer,
        }
        self.self_attention = MultiHeadAttention(
            self.num_heads,
            D // self.num_heads,
            dropout=self.attention_dropout,
            name="self_attention",
            **weights,
            **common,
        )
        self.self_attention.build(input_shape, input_shape)
        self.feed_forward = FeedForward(
            self.intermediate_dim,
            self.activation,
            self.dropout,
            name="feed_forward",
            **weights,
            **common,
        )
        self.feed_forward.build(input_shape)
        epsilon = self.layer_norm_epsilon
        self.attention_norm = LayerNormalization(epsilon=epsilon, name="attention_norm", **common)
        self.attention_norm.build(input_shape)
        self.feed_forward_norm = LayerNormalization(
            epsilon=epsilon, name="feed_forward_norm", **common
        )
        self.feed_forward_norm.build(input_shape)
        self.attention_dropout_layer = Dropout(self.dropout, name="attention_dropout", **common)
        self.feed_forward_dropout = Dropout(self.dropout, name="feed_forward_dropout", **common)

    def call(
        self,
        inputs,
        mask=None,
        attention_mask=None,
        use_causal_mask=False,
        return_attention_scores=False,
        training=None,
    ):
        """Compute both halves."""
        # With a second tensor argument Keras no longer fills `mask` in.
        mask = get_mask(inputs) if mask is None else mask

        def attention(x):
            context, weights = self.self_attention(
                x,
                x,
                query_mask=mask,
                value_mask=mask,
                attention_mask=attention_mask,
                use_causal_mask=use_causal_mask,
                return_attention_scores=True,
                training=training,
            )
            return self.attention_dropout_layer(context, training=training), weights

        def feed_forward(x):
            return self.feed_forward_dropout(
                self.feed_forward(x, training=training), training=training
            )

        x = inputs
        if self.normalize_first:
            context, weights = attention(self.attention_norm(x))
            y = x + context
            z = y + feed_forward(self.feed_forward_norm(y))
        else:
            context, weights = attention(x)
            y = self.attention_norm(x + context)
            z = self.feed_forward_norm(y + feed_forward(y))
        return (z, weights) if return_attention_scores else z

    def compute_output_spec(self, inputs, *args, return_attention_scores=False, **kwargs):
        """Return the symbolic output, and the weights (B, N, T, T) if asked for."""
        output = keras.KerasTensor(inputs.shape, dtype=self.compute_dtype)
        if not return_attention_scores:
            return output
        B, T, _ = inputs.shape
        return output, keras.KerasTensor((B, self.num_heads, T, T), dtype=self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return input_shape

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
