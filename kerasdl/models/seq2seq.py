"""Encoder and decoder with attention: a sequence in, another sequence out."""

import keras
from keras import ops

from kerasdl import activations
from kerasdl.layers.arguments import positive_integer
from kerasdl.models.common import (
    OURS,
    RESERVED,
    head_dtype,
    recurrent,
    reject_unknown,
)
from kerasdl.models.decoding import TARGET_RESERVED, repeat
from kerasdl.models.sequence_writer import SequenceWriter

SCORES = ("multiplicative", "additive")


@keras.saving.register_keras_serializable(package="kerasdl")
class Seq2Seq(SequenceWriter):
    r"""Recurrent encoder and decoder with attention.

    ```
    source              (B, S)       previous target       (B, T)
      │ Embedding                      │ Embedding
      │ Bidirectional(LSTM)            │
      ├── last states ────────────────►│ LSTM
      ▼                                ▼
    memory m            (B, S, 2u)   h_t                   (B, T, 2u)
      │            score(h_t, m_s)     │
      └──────────► attention ◄─────────┤     a_t = softmax over s of the score
                       │ c_t = Σ_s a_ts m_s
                       ▼               ▼
                   tanh(W [c_t; h_t])                      (B, T, 2u)
                       │ Dense
                       ▼
                   logits of y_t                           (B, T, V)
    ```

    $$\mathrm{score}(h_t, m_s) = h_t^\top W m_s \quad\text{(multiplicative)} \qquad
      v^\top \tanh(W_1 h_t + W_2 m_s) \quad\text{(additive)}$$

    In training the decoder reads the true previous token (teacher forcing); `generate` feeds it
    what it has written itself.

    Args:
        source_vocabulary: Tokens of the source. Token k has the number k + 2; 0 is padding, 1 any
            other token.
        target_vocabulary: Tokens of the target. Token k has the number k + 3; 0 is padding, 1 the
            start, 2 the end.
        target_length: Tokens that `generate` writes at most.
        embedding_dim: Size of the vector of a token.
        cell: "lstm", "gru" or "simple_rnn".
        units: $u$, size of the encoder's state in each direction; the decoder's is $2u$.
        score: "multiplicative" or "additive".
        dropout: Share dropped of the vectors of the tokens, and before the last layer.
        **kwargs: `name`, `dtype` of `keras.Model`.

    Call arguments:
        inputs: Source (B, S) and previous target (B, T), integers: the target behind a 1.

    Returns:
        Logits (B, T, V) of the target.

    Raises:
        ValueError: If a size or a share is out of range, or there is no such cell or score.

    Source:
        Luong et al., 2015, Effective Approaches to Attention-based Neural Machine Translation,
        section 3.1 (global attention, "general"). The additive score: Bahdanau et al., 2015, Neural
        Machine Translation by Jointly Learning to Align and Translate, section 3.1.

    Example:
        >>> model = Seq2Seq("abc", ["K", "AE"], target_length=5, units=4)
        >>> source, previous = ops.array([[2, 3, 4]]), ops.array([[1, 3]])
        >>> tuple(model([source, previous]).shape)
        (1, 2, 5)
        >>> tuple(model.generate(source).shape)
        (1, 5)
    """

    def __init__(
        self,
        source_vocabulary,
        target_vocabulary,
        target_length=24,
        embedding_dim=64,
        cell="lstm",
        units=128,
        score="multiplicative",
        dropout=0.2,
        **kwargs,
    ):
        dtype = kwargs.pop("dtype", None)
        reject_unknown("Seq2Seq", kwargs)
        if score not in SCORES:
            raise ValueError(f"`score` must be one of {', '.join(SCORES)}; received {score!r}.")
        config = {
            "source_vocabulary": list(source_vocabulary),
            "target_vocabulary": list(target_vocabulary),
            "target_length": positive_integer("target_length", target_length),
            "embedding_dim": positive_integer("embedding_dim", embedding_dim),
            "cell": cell,
            "units": positive_integer("units", units),
            "score": score,
            "dropout": dropout,
        }
        parts = Seq2SeqParts(**config, dtype=dtype)
        inputs, logits = parts.network()
        super().__init__(inputs, logits, config, dtype, **kwargs)
        self.parts = parts

    @property
    def source_vocabulary(self):
        """Tokens of the source."""
        return list(self._config["source_vocabulary"])

    def begin(self, inputs, width=1, length=None):
        """Read the source; see `SequenceWriter`."""
        source = ops.convert_to_tensor(inputs, "int32")
        memory, states = self.parts.encode(source)
        memory, real = repeat([memory, source != 0], width)

        def step(token, states):
            logits, states, _ = self.parts.decode(token[:, None], states, memory, real)
            return activations.log_softmax(logits[:, 0]), states

        return states, step

    def align(self, source, previous):
        """Tell where the decoder looked when it wrote each token.

        Args:
            source: (B, S).
            previous: The target behind a 1, (B, T).

        Returns:
            The weights of the attention (B, T, S); each row sums to 1.
        """
        source = ops.convert_to_tensor(source, "int32")
        memory, states = self.parts.encode(source)
        previous = ops.convert_to_tensor(previous, "int32")
        return self.parts.decode(previous, states, memory, source != 0)[2]

    @staticmethod
    def assemble(**config):
        """Return the symbolic inputs and the logits."""
        return Seq2SeqParts(**config).network()


