"""The recurrent classifier: a text in, a class out."""

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
class RecurrentClassifier(Network):
    r"""Recurrent network, many to one: reads a text word by word and says at its end what it is.

    ```
    word numbers               (B, T)      0: padding
      │ Embedding              one learned vector a word
      │ Dropout
      ▼
    words                      (B, T, D)
      │ Bidirectional(LSTM)    from the front and from the back; padding is skipped
      ▼
    what was read              (B, 2u)
      │ Dropout
      │ Dense
      ▼
    logits                     (B, classes)
    ```

    Args:
        vocabulary: The words that have a vector of their own, the most frequent first. Word k has
            the number k + 2; 0 is padding, 1 any other word.
        num_classes: Number of classes.
        length: $T$: how many words of a text are read.
        embedding_dim: $D$.
        cell: "lstm", "gru" or "simple_rnn".
        units: $u$, size of the state.
        bidirectional: Whether a second layer reads from the back.
        dropout: Share dropped of the word vectors, and of what was read.
        **kwargs: `name`, `dtype` of `keras.Model`.

    Call arguments:
        inputs: Word numbers (B, T), integers.

    Returns:
        Logits (B, classes): scores before the softmax.

    Raises:
        ValueError: If a size or a share is out of range, or there is no such cell.

    Source:
        Graves and Schmidhuber, 2005, Framewise Phoneme Classification with Bidirectional LSTM,
        section 2. Goodfellow et al., 2016, Deep Learning, figure 10.5 (many to one).

    Example:
        >>> model = RecurrentClassifier(["free", "money"], num_classes=2, length=4, units=8)
        >>> tuple(model(keras.ops.array([[2, 3, 0, 0]])).shape)
        (1, 2)
    """

    def __init__(
        self,
        vocabulary,
        num_classes,
        length=200,
        embedding_dim=64,
        cell="lstm",
        units=64,
        bidirectional=True,
        dropout=0.3,
        **kwargs,
    ):
        dtype = kwargs.pop("dtype", None)
        reject_unknown("RecurrentClassifier", kwargs)
        config = {
            "vocabulary": list(vocabulary),
            "num_classes": positive_integer("num_classes", num_classes),
            "length": positive_integer("length", length),
            "embedding_dim": positive_integer("embedding_dim", embedding_dim),
            "cell": cell,
            "units": positive_integer("units", units),
            "bidirectional": bidirectional,
            "dropout": dropout,
        }
        super().__init__(*self.assemble(**config, dtype=dtype), config, dtype, **kwargs)

    @property
    def vocabulary(self):
        """The words that have a vector of their own."""
        return list(self._config["vocabulary"])

    @property
    def length(self):
        """How many words of a text are read."""
        return self._config["length"]

    @staticmethod
    def assemble(**config):
        """Return the symbolic word numbers and the logits."""
        words = keras.Input((config["length"],), dtype="int32", name="words")
        return words, recurrent_logits(words, **config)


def recurrent_logits(
    words,
    *,
    vocabulary,
    num_classes,
    embedding_dim,
    cell,
    units,
    bidirectional,
    dropout,
    dtype=None,
    library=OURS,
    **_,
):
    """Put the network together.

    Args:
        words: Symbolic word numbers (B, T).
        vocabulary: As in `RecurrentClassifier`, like all that follow.
        num_classes: See `RecurrentClassifier`.
        embedding_dim: See `RecurrentClassifier`.
        cell: See `RecurrentClassifier`.
        units: See `RecurrentClassifier`.
        bidirectional: See `RecurrentClassifier`.
        dropout: See `RecurrentClassifier`.
        dtype: Of all layers but the last under mixed precision.
        library: Where layers come from; `keras` for the built-ins.

    Returns:
        Logits (B, classes), symbolic.
    """
    layers = library.layers
    a = layers.Embedding(
        len(vocabulary) + RESERVED, embedding_dim, mask_zero=True, dtype=dtype, name="embedding"
    )(words)
    if dropout:
        a = layers.Dropout(dropout, dtype=dtype, name="word_dropout")(a)
    reader = recurrent(cell, library)(units, dtype=dtype, name=cell)
    if bidirectional:
        reader = layers.Bidirectional(reader, dtype=dtype, name="both_ways")
    a = reader(a)
    if dropout:
        a = layers.Dropout(dropout, dtype=dtype, name="dropout")(a)
    return layers.Dense(num_classes, dtype=head_dtype(dtype), name="head")(a)
