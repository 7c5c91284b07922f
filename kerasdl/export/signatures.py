"""The functions that an exported classifier of pictures or texts answers with.

They are TensorFlow graphs: a server needs neither this package nor the training code.
"""

import keras
import numpy as np
import tensorflow as tf

from kerasdl.datasets.pictures import to_png_bytes
from kerasdl.datasets.words import word_numbers


class Classifier:
    """What the classifiers have in common: an answer with the names of the classes.

    Args:
        model: Network that gives logits (B, classes).
        class_names: Name of each class.
    """

    def __init__(self, model: keras.Model, class_names):
        self.model = model
        self.class_names = tuple(class_names)

    def answer(self, inputs):
        """Return `label`, `probability`, `probabilities` and `classes` for the network's inputs."""
        logits = self.model(inputs, training=False)
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

    def __init__(self, model: keras.Model, class_names):
        super().__init__(model, class_names)
        self.word_numbers = word_numbers(model.vocabulary, model.length)
        self.word_numbers(tf.constant(["built by its first call, as every layer"]))

    @property
    def endpoints(self):
        """Name, function and input of each signature."""
        length = self.model.length
        return [
            ("serving_default", self.from_text, tf.TensorSpec([None], tf.string, name="text")),
            ("tensor", self.from_array, tf.TensorSpec([None, length], tf.int32, name="words")),
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
        return self.answer(tf.cast(self.word_numbers(text), tf.int32))

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
        self.height, self.width, self.channels = model.input_shape[1:]

    @property
    def endpoints(self):
        """Name, function and input of each signature."""
        encoded = tf.TensorSpec([None], tf.string, name="image_bytes")
        return [
            ("serving_default", self.from_bytes, encoded),
            ("tensor", self.from_array, self.array_spec),
        ]

    def examples(self):
        """Inputs of `serving_default` that warm a server up."""
        # One picture of the network's own size and one that must be resized.
        rng = np.random.default_rng(0)
        sizes = [(self.height, self.width), (3 * self.height, 2 * self.width)]
        draw = [rng.integers(0, 256, (*size, self.channels), np.uint8) for size in sizes]
        return "image_bytes", [to_png_bytes(picture) for picture in draw]

    @property
    def array_spec(self) -> tf.TensorSpec:
        """What `from_array` takes: pixels in [0, 1]."""
        shape = [None, self.height, self.width, self.channels]
        return tf.TensorSpec(shape, tf.float32, name="image")

    def from_bytes(self, image_bytes):
        """Answer encoded PNG or JPEG pictures of any size, grey or colour.

        Args:
            image_bytes: Strings (B,).

        Returns:
            For each picture `label`, `probability` (of that label), `probabilities` (of all
            classes) and `classes` (their names, in the same order).
        """
        return self.answer(self.decode(image_bytes))

    def from_array(self, image):
        """Answer pictures as arrays with the network's raw output.

        Args:
            image: Pixels in [0, 1], (B, H, W, C).

        Returns:
            `logits` (B, classes).
        """
        return {"logits": tf.cast(self.model(image, training=False), tf.float32)}

    def decode(self, image_bytes):
        """Turn encoded pictures into what the network was trained on.

        Returns:
            Pixels in [0, 1], (B, H, W, C).
        """
        return tf.map_fn(
            self._decode_one,
            image_bytes,
            fn_output_signature=tf.TensorSpec(self.array_spec.shape[1:], tf.float32),
        )

    def _decode_one(self, encoded):
        is_png = tf.strings.substr(encoded, 0, 4) == b"\x89PNG"
        is_jpeg = tf.strings.substr(encoded, 0, 3) == b"\xff\xd8\xff"
        known = tf.debugging.Assert(
            is_png | is_jpeg,
            ["An image is neither PNG nor JPEG. Its length in bytes:", tf.strings.length(encoded)],
        )
        with tf.control_dependencies([known]):
            encoded = tf.identity(encoded)
        pixels = tf.io.decode_image(encoded, channels=self.channels, expand_animations=False)
        pixels.set_shape([None, None, self.channels])
        pixels = tf.cast(pixels, tf.float32) / 255.0  # as in `datasets.pipeline`
        # Training images have the network's size already, for which this changes nothing.
        resized = tf.image.resize(pixels, [self.height, self.width], antialias=True)
        return tf.clip_by_value(resized, 0.0, 1.0)
