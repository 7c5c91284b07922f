"""The language model: a text in, its continuation out."""

import math

import keras
from keras import ops

from kerasdl import activations
from kerasdl.layers.arguments import positive_integer
from kerasdl.models.common import OURS, head_dtype, reject_unknown
from kerasdl.models.decoding import PADDING, START, TARGET_RESERVED, as_one_kernel
from kerasdl.models.sequence_writer import SequenceWriter


@keras.saving.register_keras_serializable(package="kerasdl")
class LanguageModel(SequenceWriter):
    r"""Decoder of a Transformer alone: says of every beginning of a text how it goes on.

    $$p(y_1, \dots, y_T) = \prod_t p(y_t \mid y_{<t})$$

    ```
    previous tokens   (B, T)      the text behind a start
      │ Embedding E · √D
      │ [TransformerDecoder]×n    rotary positions, no encoder
      │ LayerNormalization
      │ · Eᵀ
      ▼
    logits of y_t     (B, T, V)
    ```

    `generate` and `sample` take the beginning of a text and write what follows. Keys and values of
    all tokens before are kept; a token looks at the last `context` ones.

    Args:
        target_vocabulary: The tokens, e.g. characters. Token k has the number k + 3; 0 is padding,
            1 the start, 2 the end.
        context: How many tokens a prediction looks at, also the length it is trained on.
        target_length: Tokens that `generate` writes at most.
        num_layers: n.
        num_heads: Heads of each attention.
        hidden_dim: D.
        intermediate_dim: Hidden size of the feed-forward networks; default 4 D.
        dropout: Share dropped of the embedded tokens and of what each part adds.
        **kwargs: `name`, `dtype` of `keras.Model`.

    Call arguments:
        inputs: Previous tokens (B, T), integers.

    Returns:
        Logits (B, T, V) of the tokens that follow each.

    Raises:
        ValueError: If a size or a share is out of range.

    Source:
        Radford et al., 2018, Improving Language Understanding by Generative Pre-Training, section
        3.1. Rotary positions: Su et al., 2021.

    Example:
        >>> model = LanguageModel("abc", context=8, num_layers=1, hidden_dim=8, num_heads=2)
        >>> tuple(model(ops.array([[1, 3, 4]])).shape)
        (1, 3, 6)
        >>> tuple(model.generate(ops.array([[3, 4]]), length=5).shape)
        (1, 5)

    Differences from the paper: normalised first, rotary positions.
    """

    def __init__(
        self,
        target_vocabulary,
        context=128,
        target_length=200,
        num_layers=4,
        num_heads=4,
        hidden_dim=128,
        intermediate_dim=None,
        dropout=0.0,
        **kwargs,
    ):
        dtype = kwargs.pop("dtype", None)
        reject_unknown("LanguageModel", kwargs)
        positive_integer("hidden_dim", hidden_dim)
        config = {
            "target_vocabulary": list(target_vocabulary),
            "context": positive_integer("context", context),
            "target_length": positive_integer("target_length", target_length),
            "num_layers": positive_integer("num_layers", num_layers),
            "num_heads": num_heads,
            "hidden_dim": hidden_dim,
            "intermediate_dim": 4 * hidden_dim if intermediate_dim is None else intermediate_dim,
            "dropout": dropout,
        }
        parts = LanguageModelParts(**config, dtype=dtype)
        super().__init__(*parts.network(), config, dtype, **kwargs)
        self.parts = parts

    @property
    def context(self):
        """How many tokens a prediction looks at."""
        return self._config["context"]

    def begin(self, inputs, width=1, length=None):
        """Read the beginning of a text, tokens (B, P), 0 behind its end; see `SequenceWriter`."""
        prompt = ops.convert_to_tensor(inputs, "int32")
        length = self.target_length if length is None else length
        B, P = ops.shape(prompt)
        caches = [layer.empty_cache(B, P + length) for layer in self.parts.decoders]
        # All but the last token, which is the first that `step` gets. What padding leaves in the
        # cache stands behind every position that counts until it is written over.
        read = ops.concatenate([ops.full((B, 1), START, "int32"), prompt[:, :-1]], axis=1)
        _, caches = self.parts.step(read, ops.zeros((B,), "int32"), caches)
        position = ops.sum(ops.cast(prompt != PADDING, "int32"), axis=1)

        def step(token, state):
            position, *caches = state
            z, caches = self.parts.step(token[:, None], position, caches)
            logits = self.parts.logits(z)[:, 0]
            return activations.log_softmax(logits), [position + 1, *caches]

        return [position, *caches], as_one_kernel(step)

    def first_tokens(self, inputs):
        """Return the last token (B,) of each beginning; the start where it is empty."""
        prompt = ops.convert_to_tensor(inputs, "int32")
        read = ops.concatenate(
            [ops.full((ops.shape(prompt)[0], 1), START, "int32"), prompt], axis=1
        )
        last = ops.sum(ops.cast(prompt != PADDING, "int32"), axis=1, keepdims=True)
        return ops.take_along_axis(read, last, axis=1)[:, 0]

    def attention_maps(self, previous):
        """Return for each layer the weights (B, heads, T, T) of its attention.

        Args:
            previous: The text behind a start, (B, T).
        """
        return self.parts.read(ops.convert_to_tensor(previous, "int32"), scores=True)[1]


