"""Random rotations."""

import keras

from kerasdl.layers.preprocessing.base import AffineLayer
from kerasdl.ops import image


@keras.saving.register_keras_serializable(package="kerasdl")
class RandomRotation(AffineLayer):
    r"""Turn each image by a random angle while training.

    $$g(u) = \tilde f\big(R_\theta (u - c) + c\big), \qquad
      \theta \sim \mathcal U(2\pi\, \mathrm{lower},\; 2\pi\, \mathrm{upper})$$

    with the centre $c$ of the image; see `kerasdl.ops.image.rotation`. At inference $g = f$.

    Args:
        factor: Bounds of the angle as shares of a full turn: (lower, upper), or one number for
            both directions. Positive is counter-clockwise.
        fill_mode: What stands beyond the edges: "reflect", "wrap", "constant" or "nearest".
        interpolation: "bilinear" or "nearest".
        seed: Integer; the same seed gives the same sequence of draws.
        fill_value: The value of "constant".
        data_format: "channels_last", "channels_first", or `None` for Keras' default.
        **kwargs: `bounding_box_format`; `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Images (B, H, W, C) or (H, W, C); or a dictionary with "images" and any of
            "labels", "bounding_boxes", "segmentation_masks".
        training: Whether to turn.

    Returns:
        What came in, images in the layer's dtype.

    Raises:
        ValueError: If an argument is out of its range.

    Source:
        Simard et al., 2003, Best Practices for Convolutional Neural Networks, section 2.

    Example:
        >>> layer = RandomRotation((0.25, 0.25))
        >>> image = keras.ops.reshape(keras.ops.arange(4, dtype="float32"), (1, 2, 2, 1))
        >>> [round(float(v), 3) + 0.0 for v in keras.ops.reshape(layer(image), (-1,))]
        [1.0, 3.0, 0.0, 2.0]

    Differences from Keras: boxes of every format are turned (Keras takes them for "xyxy"); a model
    that holds the layer is compiled with XLA; see also `kerasdl.ops.image.affine_transform`.
    """

    _USE_BASE_FACTOR = True

    def __init__(
        self,
        factor,
        fill_mode="reflect",
        interpolation="bilinear",
        seed=None,
        fill_value=0.0,
        data_format=None,
        **kwargs,
    ):
        super().__init__(
            fill_mode,
            interpolation,
            seed,
            fill_value,
            factor=factor,
            data_format=data_format,
            **kwargs,
        )

    def get_random_transformation(self, data, training=True, seed=None):
        """Draw the angles, in degrees, and make the maps."""
        if not training:
            return None
        shape = self.shape_of(data)
        batch = shape[0] if len(shape) == 4 else 1
        height, width = self.size_of(shape)
        lower, upper = self.factor
        angle = self.draw((batch,), lower * 360.0, upper * 360.0, seed)
        matrix = image.rotation(angle, height, width, self.ops)
        return {
            "angle": angle,
            "rotation_matrix": matrix if len(shape) == 4 else matrix[0],
            "image_height": height,
            "image_width": width,
            "batch_size": batch,
        }

    def transform(self, transformation, height, width):
        """Return the map that was drawn."""
        return transformation["rotation_matrix"]

    def boxes_size(self, transformation):
        """Return height and width of the image that the boxes belong to."""
        return transformation["image_height"], transformation["image_width"]

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "factor": self.factor}
