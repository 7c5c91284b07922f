"""The decoder layer of a Transformer."""

import keras

from kerasdl.backend import get_mask
from kerasdl.layers.cached_attention import CachedAttention
from kerasdl.layers.transformer_block import TransformerBlock


@keras.saving.register_keras_serializable(package="kerasdl")
class TransformerDecoder(TransformerBlock):
    r"""Masked self-attention, attention to an encoder's output, a feed-forward network.

    As in the paper (`normalize_first=False`), with the encoder's output $m$:

    $$\begin{aligned}
      u &= \mathrm{LN}(x + \mathrm{MHA}(x, x, x)) \qquad\text{no position looks at later ones} \\
      y &= \mathrm{LN}(u + \mathrm{MHA}(u, m, m)) \\
      z &= \mathrm{LN}(y + \mathrm{FFN}(y))
    \end{aligned}$$

    With `normalize_first=True` each line is $y = x + f(\mathrm{LN}(x))$. Built without an encoder's
    output, the layer has no second line: the block of a language model.

    `step` computes the same for one position at a time, from a cache of keys and values.

    Args:
        intermediate_dim: Hidden size of the feed-forward network.
        num_heads: Heads of both attentions; must divide the features D.
        dropout: Share dropped from the output of each part, and inside the feed-forward network.
        attention_dropout: Share of attention weights dropped.
        activation: Activation of the feed-forward network.
        layer_norm_epsilon: $\epsilon$ of the normalisations.
        kernel_initializer: Initialiser of all kernels.
        bias_initializer: Initialiser of all biases.
        normalize_first: Normalise before each part instead of after it.
        rotary: Whether the self-attention turns queries and keys by their positions
            (`RotaryEmbedding`); otherwise the input must tell its positions.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        decoder_sequence: Tensor (B, T, D).
        encoder_sequence: $m$, tensor (B, S, D_m), or `None`.
        decoder_sequence_mask: Booleans (B, T), False for padding. Default: the tensor's own mask.
        encoder_sequence_mask: Booleans (B, S), likewise.
        attention_mask: Booleans (B, T, T) or (B, N, T, T) for the self-attention, AND-ed with the
            others.
        use_causal_mask: Let no position look at later ones.
        return_attention_scores: Also return the weights (B, N, T, T) and, of the second attention,
            (B, N, T, S).
        training: Whether to drop.

    Returns:
        Tensor (B, T, D), with the mask of `decoder_sequence`, or this and the weights.

    Raises:
        ValueError: If `num_heads` does not divide D.

    Source:
        Vaswani et al., 2017, Attention Is All You Need, section 3.1; Xiong et al., 2020
        (normalised first).

    Example:
        >>> layer = TransformerDecoder(intermediate_dim=32, num_heads=2)
        >>> tuple(layer(keras.ops.ones((1, 5, 8)), keras.ops.ones((1, 3, 8))).shape)
        (1, 5, 8)

    Differences from the paper: dropout also inside the feed-forward network. From KerasHub's layer:
    the cache has methods of its own instead of four arguments.
    """

    def __init__(self, intermediate_dim, num_heads, *args, rotary=False, **kwargs):
        super().__init__(intermediate_dim, num_heads, *args, **kwargs)
        self.rotary = rotary

    def build(self, decoder_sequence_shape, encoder_sequence_shape=None):
        """Create the attentions, the feed-forward network and the normalisations."""
        shape = decoder_sequence_shape
        self.self_attention = self._heads(
            CachedAttention, "self_attention", shape[-1], rotary=self.rotary
        )
        self.self_attention.build(shape, shape)
        self.self_attention_norm = self._norm("self_attention_norm", shape)
        self.self_attention_dropout = self._dropout("self_attention_dropout")
        self.cross_attention = None
        if encoder_sequence_shape is not None:
            self.cross_attention = self._heads(CachedAttention, "cross_attention", shape[-1])
            self.cross_attention.build(shape, encoder_sequence_shape)
            self.cross_attention_norm = self._norm("cross_attention_norm", shape)
            self.cross_attention_dropout = self._dropout("cross_attention_dropout")
        self._build_feed_forward(shape)
        self.feed_forward_norm = self._norm("feed_forward_norm", shape)
        self.feed_forward_dropout = self._dropout("feed_forward_dropout")

    def call(
        self,
        decoder_sequence,
        encoder_sequence=None,
        decoder_sequence_mask=None,
        encoder_sequence_mask=None,
        attention_mask=None,
        use_causal_mask=True,
        return_attention_scores=False,
        training=None,
    ):
        """Compute all parts over whole sequences."""
        # With one tensor argument Keras fills `mask` in, with several `<argument>_mask`.
        mask = decoder_sequence_mask
        mask = get_mask(decoder_sequence) if mask is None else mask
        weights = []

        def self_attention(x):
            return self.self_attention(
                x,
                x,
                query_mask=mask,
                value_mask=mask,
                attention_mask=attention_mask,
                use_causal_mask=use_causal_mask,
                return_attention_scores=return_attention_scores,
                training=training,
            )

        def cross_attention(x):
            return self.cross_attention(
                x,
                encoder_sequence,
                query_mask=mask,
                value_mask=memory_mask,
                return_attention_scores=return_attention_scores,
                training=training,
            )

        def kept(attention):
            """Lay the weights by, so that the residual sees the context alone."""

            def context(x):
                y = attention(x)
                if return_attention_scores:
                    weights.append(y[1])
                return y[0] if return_attention_scores else y

            return context

        if encoder_sequence is None:
            z = self._parts(decoder_sequence, kept(self_attention), None, training)
        else:
            memory_mask = encoder_sequence_mask
            memory_mask = get_mask(encoder_sequence) if memory_mask is None else memory_mask
            z = self._parts(decoder_sequence, kept(self_attention), kept(cross_attention), training)
        return (z, *weights) if return_attention_scores else z

    def _parts(self, x, self_attention, cross_attention, training):
        def then_drop(part, dropout):
            return lambda x: dropout(part(x), training=training)

        def feed_forward(x):
            return self.feed_forward(x, training=training)

        part = then_drop(self_attention, self.self_attention_dropout)
        x = self._residual(x, self.self_attention_norm, part)
        if cross_attention is not None:
            part = then_drop(cross_attention, self.cross_attention_dropout)
            x = self._residual(x, self.cross_attention_norm, part)
        part = then_drop(feed_forward, self.feed_forward_dropout)
        return self._residual(x, self.feed_forward_norm, part)

    def empty_cache(self, batch_size, length):
        """Return room for the keys and values of `length` positions, two tensors (B, L, N, d)."""
        return self.self_attention.empty_cache(batch_size, length)

    def remember(self, encoder_sequence):
        """Return keys and values of the encoder's output, (B, S, N, d), for all steps."""
        return self.cross_attention.keys_and_values(encoder_sequence)

    def step(self, x, cache, position, memory=None, memory_mask=None, window=None):
        """Go on with the next positions; equal to `call` on the whole sequence.

        Args:
            x: The next positions (B, T, D), usually one.
            cache: Keys and values of the positions before, see `empty_cache`.
            position: Integers (B,): where the first of the next stands.
            memory: What `remember` has returned, or None.
            memory_mask: Booleans (B, S), or None.
            window: How many positions back the self-attention looks, the own included; `None` for
                all.

        Returns:
            Tensor (B, T, D), and the new cache.
        """
        new = []

        def self_attention(x):
            context, new[:] = self.self_attention.step(x, cache, position, window)
            return context

        def cross_attention(x):
            return self.cross_attention.look_at(x, memory, memory_mask)

        y = self._parts(x, self_attention, None if memory is None else cross_attention, False)
        return y, new

    def compute_output_spec(
        self,
        decoder_sequence,
        encoder_sequence=None,
        *args,
        return_attention_scores=False,
        **kwargs,
    ):
        """Return the symbolic output, and the weights if asked for."""
        output = keras.KerasTensor(decoder_sequence.shape, dtype=self.compute_dtype)
        if not return_attention_scores:
            return output
        B, T, _ = decoder_sequence.shape
        lengths = [T] if encoder_sequence is None else [T, encoder_sequence.shape[1]]
        weights = [
            keras.KerasTensor((B, self.num_heads, T, S), dtype=self.compute_dtype) for S in lengths
        ]
        return output, *weights

    def compute_output_shape(self, decoder_sequence_shape, encoder_sequence_shape=None):
        """Return the shape of the decoder's sequence."""
        return decoder_sequence_shape

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "rotary": self.rotary}
