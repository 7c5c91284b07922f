"""Skip-gram: vectors of words, learned from the words that stand around them."""

import keras
import numpy as np
from keras import ops

from kerasdl.layers.arguments import positive_integer
from kerasdl.models.common import OURS, RESERVED, Network, head_dtype, reject_unknown


@keras.saving.register_keras_serializable(package="kerasdl")
class SkipGram(Network):
    r"""Skip-gram with negative sampling: tells the words around a word from words drawn at random.

    $$L = -\log \sigma(u_o^\top v_c) - \sum_{k=1}^{K} \log \sigma(-u_k^\top v_c)$$

    with the vector $v_c$ of a word, the vectors $u$ of a word o beside it and of K words drawn at
    random. The two logits of a candidate are 0 and $u^\top v_c$, so that the cross-entropy of the
    classes "drawn" and "beside it" is this loss, as a mean over the candidates.

    Args:
        vocabulary: The words that have vectors. Word k has the number k + 2; 0 and 1 are as in the
            other networks that read.
        embedding_dim: Size of a vector.
        **kwargs: `name`, `dtype` of `keras.Model`.

    Call arguments:
        inputs: Words (B,) and candidates (B, 1 + K), integers.

    Returns:
        Logits (B, 1 + K, 2): drawn at random, or beside the word.

    Raises:
        ValueError: If a size is out of range.

    Source:
        Mikolov et al., 2013, Distributed Representations of Words and Phrases and their
        Compositionality, equation 4.

    Example:
        >>> model = SkipGram(["one", "two", "three"], embedding_dim=4)
        >>> tuple(model([ops.array([2]), ops.array([[3, 4]])]).shape)
        (1, 2, 2)
        >>> len(model.neighbours("one", 2))
        2
    """

    def __init__(self, vocabulary, embedding_dim=64, **kwargs):
        dtype = kwargs.pop("dtype", None)
        reject_unknown("SkipGram", kwargs)
        config = {
            "vocabulary": list(vocabulary),
            "embedding_dim": positive_integer("embedding_dim", embedding_dim),
        }
        super().__init__(*self.assemble(**config, dtype=dtype), config, dtype, **kwargs)

    @property
    def vocabulary(self):
        """The words that have vectors."""
        return list(self._config["vocabulary"])

    @property
    def vectors(self):
        """Vectors of length 1 of all words of the vocabulary, array (V, D)."""
        v = ops.convert_to_numpy(self.get_layer("words").embeddings)[RESERVED:]
        return v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-12)

    def neighbours(self, word, k=10):
        """Return the words whose vectors point in the most similar directions.

        Args:
            word: A word of the vocabulary.
            k: How many.

        Returns:
            Pairs of word and cosine, the nearest first.

        Raises:
            ValueError: If the word is not in the vocabulary.
        """
        known = self.vocabulary
        if word not in known:
            raise ValueError(f"`word` must be in the vocabulary, received {word!r}.")
        v = self.vectors
        cosine = v @ v[known.index(word)]
        nearest = [i for i in np.argsort(-cosine, kind="stable") if known[i] != word][:k]
        return [(known[i], float(cosine[i])) for i in nearest]

    @staticmethod
    def assemble(*, vocabulary, embedding_dim, dtype=None, library=OURS):
        """Return the symbolic words and candidates, and the logits."""
        layers, V = library.layers, len(vocabulary) + RESERVED
        word = keras.Input((), dtype="int32", name="word")
        candidates = keras.Input((None,), dtype="int32", name="candidates")
        v = layers.Embedding(V, embedding_dim, dtype=dtype, name="words")(word)  # (B, D)
        u = layers.Embedding(
            V, embedding_dim, embeddings_initializer="zeros", dtype=dtype, name="contexts"
        )(candidates)  # (B, 1 + K, D)
        score = ops.cast(ops.sum(u * v[:, None], axis=-1), head_dtype(dtype))
        return [word, candidates], ops.stack([ops.zeros_like(score), score], axis=-1)
