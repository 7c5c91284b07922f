"""The functions that an exported language model answers with."""

import keras
import tensorflow as tf

from kerasdl.datasets.sentences import numbering
from kerasdl.export.sequence_signatures import characters
from kerasdl.export.signatures import Signatures
from kerasdl.models.decoding import PADDING, TARGET_RESERVED

# What `serving_default` draws with. A character that is always the most probable one soon repeats
# itself; drawn from all, a few improbable ones lead astray.
TEMPERATURE, TOP_P, SEED = 0.8, 0.95, 0
LONGEST = 2000

_TEXT = tf.TensorSpec([None], tf.string, name="text")


class TextContinuer(Signatures):
    """The beginning of a text in, its continuation out; the decoder's loop runs in the graph.

    Answers repeat: what is drawn is a function of the text, the settings and the seed, so that
    every replica of a server says the same, and an answer can be asked for again. Another seed
    gives another text (signature `sample`).

    Args:
        model: A `kerasdl.models.LanguageModel` of characters.
    """

    tables = ("character_numbers",)

    def __init__(self, model: keras.Model):
        super().__init__(model)
        self.character_numbers = numbering(model.target_vocabulary)
        # Counted as a blank: what the vocabulary does not have.
        self.blank = model.target_vocabulary.index(" ") + TARGET_RESERVED

    @property
    def endpoints(self):
        """Name, function and inputs of each signature."""
        settings = [
            tf.TensorSpec([None], dtype, name=name)
            for name, dtype in (
                ("temperature", tf.float32),
                ("top_k", tf.int32),
                ("top_p", tf.float32),
                ("seed", tf.int32),
                ("length", tf.int32),
            )
        ]
        previous = tf.TensorSpec([None, None], tf.int32, name="previous")
        return [
            ("serving_default", self.continue_text, [_TEXT]),
            ("greedy", self.greedy, [_TEXT]),
            ("beam", self.beam, [_TEXT]),
            ("sample", self.sample, [_TEXT, *settings]),
            ("tensor", self.from_array, [previous]),
        ]

    def examples(self):
        """Name of the input of `serving_default`, and values for it that warm a server up."""
        return "text", ["The jury said ", "It was a dark and "]

    def continue_text(self, text):
        """Answer beginnings of texts with what is drawn at a moderate temperature and seed 0.

        Args:
            text: Strings (B,); the last characters count, as many as the network's context.

        Returns:
            `continuation` (B,), and `text` (B,): the beginning with it.
        """
        B = tf.shape(text)[0]
        uniform = _uniform(tf.fill([B], SEED), self.model.target_length)
        tokens = self.model.sample(
            self._numbers(text), temperature=TEMPERATURE, top_p=TOP_P, uniform=uniform
        )
        return self._answer(text, tokens)

    def greedy(self, text):
        """Answer with the most probable character at every step; see `continue_text`."""
        return self._answer(text, self.model.generate(self._numbers(text)))

    def beam(self, text):
        """Answer with the best of a beam of 4; see `continue_text`."""
        return self._answer(text, self.model.generate(self._numbers(text), width=4)[0][:, 0])

    def sample(self, text, temperature, top_k, top_p, seed, length):
        """Answer with what is drawn by settings of the client's own.

        Args:
            text: Strings (B,).
            temperature: (B,), above 0.
            top_k: (B,): how many characters a draw may choose from; 0 for all.
            top_p: (B,): which share the characters hold that a draw may choose from; 1 for all.
            seed: (B,): another seed, another text.
            length: (B,): characters to write.

        Returns:
            As `continue_text`.
        """
        checks = [
            tf.debugging.Assert(
                tf.reduce_all(right), [f"`{name}` must be {bounds}; received", value]
            )
            for name, right, bounds, value in (
                ("temperature", temperature > 0, "above 0", temperature),
                ("top_k", top_k >= 0, "0, for all, or more", top_k),
                ("top_p", (top_p > 0) & (top_p <= 1), "above 0 and at most 1", top_p),
                ("length", (length > 0) & (length <= LONGEST), f"1 to {LONGEST}", length),
            )
        ]
        with tf.control_dependencies(checks):
            most = tf.reduce_max(length)
        everything = len(self.model.target_vocabulary) + TARGET_RESERVED
        tokens = self.model.sample(
            self._numbers(text),
            most,
            temperature=temperature,
            top_k=tf.where(top_k == 0, everything, top_k),
            top_p=top_p,
            uniform=_uniform(seed, most),
        )
        tokens = tf.where(tf.range(most) < length[:, tf.newaxis], tokens, PADDING)
        return self._answer(text, tokens)

    def from_array(self, previous):
        """Answer previous characters (B, T) with the raw `logits` (B, T, V) of the next ones."""
        return {"logits": tf.cast(self.model(previous, training=False), tf.float32)}

    def _numbers(self, text):
        read = tf.strings.unicode_split(text, "UTF-8", errors="replace")[:, -self.model.context :]
        number = tf.cast(self.character_numbers(read.to_tensor("")), tf.int32)
        # The table gives 0 for nothing, 1 for what it does not know and then counts from 2.
        known = number - 2 + TARGET_RESERVED
        return tf.where(number == 0, PADDING, tf.where(number == 1, self.blank, known))

    def _answer(self, text, tokens):
        continuation = characters(tokens, self.model.target_vocabulary)
        return {"continuation": continuation, "text": tf.strings.join([text, continuation])}


def _uniform(seeds, length):
    """Draw numbers in [0, 1), (B, length), those of an example from its seed alone."""
    return tf.map_fn(
        # The algorithm is named because the default may differ between devices.
        lambda seed: tf.random.stateless_uniform([length], tf.stack([seed, 0]), alg="philox"),
        seeds,
        fn_output_signature=tf.TensorSpec([None], tf.float32),
    )
