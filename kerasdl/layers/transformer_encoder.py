"""The encoder layer of a Transformer."""

import keras

from kerasdl.backend import get_mask
from kerasdl.layers.multi_head_attention import MultiHeadAttention
from kerasdl.layers.transformer_block import TransformerBlock


@keras.saving.register_keras_serializable(package="kerasdl")
class TransformerEncoder(TransformerBlock):
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

    def build(self, input_shape):
        """Create the attention, the feed-forward network and both normalisations."""
        self.self_attention = self._heads(MultiHeadAttention, "self_attention", input_shape[-1])
        self.self_attention.build(input_shape, input_shape)
        self._build_feed_forward(input_shape)
        self.attention_norm = self._norm("attention_norm", input_shape)
        self.feed_forward_norm = self._norm("feed_forward_norm", input_shape)
        self.attention_dropout_layer = self._dropout("attention_dropout")
        self.feed_forward_dropout = self._dropout("feed_forward_dropout")

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
        weights = []

        def attention(x):
            context = self.self_attention(
                x,
                x,
                query_mask=mask,
                value_mask=mask,
                attention_mask=attention_mask,
                use_causal_mask=use_causal_mask,
                return_attention_scores=return_attention_scores,
                training=training,
            )
            if return_attention_scores:
                context, scores = context
                weights.append(scores)
            return self.attention_dropout_layer(context, training=training)

        def feed_forward(x):
            return self.feed_forward_dropout(
                self.feed_forward(x, training=training), training=training
            )

        y = self._residual(inputs, self.attention_norm, attention)
        z = self._residual(y, self.feed_forward_norm, feed_forward)
        return (z, *weights) if return_attention_scores else z

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
