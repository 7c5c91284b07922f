"""The Transformer: a sequence in, another sequence out, by attention alone."""

import math

import keras
from keras import ops

from kerasdl import activations
from kerasdl.layers.arguments import positive_integer
from kerasdl.models.common import OURS, RESERVED, head_dtype, reject_unknown
from kerasdl.models.decoding import TARGET_RESERVED, as_one_kernel, repeat
from kerasdl.models.sequence_writer import SequenceWriter


@keras.saving.register_keras_serializable(package="kerasdl")
class Transformer(SequenceWriter):
    r"""Encoder and decoder of attention and feed-forward networks.

    ```
    source           (B, S)            previous target    (B, T)
      │ Embedding · √D                   │ Embedding E · √D
      │ SinusoidalPositionEncoding       │ SinusoidalPositionEncoding
      │ [TransformerEncoder]×n           │
      ▼                                  ▼
    memory m         (B, S, D) ───────► [TransformerDecoder]×n
                                         │ · Eᵀ           the same E
                                         ▼
                                       logits of y_t      (B, T, V)
    ```

    In training the decoder reads the true previous tokens, all at once. `generate` feeds it what it
    has written itself; the keys and values of earlier tokens are kept, not computed again.

    Args:
        source_vocabulary: Tokens of the source. Token k has the number k + 2; 0 is padding, 1 any
            other token.
        target_vocabulary: Tokens of the target. Token k has the number k + 3; 0 is padding, 1 the
            start, 2 the end.
        target_length: Tokens that `generate` writes at most.
        num_layers: n, of the encoder and of the decoder.
        num_heads: Heads of each attention.
        hidden_dim: D.
        intermediate_dim: Hidden size of the feed-forward networks; default 4 D.
        dropout: Share dropped of the embedded tokens and of what each part adds.
        normalize_first: Normalise before each part, and at the end of encoder and decoder, instead
            of after each part as in the paper.
        tie_weights: Whether the target's embedding and the last layer share E.
        **kwargs: `name`, `dtype` of `keras.Model`.

    Call arguments:
        inputs: Source (B, S) and previous target (B, T), integers: the target behind a 1.

    Returns:
        Logits (B, T, V) of the target.

    Raises:
        ValueError: If a size or a share is out of range.

    Source:
        Vaswani et al., 2017, Attention Is All You Need, section 3.

    Example:
        >>> model = Transformer("abc", ["K", "AE"], target_length=5, num_layers=1, hidden_dim=8)
        >>> source, previous = ops.array([[2, 3, 4]]), ops.array([[1, 3]])
        >>> tuple(model([source, previous]).shape)
        (1, 2, 5)
        >>> tuple(model.generate(source).shape)
        (1, 5)

    Differences from the paper: normalised first by default, which trains without a long warm-up
    (Xiong et al., 2020); source and target have vocabularies of their own, so E is shared by the
    target's two ends alone.
    """

    def __init__(
        self,
        source_vocabulary,
        target_vocabulary,
        target_length=24,
        num_layers=3,
        num_heads=4,
        hidden_dim=128,
        intermediate_dim=None,
        dropout=0.1,
        normalize_first=True,
        tie_weights=True,
        **kwargs,
    ):
        dtype = kwargs.pop("dtype", None)
        reject_unknown("Transformer", kwargs)
        positive_integer("hidden_dim", hidden_dim)
        intermediate_dim = 4 * hidden_dim if intermediate_dim is None else intermediate_dim
        config = {
            "source_vocabulary": list(source_vocabulary),
            "target_vocabulary": list(target_vocabulary),
            "target_length": positive_integer("target_length", target_length),
            "num_layers": positive_integer("num_layers", num_layers),
            "num_heads": num_heads,
            "hidden_dim": hidden_dim,
            "intermediate_dim": intermediate_dim,
            "dropout": dropout,
            "normalize_first": normalize_first,
            "tie_weights": tie_weights,
        }
        parts = TransformerParts(**config, dtype=dtype)
        super().__init__(*parts.network(), config, dtype, **kwargs)
        self.parts = parts

    @property
    def source_vocabulary(self):
        """Tokens of the source."""
        return list(self._config["source_vocabulary"])

    @property
    def target_vocabulary(self):
        """Tokens of the target."""
        return list(self._config["target_vocabulary"])

    @property
    def target_length(self):
        """Tokens that `generate` writes at most."""
        return self._config["target_length"]

    def begin(self, inputs, width=1, length=None):
        """Read the source; see `SequenceWriter`."""
        source = ops.convert_to_tensor(inputs, "int32")
        length = self.target_length if length is None else length
        B, real = ops.shape(source)[0], source != 0
        memory = self.parts.remember(self.parts.encode(source, real)[0])
        memory, real = repeat([memory, real], width)

        def step(token, state):
            position, *caches = state
            logits, caches = self.parts.step(token, position, caches, memory, real)
            return activations.log_softmax(logits), [position + 1, *caches]

        caches = [layer.empty_cache(B, length) for layer in self.parts.decoders]
        return [ops.zeros((B,), "int32"), *caches], as_one_kernel(step)

    def align(self, source, previous):
        """Tell where the decoder looked when it wrote each token.

        Args:
            source: (B, S).
            previous: The target behind a 1, (B, T).

        Returns:
            The weights of the attention to the source (B, T, S), mean over layers and heads; each
            row sums to 1.
        """
        maps = self.attention_maps(source, previous)["cross"]
        return sum(ops.mean(a, axis=1) for a in maps) / len(maps)

    def attention_maps(self, source, previous):
        """Return the weights of every attention.

        Args:
            source: (B, S).
            previous: The target behind a 1, (B, T).

        Returns:
            For each layer a tensor, in lists: "encoder" (B, heads, S, S), "decoder" (B, heads, T,
            T) and "cross" (B, heads, T, S).
        """
        source = ops.convert_to_tensor(source, "int32")
        previous = ops.convert_to_tensor(previous, "int32")
        real = source != 0
        memory, encoder = self.parts.encode(source, real, scores=True)
        _, decoder = self.parts.decode(previous, memory, real, scores=True)
        return {"encoder": encoder, "decoder": decoder[::2], "cross": decoder[1::2]}


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