class Seq2SeqParts:
    """The layers of `Seq2Seq`, and what is done with them, in training and step by step.

    Args:
        source_vocabulary: As in `Seq2Seq`, like all that follow.
        target_vocabulary: See `Seq2Seq`.
        embedding_dim: See `Seq2Seq`.
        cell: See `Seq2Seq`.
        units: See `Seq2Seq`.
        score: See `Seq2Seq`.
        dropout: See `Seq2Seq`.
        dtype: Of all layers but the last under mixed precision.
        library: Where layers come from; `keras` for the built-ins.
    """

    def __init__(
        self,
        *,
        source_vocabulary,
        target_vocabulary,
        embedding_dim,
        cell,
        units,
        score,
        dropout,
        dtype=None,
        library=OURS,
        **_,
    ):
        layers, layer = library.layers, recurrent(cell, library)
        V = len(target_vocabulary) + TARGET_RESERVED

        def sequences(name, units):
            arguments = {"return_sequences": True, "return_state": True}
            return layer(units, **arguments, dtype=dtype, name=name)

        def embedding(name, tokens, mask_zero):
            return layers.Embedding(
                tokens, embedding_dim, mask_zero=mask_zero, dtype=dtype, name=name
            )

        self.source_embedding = embedding(
            "source_embedding", len(source_vocabulary) + RESERVED, mask_zero=True
        )
        # Padding of the target stands behind its end: nothing that counts comes after it.
        self.target_embedding = embedding("target_embedding", V, mask_zero=False)
        self.source_dropout = layers.Dropout(dropout, dtype=dtype, name="source_dropout")
        self.target_dropout = layers.Dropout(dropout, dtype=dtype, name="target_dropout")
        self.encoder = layers.Bidirectional(sequences(cell, units), dtype=dtype, name="encoder")
        self.decoder = sequences("decoder", 2 * units)
        # With score(h, W m) = hᵀ W m the first needs one projection, the second W₁ and W₂.
        self.key = layers.Dense(2 * units, use_bias=False, dtype=dtype, name="key")
        self.query = None
        if score == "additive":
            self.query = layers.Dense(2 * units, use_bias=False, dtype=dtype, name="query")
            self.attention = layers.AdditiveAttention(dtype=dtype, name="attention")
        else:
            self.attention = layers.Attention(dtype=dtype, name="attention")
        self.combine = layers.Dense(2 * units, activation="tanh", dtype=dtype, name="combine")
        self.dropout = layers.Dropout(dropout, dtype=dtype, name="dropout")
        self.head = layers.Dense(V, dtype=head_dtype(dtype), name="head")

    def network(self):
        """Return the symbolic inputs, source and previous target, and the logits."""
        source = keras.Input((None,), dtype="int32", name="source")
        previous = keras.Input((None,), dtype="int32", name="previous")
        memory, states = self.encode(source)
        logits, _, _ = self.decode(previous, states, memory, ops.not_equal(source, 0))
        return [source, previous], logits

    def encode(self, source):
        """Read the source (B, S); return the memory (B, S, 2u) and the decoder's first states."""
        x = self.source_dropout(self.source_embedding(source))
        memory, *states = self.encoder(x)
        forward, backward = states[: len(states) // 2], states[len(states) // 2 :]
        return memory, [
            ops.concatenate(pair, axis=-1) for pair in zip(forward, backward, strict=True)
        ]

    def decode(self, previous, states, memory, real):
        """Go on from `states` with the tokens `previous` (B, T).

        Args:
            previous: The tokens before those to be predicted.
            states: States of the decoder.
            memory: m, (B, S, 2u).
            real: Which of the source is no padding, (B, S).

        Returns:
            Logits (B, T, V), the states behind the last token, the attention a (B, T, S).
        """
        y = self.target_dropout(self.target_embedding(previous))
        h, *states = self.decoder(y, initial_state=states)  # (B, T, 2u)
        q = h if self.query is None else self.query(h)
        c, a = self.attention(
            [q, memory, self.key(memory)], mask=[None, real], return_attention_scores=True
        )
        combined = self.combine(ops.concatenate([c, h], axis=-1))
        return self.head(self.dropout(combined)), states, a
