"""The functions that exported word vectors answer with."""

import keras
import tensorflow as tf

from kerasdl.datasets.sentences import numbering, word_key
from kerasdl.export.signatures import Signatures
from kerasdl.models.common import RESERVED

NEIGHBOURS = 10


class WordNeighbours(Signatures):
    """A word in, the words with the most similar vectors out.

    Args:
        model: A `kerasdl.models.SkipGram`.
    """

    tables = ("word_numbers",)

    def __init__(self, model: keras.Model):
        super().__init__(model)
        self.word_numbers = numbering(model.vocabulary)

    @property
    def endpoints(self):
        """Name, function and inputs of each signature."""
        arrays = [
            tf.TensorSpec([None], tf.int32, name="word"),
            tf.TensorSpec([None, None], tf.int32, name="candidates"),
        ]
        return [
            ("serving_default", self.neighbours, [tf.TensorSpec([None], tf.string, name="text")]),
            ("tensor", self.from_arrays, arrays),
        ]

    def examples(self):
        """Name of the input of `serving_default`, and values for it that warm a server up."""
        return "text", self.model.vocabulary[:2]

    def neighbours(self, text):
        """Answer words.

        Args:
            text: Strings (B,), one word each, known to the network.

        Returns:
            `neighbours` (B, 10), the nearest first; their `similarities` (B, 10), cosines; and the
            `vector` (B, D) of the word, of length 1.
        """
        number = tf.cast(self.word_numbers(word_key(tf.strings.strip(text))), tf.int32)
        known = tf.debugging.Assert(
            tf.reduce_all(number >= RESERVED),
            ["A word is not in the vocabulary:", tf.boolean_mask(text, number < RESERVED)],
        )
        with tf.control_dependencies([known]):
            index = number - RESERVED
        vectors = tf.nn.l2_normalize(self.model.get_layer("words").embeddings[RESERVED:], axis=1)
        v = tf.gather(vectors, index)  # (B, D)
        cosine = tf.matmul(v, vectors, transpose_b=True)
        itself = tf.one_hot(index, tf.shape(vectors)[0], on_value=-2.0)
        k = min(NEIGHBOURS, len(self.model.vocabulary) - 1)
        similarities, nearest = tf.math.top_k(cosine + itself, k)
        return {
            "neighbours": tf.gather(tf.constant(self.model.vocabulary), nearest),
            "similarities": similarities,
            "vector": v,
        }

    def from_arrays(self, word, candidates):
        """Answer numbers of words and candidates with the raw `logits` (B, 1 + K, 2)."""
        logits = self.model([word, candidates], training=False)
        return {"logits": tf.cast(logits, tf.float32)}
