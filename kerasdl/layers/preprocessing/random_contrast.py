"""Random contrast."""

import keras

from kerasdl.layers.preprocessing.base import ValueLayer
from kerasdl.ops import image


@keras.saving.register_keras_serializable(package="kerasdl")
class RandomContrast(ValueLayer):
    r"""Change each image's contrast by a random factor while training.

    $$g = c f + (1 - c)\,\bar f, \qquad
      c \sim \mathcal U(1 - \mathrm{lower},\; 1 + \mathrm{upper})$$

    with the mean $\bar f$ of each channel of each image. At inference $g = f$.

    Args:
        factor: (lower, upper), or one number for both, in [0, 1].
        value_range: Smallest and largest value; what lies beyond is clipped.
        seed: Integer; the same seed gives the same sequence of draws.
        **kwargs: `data_format`, `bounding_box_format`; `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Images (B, H, W, C) or (H, W, C); or a dictionary with "images" and any of
            "labels", "bounding_boxes", "segmentation_masks".
        training: Whether to change the contrast.

    Returns:
        What came in, images in the layer's dtype.

    Raises:
        ValueError: If `factor` is out of its range or the images' rank is neither 3 nor 4.

    Source:
        Haeberli and Voorhies, 1994, Image Processing by Interpolation and Extrapolation.

    Example:
        >>> layer = RandomContrast((1.0, 0.0), value_range=(0, 1), seed=1)
        >>> image = keras.ops.reshape(keras.ops.array([0.0, 1.0]), (1, 1, 2, 1))
        >>> a, b = [float(v) for v in keras.ops.reshape(layer(image), (-1,))]
        >>> 0 <= a <= 0.5 <= b <= 1
        True

    Differences from Keras: $c$ is drawn as documented there. Keras takes one number for (0,
    number), so that contrast never falls, and sorts a pair. Integer images come out in the layer's
    dtype.
    """

    _USE_BASE_FACTOR = True
    _FACTOR_BOUNDS = (0, 1)

    def __init__(self, factor, value_range=(0, 255), seed=None, **kwargs):
        super().__init__(factor=factor, **kwargs)
        self.value_range = value_range
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def _set_factor(self, factor):
        super()._set_factor(factor)  # checks it
        self.factor = tuple(factor) if isinstance(factor, tuple | list) else (factor, factor)

    def get_random_transformation(self, data, training=True, seed=None):
        """Draw $c$, (B, 1, 1, 1)."""
        shape = self.shape_of(data)
        ones = (1, 1, 1) if len(shape) == 3 else (shape[0], 1, 1, 1)
        if not training:
            return {"contrast_factor": self.ops.zeros(ones)}
        lower, upper = self.factor
        dtype = self.compute_dtype if "float" in self.compute_dtype else None
        return {"contrast_factor": self.draw(ones, 1.0 - lower, 1.0 + upper, seed, dtype)}

    def transform_images(self, images, transformation, training=True):
        """Change the contrast by the factors that were drawn."""
        ops = self.ops
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        c = transformation["contrast_factor"]
        return image.adjust_contrast(images, c, self.value_range, self.image_axes, ops)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "factor": self.factor,
            "value_range": self.value_range,
            "seed": self.seed,
        }
