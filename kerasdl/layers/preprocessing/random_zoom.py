"""Random zooms."""

import keras

from kerasdl.layers.preprocessing.base import AffineLayer, factor_range
from kerasdl.ops import image


@keras.saving.register_keras_serializable(package="kerasdl")
class RandomZoom(AffineLayer):
    r"""Zoom each image by random factors while training.

    $$g(u, v) = \tilde f\big(z_x (u - c_x) + c_x,\; z_y (v - c_y) + c_y\big), \qquad
      z \sim \mathcal U(1 + \mathrm{lower},\; 1 + \mathrm{upper})$$

    with the centre $c$ of the image; see `kerasdl.ops.image.zoom`. At inference $g = f$.

    Args:
        height_factor: Bounds of $z_y - 1$: (lower, upper), or one number for both directions.
            Positive zooms out, negative in.
        width_factor: Bounds of $z_x - 1$; `None` keeps the proportions, $z_x = z_y$.
        fill_mode: What stands beyond the edges: "reflect", "wrap", "constant" or "nearest".
        interpolation: "bilinear" or "nearest".
        seed: Integer; the same seed gives the same sequence of draws.
        fill_value: The value of "constant".
        data_format: "channels_last", "channels_first", or `None` for Keras' default.
        **kwargs: `bounding_box_format`; `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Images (B, H, W, C) or (H, W, C); or a dictionary with "images" and any of
            "labels", "bounding_boxes", "segmentation_masks".
        training: Whether to zoom.

    Returns:
        What came in, images in the layer's dtype.

    Raises:
        ValueError: If an argument is out of its range.

    Source:
        Simard et al., 2003, Best Practices for Convolutional Neural Networks, section 2.

    Example:
        >>> layer = RandomZoom((-0.5, -0.5))
        >>> image = keras.ops.reshape(keras.ops.arange(5, dtype="float32"), (1, 1, 5, 1))
        >>> [float(v) for v in keras.ops.reshape(layer(image), (-1,))]
        [1.0, 1.5, 2.0, 2.5, 3.0]

    Differences from Keras: a model that holds the layer is compiled with XLA; see also
    `kerasdl.ops.image.affine_transform`.
    """

    _BOXES_OF_ONE_IMAGE_AS_BATCH = True

    def __init__(
        self,
        height_factor,
        width_factor=None,
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
        # -1 would be zoom 0: every pixel from one point
        self.height_range = factor_range("height_factor", height_factor, -1.0, 1.0, True)
        self.width_range = None
        if width_factor is not None:
            self.width_range = factor_range("width_factor", width_factor, -1.0, 1.0, True)

    def get_random_transformation(self, data, training=True, seed=None):
        """Draw $z_y$ and $z_x$, (B, 1)."""
        if not training:
            return None
        shape = self.shape_of(data)
        ones = (shape[0] if len(shape) == 4 else 1, 1)
        lower, upper = self.height_range
        height_zoom = width_zoom = self.draw(ones, 1.0 + lower, 1.0 + upper, seed)
        if self.width_range is not None:
            lower, upper = self.width_range
            width_zoom = self.draw(ones, 1.0 + lower, 1.0 + upper, seed)
        return {"height_zoom": height_zoom, "width_zoom": width_zoom, "input_shape": shape}

    def transform(self, transformation, height, width):
        """Return the map for the factors that were drawn."""
        ops = self.ops
        height_zoom = ops.cast(transformation["height_zoom"], "float32")[:, 0]
        width_zoom = ops.cast(transformation["width_zoom"], "float32")[:, 0]
        return image.zoom(height_zoom, width_zoom, height, width, ops)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "height_factor": self.height_factor,
            "width_factor": self.width_factor,
        }
