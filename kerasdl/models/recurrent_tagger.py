"""The recurrent tagger: a sentence in, a tag for each word out."""

import keras

from kerasdl.layers.arguments import positive_integer
from kerasdl.models.common import (
    OURS,
    RESERVED,
    Network,
    head_dtype,
    recurrent,
    reject_unknown,
)


@keras.saving.register_keras_serializable(package="kerasdl")
class RecurrentTagger(Network):
    r"""Bidirectional recurrent network, many to many: one tag for each word of a sentence.

    ```
    words  (B, T)     endings  (B, T)      numbers; 0: padding
      │ Embedding       │ Embedding
      └────── concat ───┘
                │ Dropout
                │ Bidirectional(LSTM)      what stands before a word, and what behind it
                ▼
    in context                (B, T, 2u)
                │ Dropout
                │ Dense
                ▼
    logits                    (B, T, tags)
    ```

    The ending of a word says what it may be where the word itself was never seen: "-ing", "-ly", a
    capital letter, a digit.

    Args:
        vocabulary: The words that have a vector of their own. Word k has the number k + 2; 0 is
            padding, 1 any other word.
        endings: The endings that have one, numbered likewise.
        tag_names: Name of each tag.
        embedding_dim: Size of the vector of a word.
        ending_dim: Size of the vector of an ending.
        cell: "lstm", "gru" or "simple_rnn".
        units: $u$, size of the state in each direction.
        dropout: Share dropped of the vectors, and of what was read.
        **kwargs: `name`, `dtype` of `keras.Model`.

    Call arguments:
        inputs: Words (B, T) and endings (B, T), integers.

    Returns:
        Logits (B, T, tags): scores before the softmax.

    Raises:
        ValueError: If a size or a share is out of range, or there is no such cell.

    Source:
        Graves and Schmidhuber, 2005, Framewise Phoneme Classification with Bidirectional LSTM,
        section 2. Goodfellow et al., 2016, Deep Learning, figure 10.11.

    Example:
        >>> model = RecurrentTagger(["the", "dog"], ["the", "dog"], ["DET", "NOUN"], units=8)
        >>> numbers = keras.ops.array([[2, 3, 0]])
        >>> tuple(model([numbers, numbers]).shape)
        (1, 3, 2)
    """

    def __init__(
        self,
        vocabulary,
        endings,
        tag_names,
        embedding_dim=64,
        ending_dim=32,
        cell="lstm",
        units=64,
        dropout=0.3,
        **kwargs,
    ):
        dtype = kwargs.pop("dtype", None)
        reject_unknown("RecurrentTagger", kwargs)
        config = {
            "vocabulary": list(vocabulary),
            "endings": list(endings),
            "tag_names": list(tag_names),
            "embedding_dim": positive_integer("embedding_dim", embedding_dim),
            "ending_dim": positive_integer("ending_dim", ending_dim),
            "cell": cell,
            "units": positive_integer("units", units),
            "dropout": dropout,
        }
        super().__init__(*self.assemble(**config, dtype=dtype), config, dtype, **kwargs)

    @property
    def vocabulary(self):
        """The words that have a vector of their own."""
        return list(self._config["vocabulary"])

    @property
    def endings(self):
        """The endings that have a vector of their own."""
        return list(self._config["endings"])

    @property
    def tag_names(self):
        """Name of each tag."""
        return list(self._config["tag_names"])

    @staticmethod
    def assemble(**config):
        """Return the symbolic inputs, words and endings, and the logits."""
        return tagger_network(**config)


def tagger_network(
    *,
    vocabulary,
    endings,
    tag_names,
    embedding_dim,
    ending_dim,
    cell,
    units,
    dropout,
    dtype=None,
    library=OURS,
):
    """Put the network together.

    Args:
        vocabulary: As in `RecurrentTagger`, like all that follow.
        endings: See `RecurrentTagger`.
        tag_names: See `RecurrentTagger`.
        embedding_dim: See `RecurrentTagger`.
        ending_dim: See `RecurrentTagger`.
        cell: See `RecurrentTagger`.
        units: See `RecurrentTagger`.
        dropout: See `RecurrentTagger`.
        dtype: Of all layers but the last under mixed precision.
        library: Where layers come from; `keras` for the built-ins.

    Returns:
        The symbolic inputs, words and endings (B, T), and the logits (B, T, tags).
    """
    layers = library.layers
    words = keras.Input((None,), dtype="int32", name="words")
    ends = keras.Input((None,), dtype="int32", name="endings")
    vectors = [
        layers.Embedding(
            len(known) + RESERVED, size, mask_zero=True, dtype=dtype, name=f"{name}_embedding"
        )(numbers)
        for name, known, size, numbers in (
            ("word", vocabulary, embedding_dim, words),
            ("ending", endings, ending_dim, ends),
        )
    ]
    a = layers.Concatenate(dtype=dtype, name="vectors")(vectors)
    a = layers.Dropout(dropout, dtype=dtype, name="word_dropout")(a)
    reader = recurrent(cell, library)(units, return_sequences=True, dtype=dtype, name=cell)
    a = layers.Bidirectional(reader, dtype=dtype, name="both_ways")(a)
    a = layers.Dropout(dropout, dtype=dtype, name="dropout")(a)
    logits = layers.Dense(len(tag_names), dtype=head_dtype(dtype), name="head")(a)
    return [words, ends], logits
