"""The functions that exported networks answer with that write or tag sequences."""

import keras
import tensorflow as tf

from kerasdl.datasets.sentences import ending, letters, numbering, split_sentence, word_key
from kerasdl.export.decode_images import ImageDecoder
from kerasdl.export.signatures import Signatures
from kerasdl.models import Transformer
from kerasdl.models.decoding import START, TARGET_RESERVED

BEAM = 4
_TEXT = tf.TensorSpec([None], tf.string, name="text")


class SentenceTagger(Signatures):
    """A sentence in, its words with their tags out.

    Args:
        model: A `kerasdl.models.RecurrentTagger`.
    """

    tables = ("word_numbers", "ending_numbers")

    def __init__(self, model: keras.Model):
        super().__init__(model)
        self.word_numbers = numbering(model.vocabulary)
        self.ending_numbers = numbering(model.endings)

    @property
    def endpoints(self):
        """Name, function and inputs of each signature."""
        arrays = [tf.TensorSpec([None, None], tf.int32, name=n) for n in ("words", "endings")]
        return [
            ("serving_default", self.from_text, [_TEXT]),
            ("tensor", self.from_arrays, arrays),
        ]

    def examples(self):
        """Name of the input of `serving_default`, and values for it that warm a server up."""
        return "text", ["Time flies like an arrow.", "The old man the boats, they said."]

    def from_text(self, text):
        """Answer sentences.

        Args:
            text: Strings (B,), one sentence each.

        Returns:
            `words`, `tags` and `probabilities` (of those tags), each (B, T); "" and 0 behind the
            last word.
        """
        words = _filled_up(split_sentence(text))
        numbers = [
            tf.cast(self.word_numbers(word_key(words)), tf.int32),
            tf.cast(self.ending_numbers(ending(words)), tf.int32),
        ]
        probabilities = tf.nn.softmax(self.from_arrays(*numbers)["logits"])  # (B, T, tags)
        tags = tf.gather(tf.constant(self.model.tag_names), tf.argmax(probabilities, axis=-1))
        return {
            "words": words,
            "tags": tf.where(words == "", "", tags),
            "probabilities": tf.where(words == "", 0.0, tf.reduce_max(probabilities, axis=-1)),
        }

    def from_arrays(self, words, endings):
        """Answer numbers of words and endings (B, T) with the raw `logits` (B, T, tags)."""
        logits = self.model([words, endings], training=False)
        return {"logits": tf.cast(logits, tf.float32)}


class Pronouncer(Signatures):
    """A spelling in, phonemes out; the decoder's loop runs in the graph.

    Args:
        model: A `kerasdl.models.Seq2Seq` or `Transformer` from letters to phonemes.
    """

    tables = ("letter_numbers",)

    def __init__(self, model: keras.Model):
        super().__init__(model)
        self.letter_numbers = numbering(model.source_vocabulary)

    @property
    def endpoints(self):
        """Name, function and inputs of each signature."""
        arrays = [tf.TensorSpec([None, None], tf.int32, name=n) for n in ("source", "previous")]
        return [
            ("serving_default", self.beam, [_TEXT]),
            ("greedy", self.greedy, [_TEXT]),
            ("explain", self.explain, [_TEXT]),
            ("tensor", self.from_arrays, arrays),
        ]

    def examples(self):
        """Name of the input of `serving_default`, and values for it that warm a server up."""
        return "text", ["hello", "extraordinarily"]

    def beam(self, text):
        """Answer words by beam search.

        Args:
            text: Strings (B,), one word each.

        Returns:
            `phonemes` (B,), separated by blanks; the `candidates` (B, W) that the beam held at its
            end, the best first; and their `scores` (B, W): log-probability over length.
        """
        tokens, scores = self.model.generate(self._numbers(text)[1], width=BEAM)
        candidates = written(tokens, self.model.target_vocabulary)
        return {
            "phonemes": candidates[:, 0],
            "candidates": candidates,
            "scores": tf.cast(scores, tf.float32),
        }

    def greedy(self, text):
        """Answer words with the most probable phoneme at every step: `phonemes` (B,)."""
        tokens = self.model.generate(self._numbers(text)[1])
        return {"phonemes": written(tokens, self.model.target_vocabulary)}

    def explain(self, text):
        """Tell for each phoneme of the greedy answer which letters the network looked at.

        Args:
            text: Strings (B,), one word each.

        Returns:
            `letters` (B, S), `phonemes` (B, T), "" behind the last; and `alignment` (B, T, S), the
            weights of the attention. Of a `Transformer` also every head, (B, layers, heads, …):
            `encoder_attention` (S, S), `decoder_attention` (T, T) and `cross_attention` (T, S).
        """
        read, source = self._numbers(text)
        tokens = self.model.generate(source)
        used = tf.maximum(1, tf.reduce_max(tf.reduce_sum(tf.cast(tokens > 0, tf.int32), axis=1)))
        tokens = tokens[:, :used]
        previous = tf.pad(tokens[:, :-1], [[0, 0], [1, 0]], constant_values=START)
        names = tf.constant(_names(self.model.target_vocabulary))
        weights = tf.cast(self.model.align(source, previous), tf.float32)
        answer = {
            "letters": read,
            "phonemes": tf.gather(names, tokens),
            "alignment": tf.where(tokens[..., tf.newaxis] > 0, weights, 0.0),
        }
        if isinstance(self.model, Transformer):
            for name, maps in self.model.attention_maps(source, previous).items():
                answer[f"{name}_attention"] = tf.cast(tf.stack(maps, axis=1), tf.float32)
        return answer

    def from_arrays(self, source, previous):
        """Answer numbers of letters and previous phonemes with the raw `logits` (B, T, V)."""
        logits = self.model([source, previous], training=False)
        return {"logits": tf.cast(logits, tf.float32)}

    def _numbers(self, text):
        empty = tf.strings.length(tf.strings.strip(text)) == 0
        filled = tf.debugging.Assert(
            tf.logical_not(tf.reduce_any(empty)),
            ["A text is empty; a word is needed. Number of the text:", tf.argmax(empty)],
        )
        with tf.control_dependencies([filled]):
            read = letters(text).to_tensor("")
        return read, tf.cast(self.letter_numbers(read), tf.int32)


