"""Random brightness."""

import keras

from kerasdl.layers.preprocessing.base import ValueLayer
from kerasdl.ops import image


@keras.saving.register_keras_serializable(package="kerasdl")
class RandomBrightness(ValueLayer):
    r"""Make each image brighter or darker by a random amount while training.

    $$g = f + \delta, \qquad
      \delta \sim (\mathrm{high} - \mathrm{low})\, \mathcal U(\mathrm{lower}, \mathrm{upper})$$

    clipped to the value range [low, high]. At inference $g = f$.

    Args:
        factor: (lower, upper), or one number for both directions, in [-1, 1]: -1 makes black, 1
            white.
        value_range: low and high, of the inputs and of the outputs.
        seed: Integer; the same seed gives the same sequence of draws.
        **kwargs: `data_format`, `bounding_box_format`; `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Images (B, H, W, C) or (H, W, C); or a dictionary with "images" and any of
            "labels", "bounding_boxes", "segmentation_masks".
        training: Whether to change the brightness.

    Returns:
        What came in, images in the layer's dtype.

    Raises:
        ValueError: If an argument is out of its range or the images' rank is neither 3 nor 4.

    Source:
        Howard, 2013, Some Improvements on Deep Convolutional Neural Network Based Image
        Classification, section 2.

    Example:
        >>> layer = RandomBrightness((0.2, 0.2))
        >>> [float(v) for v in layer(keras.ops.array([[[10.0, 250.0]]]))[0, 0]]
        [61.0, 255.0]

    Differences from Keras: integer images come out in the layer's dtype. Keras casts $\delta$ to
    theirs, so that a darker uint8 image wraps around to white.
    """

    _USE_BASE_FACTOR = True

    def __init__(self, factor, value_range=(0, 255), seed=None, **kwargs):
        super().__init__(factor=factor, **kwargs)
        if not isinstance(value_range, tuple | list) or len(value_range) != 2:
            raise ValueError(
                "The `value_range` argument should be a list of two numbers. "
                f"Received: value_range={value_range}"
            )
        self.value_range = sorted(value_range)
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def get_random_transformation(self, data, training=True, seed=None):
        r"""Draw $\delta$, (B, 1, 1, 1)."""
        shape = self.shape_of(data)
        ones = (1, 1, 1) if len(shape) == 3 else (shape[0], 1, 1, 1)
        if not training:
            return {"rgb_delta": self.ops.zeros(ones)}
        low, high = self.value_range
        return {"rgb_delta": self.draw(ones, *self.factor, seed) * (high - low)}

    def transform_images(self, images, transformation, training=True):
        """Add the amounts that were drawn."""
        ops = self.ops
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        return image.adjust_brightness(images, transformation["rgb_delta"], self.value_range, ops)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "factor": self.factor,
            "value_range": self.value_range,
            "seed": self.seed,
        }
