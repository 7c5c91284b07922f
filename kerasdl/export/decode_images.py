"""From encoded pictures to what a network was trained on, in the graph."""

import numpy as np
import tensorflow as tf

from kerasdl.datasets.pictures import to_png_bytes


class ImageDecoder:
    """Decodes PNG and JPEG pictures of any size, grey or colour.

    Args:
        image_shape: (H, W, C) that the network takes.
    """

    def __init__(self, image_shape):
        self.height, self.width, self.channels = image_shape
        self.bytes_spec = tf.TensorSpec([None], tf.string, name="image_bytes")
        self.array_spec = tf.TensorSpec([None, *image_shape], tf.float32, name="image")

    def examples(self) -> list[bytes]:
        """One picture of the network's own size and one that must be resized."""
        rng = np.random.default_rng(0)
        sizes = [(self.height, self.width), (3 * self.height, 2 * self.width)]
        draw = [rng.integers(0, 256, (*size, self.channels), np.uint8) for size in sizes]
        return [to_png_bytes(picture) for picture in draw]

    def __call__(self, image_bytes):
        """Turn encoded pictures into what the network was trained on.

        Args:
            image_bytes: Strings (B,).

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