class CaptionWriter(Signatures):
    """A picture in, a sentence out; the decoder's loop runs in the graph.

    Args:
        model: A `kerasdl.models.Captioner`.
    """

    def __init__(self, model: keras.Model):
        super().__init__(model)
        self.decode = ImageDecoder(model.image_shape)

    @property
    def endpoints(self):
        """Name, function and inputs of each signature."""
        previous = tf.TensorSpec([None, None], tf.int32, name="previous")
        return [
            ("serving_default", self.from_bytes, [self.decode.bytes_spec]),
            ("tensor", self.from_arrays, [self.decode.array_spec, previous]),
        ]

    def examples(self):
        """Name of the input of `serving_default`, and values for it that warm a server up."""
        return "image_bytes", self.decode.examples()

    def from_bytes(self, image_bytes):
        """Answer encoded PNG or JPEG pictures of any size, grey or colour.

        Args:
            image_bytes: Strings (B,).

        Returns:
            `caption` (B,); the `candidates` (B, W) that the beam held at its end, the best first;
            and their `scores` (B, W): log-probability over length.
        """
        tokens, scores = self.model.generate(self.decode(image_bytes), width=BEAM)
        sentences = written(tokens, self.model.target_vocabulary)
        sentences = tf.strings.regex_replace(sentences, " ,", ",")
        return {
            "caption": sentences[:, 0],
            "candidates": sentences,
            "scores": tf.cast(scores, tf.float32),
        }

    def from_arrays(self, image, previous):
        """Answer pictures and previous words with the raw `logits` (B, T, V)."""
        logits = self.model([image, previous], training=False)
        return {"logits": tf.cast(logits, tf.float32)}


def written(tokens, vocabulary):
    """Return tokens (…, T) as strings (…), separated by blanks."""
    words = tf.gather(tf.constant(_names(vocabulary)), tokens)
    return tf.strings.strip(tf.strings.reduce_join(words, axis=-1, separator=" "))


def characters(tokens, vocabulary):
    """Return tokens (…, T) as strings (…), nothing between them."""
    return tf.strings.reduce_join(tf.gather(tf.constant(_names(vocabulary)), tokens), axis=-1)


def _names(vocabulary):
    return [""] * TARGET_RESERVED + list(vocabulary)


def _filled_up(ragged):
    """Write "" behind the last strings; at least one column, which a recurrent layer needs."""
    filled = ragged.to_tensor("")
    return tf.pad(filled, [[0, 0], [0, tf.maximum(0, 1 - tf.shape(filled)[1])]], constant_values="")
