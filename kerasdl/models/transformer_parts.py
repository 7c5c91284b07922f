"""The layers of the Transformer, and what is done with them, in training and step by step."""

import math

import keras
from keras import ops

from kerasdl.models.common import OURS, RESERVED, head_dtype
from kerasdl.models.decoding import TARGET_RESERVED


class TransformerParts:
    """The layers of `Transformer`, and what is done with them, in training and step by step.

    Args:
        source_vocabulary: As in `Transformer`, like all that follow.
        target_vocabulary: See `Transformer`.
        num_layers: See `Transformer`.
        num_heads: See `Transformer`.
        hidden_dim: See `Transformer`.
        intermediate_dim: See `Transformer`.
        dropout: See `Transformer`.
        normalize_first: See `Transformer`.
        tie_weights: See `Transformer`.
        dtype: Of all layers but the last under mixed precision.
    """

    def __init__(
        self,
        *,
        source_vocabulary,
        target_vocabulary,
        num_layers,
        num_heads,
        hidden_dim,
        intermediate_dim,
        dropout,
        normalize_first,
        tie_weights,
        dtype=None,
        **_,
    ):
        layers = OURS.layers
        self.hidden_dim = hidden_dim

        def vectors(name, vocabulary, reserved, **arguments):
            # Variance 1/D: the logits h Eᵀ start with the variance of a feature of h.
            return layers.ReversibleEmbedding(
                len(vocabulary) + reserved,
                hidden_dim,
                embeddings_initializer=keras.initializers.RandomNormal(stddev=hidden_dim**-0.5),
                dtype=dtype,
                name=name,
                **arguments,
            )

        def stack(kind, name):
            return [
                kind(
                    intermediate_dim,
                    num_heads,
                    dropout=dropout,
                    normalize_first=normalize_first,
                    dtype=dtype,
                    name=f"{name}_{i}",
                )
                for i in range(num_layers)
            ]

        def norm(name):
            return layers.LayerNormalization(epsilon=1e-5, dtype=dtype, name=name)

        self.source_embedding = vectors("source_embedding", source_vocabulary, RESERVED)
        self.target_embedding = vectors(
            "target_embedding",
            target_vocabulary,
            TARGET_RESERVED,
            tie_weights=tie_weights,
            reverse_dtype=head_dtype(dtype),
        )
        self.positions = layers.SinusoidalPositionEncoding(dtype=dtype, name="positions")
        self.source_dropout = layers.Dropout(dropout, dtype=dtype, name="source_dropout")
        self.target_dropout = layers.Dropout(dropout, dtype=dtype, name="target_dropout")
        self.encoders = stack(layers.TransformerEncoder, "encoder")
        self.decoders = stack(layers.TransformerDecoder, "decoder")
        self.encoder_norm = norm("encoder_norm") if normalize_first else None
        self.decoder_norm = norm("decoder_norm") if normalize_first else None

    def network(self):
        """Return the symbolic inputs, source and previous target, and the logits."""
        source = keras.Input((None,), dtype="int32", name="source")
        previous = keras.Input((None,), dtype="int32", name="previous")
        real = ops.not_equal(source, 0)
        memory, _ = self.encode(source, real)
        logits, _ = self.decode(previous, memory, real)
        return [source, previous], logits

    def encode(self, source, real, scores=False):
        """Read the source (B, S); return the memory (B, S, D) and, if asked for, the weights."""
        z = self.source_embedding(source) * math.sqrt(self.hidden_dim)
        z = self.source_dropout(self.positions(z))
        weights = []
        for encoder in self.encoders:
            z = encoder(z, mask=real, return_attention_scores=scores)
            if scores:
                weights.append(z[1])
                z = z[0]
        return (z if self.encoder_norm is None else self.encoder_norm(z)), weights

    def decode(self, previous, memory, real, scores=False):
        """Return the logits (B, T, V) behind `previous` (B, T) and, if asked for, the weights.

        Padding of the target stands behind its end: nothing that counts looks at it.
        """
        z = self.target_embedding(previous) * math.sqrt(self.hidden_dim)
        z = self.target_dropout(self.positions(z))
        weights = []
        for decoder in self.decoders:
            z = decoder(z, memory, encoder_sequence_mask=real, return_attention_scores=scores)
            if scores:
                weights += z[1:]
                z = z[0]
        return self._logits(z), weights

    def remember(self, memory):
        """Return what each layer of the decoder keeps of the memory for all steps."""
        return [decoder.remember(memory) for decoder in self.decoders]

    def step(self, token, position, caches, memory, real):
        """Go on with one token.

        Args:
            token: (B,).
            position: Where it stands, (B,).
            caches: Keys and values of the tokens before, for each layer.
            memory: Of `remember`.
            real: Which of the source is no padding, (B, S).

        Returns:
            Logits (B, V) of the next token, and the new caches.
        """
        z = self.target_embedding(token[:, None]) * math.sqrt(self.hidden_dim)
        z = self.positions(z, positions=position[:, None])  # (B, 1, D)
        new = []
        for decoder, cache, kept in zip(self.decoders, caches, memory, strict=True):
            z, cache = decoder.step(z, cache, position, kept, real)
            new.append(cache)
        return self._logits(z)[:, 0], new

    def _logits(self, z):
        z = z if self.decoder_norm is None else self.decoder_norm(z)
        return self.target_embedding(z, reverse=True)
