"""The functions that exported networks answer with that say what lies where in a picture."""

import keras
import tensorflow as tf

from kerasdl.errors import InputError
from kerasdl.export.decode_images import ImageDecoder
from kerasdl.export.signatures import Signatures
from kerasdl.inspection.attention import to_patches
from kerasdl.inspection.scenes import SURE
from kerasdl.ops import attention_rollout


class SceneReader(Signatures):
    """What the signatures of both have in common.

    Args:
        model: A `kerasdl.models.ViTSegmenter` or `ViTDetector`.
        class_names: Name of each item; without those of the background and of nothing.
    """

    def __init__(self, model: keras.Model, class_names):
        super().__init__(model)
        if class_names is None or len(class_names) != self.items:
            received = "None" if class_names is None else f"{len(class_names)} names"
            raise InputError(
                f"`class_names` must name the {self.items} kinds of items that the model tells "
                f"apart, received {received}."
            )
        self.class_names = tuple(class_names)
        self.decode = ImageDecoder(model.image_shape)

    @property
    def items(self):
        """How many kinds of items there are."""
        return self.model.num_classes

    @property
    def endpoints(self):
        """Name, function and inputs of each signature."""
        return [
            ("serving_default", self.from_bytes, [self.decode.bytes_spec]),
            ("explain", self.explain, [self.decode.bytes_spec]),
            ("tensor", self.from_array, [self.decode.array_spec]),
        ]

    def examples(self):
        """Name of the input of `serving_default`, and values for it that warm a server up."""
        return "image_bytes", self.decode.examples()

    def from_bytes(self, image_bytes):
        """Answer encoded PNG or JPEG pictures of any size, grey or colour."""
        return self.answer(self.decode(image_bytes))

    def explain(self, image_bytes):
        """Answer as `from_bytes` does, and tell where the network looked.

        Args:
            image_bytes: Strings (B,).

        Returns:
            The same, the `image` (B, H, W, C) as the network saw it, its `attention` (B, layers,
            heads, T, T) and `rollout` (B, rows, columns).
        """
        image = self.decode(image_bytes)
        maps = [tf.cast(A, tf.float32) for A in self.model.attend(image)]
        return {
            **self.answer(image),
            "image": image,
            "attention": tf.stack(maps, axis=1),
            "rollout": to_patches(self.model, attention_rollout(maps)),
        }

    def from_array(self, image):
        """Answer pictures (B, H, W, C) with the network's raw output, `answers`."""
        return {"answers": tf.cast(self.model(image, training=False), tf.float32)}

    def answer(self, image):
        """Return by name what is in pictures (B, H, W, C)."""
        raise NotImplementedError


class PixelClassifier(SceneReader):
    """A picture in, the class of every pixel out."""

    @property
    def items(self):
        """How many kinds of items there are; the first class is the background."""
        return self.model.num_classes - 1

    def answer(self, image):
        """Say of every pixel what it belongs to.

        Args:
            image: Pixels in [0, 1], (B, H, W, C).

        Returns:
            `mask` (B, H, W), 0 for the background, else the number of the class; `labels` (B, K),
            their names in that order; and `shares` (B, K), how much of the picture each takes.
        """
        logits = self.model(image, training=False)
        mask = tf.argmax(logits, axis=-1, output_type=tf.int32)
        names = tf.constant(("background", *self.class_names))
        shares = tf.reduce_mean(tf.one_hot(mask, 1 + len(self.class_names)), axis=(1, 2))
        return {
            "mask": mask,
            "labels": tf.tile(names[tf.newaxis], [tf.shape(mask)[0], 1]),
            "shares": shares,
        }


class ObjectFinder(SceneReader):
    """A picture in, boxes and what is in them out."""

    def answer(self, image):
        """Find objects, each once.

        Args:
            image: Pixels in [0, 1], (B, H, W, C).

        Returns:
            `boxes` (B, n, 4), y0, x0, y1, x1 as shares of height and width, so that they fit a
            picture of any size; `labels` (B, n) and `scores` (B, n), their probabilities, falling.
            Behind the last one that is as probable as not: "" and 0.
        """
        boxes, classes, scores = self.model.detect(image)
        H, W, _ = self.model.image_shape
        sure = scores >= SURE
        boxes = tf.clip_by_value(tf.cast(boxes, tf.float32) / [H, W, H, W], 0.0, 1.0)
        return {
            "boxes": tf.where(sure[..., tf.newaxis], boxes, 0.0),
            "labels": tf.where(sure, tf.gather(tf.constant(self.class_names), classes), ""),
            "scores": tf.where(sure, tf.cast(scores, tf.float32), 0.0),
        }