class LanguageModelParts:
    """The layers of `LanguageModel`, and what is done with them, in training and step by step.

    Args:
        target_vocabulary: As in `LanguageModel`, like all that follow.
        context: See `LanguageModel`.
        num_layers: See `LanguageModel`.
        num_heads: See `LanguageModel`.
        hidden_dim: See `LanguageModel`.
        intermediate_dim: See `LanguageModel`.
        dropout: See `LanguageModel`.
        dtype: Of all layers but the last under mixed precision.
    """

    def __init__(
        self,
        *,
        target_vocabulary,
        context,
        num_layers,
        num_heads,
        hidden_dim,
        intermediate_dim,
        dropout,
        dtype=None,
        **_,
    ):
        layers = OURS.layers
        self.hidden_dim, self.context = hidden_dim, context
        self.embedding = layers.ReversibleEmbedding(
            len(target_vocabulary) + TARGET_RESERVED,
            hidden_dim,
            embeddings_initializer=keras.initializers.RandomNormal(stddev=hidden_dim**-0.5),
            reverse_dtype=head_dtype(dtype),
            dtype=dtype,
            name="embedding",
        )
        self.dropout = layers.Dropout(dropout, dtype=dtype, name="dropout")
        self.decoders = [
            layers.TransformerDecoder(
                intermediate_dim,
                num_heads,
                dropout=dropout,
                activation="gelu",
                normalize_first=True,
                rotary=True,
                dtype=dtype,
                name=f"decoder_{i}",
            )
            for i in range(num_layers)
        ]
        self.norm = layers.LayerNormalization(epsilon=1e-5, dtype=dtype, name="norm")

    def network(self):
        """Return the symbolic input, the previous tokens, and the logits."""
        previous = keras.Input((None,), dtype="int32", name="previous")
        return previous, self.logits(self.read(previous)[0])

    def read(self, previous, scores=False):
        """Read tokens (B, T); return (B, T, D) and, if asked for, the weights."""
        z = self.dropout(self.embedding(previous) * math.sqrt(self.hidden_dim))
        weights = []
        for decoder in self.decoders:
            z = decoder(z, return_attention_scores=scores)
            if scores:
                weights.append(z[1])
                z = z[0]
        return z, weights

    def step(self, tokens, position, caches):
        """Go on with the next tokens.

        Args:
            tokens: (B, T).
            position: Where the first of them stands, (B,).
            caches: Keys and values of the tokens before, for each layer.

        Returns:
            (B, T, D), and the new caches.
        """
        z, new = self.embedding(tokens) * math.sqrt(self.hidden_dim), []
        for decoder, cache in zip(self.decoders, caches, strict=True):
            z, cache = decoder.step(z, cache, position, window=self.context)
            new.append(cache)
        return z, new

    def logits(self, z):
        """Return the logits (B, T, V) of the tokens that follow."""
        return self.embedding(self.norm(z), reverse=True)
