"""Random crops."""

import keras

from kerasdl.layers.preprocessing.center_crop import CropLayer
from kerasdl.ops import image


@keras.saving.register_keras_serializable(package="kerasdl")
class RandomCrop(CropLayer):
    r"""Cut a window out at a random place while training, the same for the whole batch.

    $$g(i, j) = f(i + t,\; j + l), \qquad
      t \sim \mathcal U\{0, \dots, H - h\}, \quad l \sim \mathcal U\{0, \dots, W - w\}$$

    At inference, and where an image is smaller than the window, the largest window of the shape
    h : w in the middle is brought to the size by bilinear interpolation.

    Args:
        height: h.
        width: w.
        seed: Integer; the same seed gives the same sequence of draws.
        data_format: "channels_last", "channels_first", or `None` for Keras' default.
        **kwargs: `bounding_box_format`; `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Images (B, H, W, C) or (H, W, C), H and W known; or a dictionary with "images" and
            any of "labels", "bounding_boxes", "segmentation_masks".
        training: Whether to cut at random.

    Returns:
        What came in, cropped, images in the layer's dtype.

    Raises:
        ValueError: If `height` or `width` is not a positive integer, or H or W is not known.

    Source:
        Krizhevsky et al., 2012, ImageNet Classification with Deep Convolutional Neural Networks,
        section 4.1.

    Example:
        >>> tuple(RandomCrop(2, 3, seed=1)(keras.ops.ones((4, 5, 6, 1))).shape)
        (4, 2, 3, 1)

    Differences from Keras: at inference and for small images as documented there; Keras returns
    the whole image at inference, whose shape is not that of `compute_output_shape`, and distorts
    small ones. A window as high or as wide as the image is still drawn along the other axis. Boxes
    are moved by (left, top) and clipped; Keras moves x by top and y by left. Masks are resampled
    by "nearest". Works under `jax.jit`.
    """

    def __init__(self, height, width, seed=None, data_format=None, name=None, **kwargs):
        super().__init__(height, width, data_format=data_format, name=name, **kwargs)
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)
        self._convert_input_args = False  # labels keep their dtype, as in Keras

    def get_random_transformation(self, data, training=True, seed=None):
        """Draw top and left; with them come the height and width of the image."""
        shape = self.shape_of(data)
        height, width = self.size_of(shape)
        if not isinstance(height, int) or not isinstance(width, int):
            raise ValueError(
                "RandomCrop requires the input to have a fully defined height and width. "
                f"Received: images.shape={shape}"
            )
        if not (training and self._fits(height, width)):
            return *image.largest_window(height, width, self.height, self.width)[:2], height, width
        u = self.draw((), 0.0, float(height - self.height + 1), seed)
        v = self.draw((), 0.0, float(width - self.width + 1), seed)
        return self.ops.cast(u, "int32"), self.ops.cast(v, "int32"), height, width

    def transform_images(self, images, transformation, training=True):
        """Cut out at the place that was drawn."""
        return self._transform(images, transformation, training, "bilinear")

    def transform_segmentation_masks(self, segmentation_masks, transformation, training=True):
        """Cut the masks where the images were cut."""
        return self._transform(segmentation_masks, transformation, training, "nearest")

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        """Move the boxes into the window; labels stay."""
        top, left, height, width = transformation
        window = self._window(top, left, height, width, training)
        return self.cut_boxes(bounding_boxes, window, (height, width), clip=False)

    def _transform(self, images, transformation, training, interpolation):
        images = self.ops.cast(images, self.compute_dtype)
        height, width = self.size_of(self.ops.shape(images))
        window = self._window(*transformation[:2], height, width, training)
        return self.cut(images, window, interpolation)

    def _fits(self, height, width):
        return height >= self.height and width >= self.width

    def _window(self, top, left, height, width, training):
        if training and self._fits(height, width):
            return top, left, self.height, self.width
        return image.largest_window(height, width, self.height, self.width)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "seed": self.seed}
