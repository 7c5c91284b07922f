"""The Transformer: a sequence in, another sequence out, by attention alone."""

import keras
from keras import ops

from kerasdl import activations
from kerasdl.layers.arguments import positive_integer
from kerasdl.models.common import reject_unknown
from kerasdl.models.decoding import as_one_kernel, repeat
from kerasdl.models.sequence_writer import SequenceWriter
from kerasdl.models.transformer_parts import TransformerParts


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
