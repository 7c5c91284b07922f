"""Random mirror images."""

import keras

from kerasdl.layers.preprocessing.base import ImageLayer, check_one_of
from kerasdl.ops import image

MODES = ("horizontal", "vertical", "horizontal_and_vertical")


@keras.saving.register_keras_serializable(package="kerasdl")
class RandomFlip(ImageLayer):
    r"""Mirror half of the images while training.

    $$g(i, j) = f(i, W - 1 - j) \quad \text{with probability } \tfrac12$$

    ("horizontal"; "vertical" mirrors $i$ instead, "horizontal_and_vertical" both at once, which
    turns the image by 180°.) At inference $g = f$.

    Args:
        mode: "horizontal", "vertical" or "horizontal_and_vertical".
        seed: Integer; the same seed gives the same sequence of draws.
        data_format: "channels_last", "channels_first", or `None` for Keras' default.
        **kwargs: `bounding_box_format`; `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Images (B, H, W, C) or (H, W, C); or a dictionary with "images" and any of
            "labels", "bounding_boxes", "segmentation_masks".
        training: Whether to flip.

    Returns:
        What came in, in the layer's dtype.

    Raises:
        ValueError: If `mode` is none of these or the images' rank is neither 3 nor 4.

    Source:
        Krizhevsky et al., 2012, ImageNet Classification with Deep Convolutional Neural Networks,
        section 4.1.

    Example:
        >>> layer = RandomFlip("horizontal", seed=1)
        >>> tuple(layer(keras.ops.ones((2, 4, 5, 1))).shape)
        (2, 4, 5, 1)

    Differences from Keras: none in the images. Boxes are clipped to the image whatever their format
    (Keras compares relative coordinates with pixels).
    """

    def __init__(self, mode="horizontal_and_vertical", seed=None, data_format=None, **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        check_one_of("mode", mode, MODES)
        self.mode = mode
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)
        self._convert_input_args = False  # labels keep their dtype, as in Keras

    def get_random_transformation(self, data, training=True, seed=None):
        """Draw which images are flipped, (B, 1, 1, 1)."""
        if not training:
            return None
        shape = self.shape_of(data)
        ones = (1, 1, 1)
        u = self.draw(ones if len(shape) == 3 else (shape[0], *ones), 0.0, 1.0, seed)
        return {"flips": self.ops.less_equal(u, 0.5), "input_shape": shape}

    def transform_images(self, images, transformation, training=True):
        """Flip the images that were drawn."""
        ops = self.ops
        images = ops.cast(images, self.compute_dtype)
        if not training or transformation is None:
            return images
        vertical, horizontal = self.image_axes
        axes = {"horizontal": (horizontal,), "vertical": (vertical,)}.get(
            self.mode, (vertical, horizontal)
        )
        flips = ops.convert_to_tensor(transformation["flips"])
        return image.flip(images, flips, axes, ops)

    def transform_segmentation_masks(self, segmentation_masks, transformation, training=True):
        """Flip the masks with the images."""
        return self.transform_images(segmentation_masks, transformation, training)

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        """Flip the boxes with the images."""
        if not training:
            return bounding_boxes
        height, width = self.size_of(transformation["input_shape"])

        def move(boxes, ops):
            x1, y1, x2, y2 = ops.split(boxes, 4, axis=-1)
            if self.mode != "vertical":
                W = ops.cast(width, boxes.dtype)
                x1, x2 = W - x2, W - x1
            if self.mode != "horizontal":
                H = ops.cast(height, boxes.dtype)
                y1, y2 = H - y2, H - y1
            flips = ops.squeeze(ops.convert_to_tensor(transformation["flips"]), axis=-1)
            return ops.where(flips, ops.concatenate([x1, y1, x2, y2], axis=-1), boxes)

        return self.move_boxes(bounding_boxes, move, (height, width))

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "seed": self.seed, "mode": self.mode}
