"""The functions that an exported network answers with.

They are TensorFlow graphs: a server needs neither this package nor the training code.
"""

from typing import ClassVar

import keras
import tensorflow as tf

from kerasdl.datasets.words import word_numbers
from kerasdl.export.decode_images import ImageDecoder
from kerasdl.export.explanation import Explainer


class Signatures:
    """What the signatures of all networks have in common.

    Args:
        model: The network.
    """

    #: Names of the layers beside the network, tables of words, that a SavedModel must keep.
    tables: ClassVar[tuple[str, ...]] = ()

    def __init__(self, model: keras.Model):
        self.model = model

    @property
    def endpoints(self):
        """Name, function and inputs of each signature."""
        raise NotImplementedError

    def examples(self):
        """Name of the input of `serving_default`, and values for it that warm a server up."""
        raise NotImplementedError


class Classifier(Signatures):
    """What the classifiers have in common: an answer with the names of the classes.

    Args:
        model: Network that gives logits (B, classes).
        class_names: Name of each class.
    """

    def __init__(self, model: keras.Model, class_names):
        super().__init__(model)
        self.class_names = tuple(class_names)

    def answer(self, logits):
        """Return `label`, `probability`, `probabilities` and `classes` for logits (B, classes)."""
        probabilities = tf.nn.softmax(tf.cast(logits, tf.float32))  # (B, classes)
        best = tf.argmax(probabilities, axis=-1)
        names = tf.constant(self.class_names)
        return {
            "label": tf.gather(names, best),
            "probability": tf.reduce_max(probabilities, axis=-1),
            "probabilities": probabilities,
            "classes": tf.tile(names[tf.newaxis], [tf.shape(probabilities)[0], 1]),
        }


class TextClassifier(Classifier):
    """A text in, its class out: the words become numbers inside the graph.

    Args:
        model: A `kerasdl.models.RecurrentClassifier`.
        class_names: Name of each class.
    """

    tables = ("word_numbers",)

    def __init__(self, model: keras.Model, class_names):
        super().__init__(model, class_names)
        self.word_numbers = word_numbers(model.vocabulary, model.length)
        self.word_numbers(tf.constant(["built by its first call, as every layer"]))

    @property
    def endpoints(self):
        """Name, function and inputs of each signature."""
        length = self.model.length
        return [
            ("serving_default", self.from_text, [tf.TensorSpec([None], tf.string, name="text")]),
            ("tensor", self.from_array, [tf.TensorSpec([None, length], tf.int32, name="words")]),
        ]

    def examples(self):
        """Inputs of `serving_default` that warm a server up."""
        return "text", ["Hello", "A text of several words, some of which nobody knows."]

    def from_text(self, text):
        """Answer texts.

        Args:
            text: Strings (B,).

        Returns:
            For each text `label`, `probability` (of that label), `probabilities` (of all classes)
            and `classes` (their names, in the same order).
        """
        words = tf.cast(self.word_numbers(text), tf.int32)
        return self.answer(self.model(words, training=False))

    def from_array(self, words):
        """Answer numbers of words (B, T) with the network's raw output.

        Returns:
            `logits` (B, classes).
        """
        return {"logits": tf.cast(self.model(words, training=False), tf.float32)}


class ImageClassifier(Classifier):
    """Preprocessing, network and label names in one.

    Args:
        model: Network from images (B, H, W, C) in [0, 1] to logits (B, classes).
        class_names: Name of each class.
    """

    def __init__(self, model: keras.Model, class_names):
        super().__init__(model, class_names)
        self.decode = ImageDecoder(model.input_shape[1:])
        self.explainer = Explainer(model)

    @property
    def endpoints(self):
        """Name, function and inputs of each signature."""
        return [
            ("serving_default", self.from_bytes, [self.decode.bytes_spec]),
            ("explain", self.explain, [self.decode.bytes_spec]),
            ("tensor", self.from_array, [self.decode.array_spec]),
        ]

    def examples(self):
        """Inputs of `serving_default` that warm a server up."""
        return "image_bytes", self.decode.examples()

    def from_bytes(self, image_bytes):
        """Answer encoded PNG or JPEG pictures of any size, grey or colour.

        Args:
            image_bytes: Strings (B,).

        Returns:
            For each picture `label`, `probability` (of that label), `probabilities` (of all
            classes) and `classes` (their names, in the same order).
        """
        return self.answer(self.model(self.decode(image_bytes), training=False))

    def explain(self, image_bytes):
        """Answer as `from_bytes` does, and tell where the network looked.

        Args:
            image_bytes: Strings (B,).

        Returns:
            The same, the `image` (B, H, W, C) as the network saw it, and what
            `kerasdl.export.explanation.Explainer` gives.
        """
        image = self.decode(image_bytes)
        logits, seen = self.explainer(image)
        return {**self.answer(logits), "image": image, **seen}

    def from_array(self, image):
        """Answer pictures as arrays with the network's raw output.

        Args:
            image: Pixels in [0, 1], (B, H, W, C).

        Returns:
            `logits` (B, classes).
        """
        return {"logits": tf.cast(self.model(image, training=False), tf.float32)}
