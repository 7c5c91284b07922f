"""Random translations."""

import keras

from kerasdl.layers.preprocessing.base import AffineLayer, factor_range
from kerasdl.ops import image


@keras.saving.register_keras_serializable(package="kerasdl")
class RandomTranslation(AffineLayer):
    r"""Move each image by a random distance while training.

    $$g(u, v) = \tilde f(u - d_x,\; v - d_y), \qquad
      d_x \sim W\, \mathcal U(\mathrm{lower}, \mathrm{upper}), \quad d_y \text{ likewise with } H$$

    See `kerasdl.ops.image.translation`. At inference $g = f$.

    Args:
        height_factor: Bounds of $d_y / H$: (lower, upper), or one number for both directions.
            Positive is down.
        width_factor: Bounds of $d_x / W$. Positive is to the right.
        fill_mode: What stands beyond the edges: "reflect", "wrap", "constant" or "nearest".
        interpolation: "bilinear" or "nearest".
        seed: Integer; the same seed gives the same sequence of draws.
        fill_value: The value of "constant".
        data_format: "channels_last", "channels_first", or `None` for Keras' default.
        **kwargs: `bounding_box_format`; `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Images (B, H, W, C) or (H, W, C); or a dictionary with "images" and any of
            "labels", "bounding_boxes", "segmentation_masks".
        training: Whether to move.

    Returns:
        What came in, images in the layer's dtype.

    Raises:
        ValueError: If an argument is out of its range.

    Source:
        Simard et al., 2003, Best Practices for Convolutional Neural Networks, section 2.

    Example:
        >>> layer = RandomTranslation(0.0, (0.25, 0.25), fill_mode="constant")
        >>> image = keras.ops.reshape(keras.ops.arange(1.0, 5.0), (1, 1, 4, 1))
        >>> [float(v) for v in keras.ops.reshape(layer(image), (-1,))]
        [0.0, 1.0, 2.0, 3.0]

    Differences from Keras: a model that holds the layer is compiled with XLA; see also
    `kerasdl.ops.image.affine_transform`.
    """

    def __init__(
        self,
        height_factor,
        width_factor,
        fill_mode="reflect",
        interpolation="bilinear",
        seed=None,
        fill_value=0.0,
        data_format=None,
        **kwargs,
    ):
        super().__init__(
            fill_mode, interpolation, seed, fill_value, data_format=data_format, **kwargs
        )
        self.height_factor = height_factor
        self.width_factor = width_factor
        self.height_range = factor_range("height_factor", height_factor, -1.0, 1.0)
        self.width_range = factor_range("width_factor", width_factor, -1.0, 1.0)

    def get_random_transformation(self, data, training=True, seed=None):
        """Draw $(d_x, d_y)$ in pixels, (B, 2)."""
        if not training:
            return None
        ops, shape = self.ops, self.shape_of(data)
        ones = (shape[0] if len(shape) == 4 else 1, 1)
        height, width = self.size_of(shape)
        down = self.draw(ones, *self.height_range, seed)
        right = self.draw(ones, *self.width_range, seed)
        translations = [right * ops.cast(width, right.dtype), down * ops.cast(height, down.dtype)]
        return {
            "translations": ops.cast(ops.concatenate(translations, axis=1), "float32"),
            "input_shape": shape,
        }

    def transform(self, transformation, height, width):
        """Return the map for the distances that were drawn."""
        translations = self.ops.convert_to_tensor(transformation["translations"])
        return image.translation(translations[:, 0], translations[:, 1], self.ops)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "height_factor": self.height_factor,
            "width_factor": self.width_factor,
        }
