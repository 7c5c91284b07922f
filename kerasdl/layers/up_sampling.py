"""Pictures with more pixels."""

import keras

from kerasdl.layers.borders import SpatialLayer
from kerasdl.layers.conv_arguments import integers, one_of
from kerasdl.ops.image.upsample import INTERPOLATIONS, upsample


@keras.saving.register_keras_serializable(package="kerasdl")
class UpSampling2D(SpatialLayer):
    r"""Repeat each pixel along rows and columns, or interpolate between the pixels.

    $$y_{h,w} = x_{\lfloor h / s_h \rfloor,\, \lfloor w / s_w \rfloor}$$

    for "nearest"; for the others see `kerasdl.ops.image.upsample`.

    Args:
        size: $(s_h, s_w)$, or one integer for both.
        data_format: "channels_last" or "channels_first".
        interpolation: "nearest", "bilinear", "bicubic", "lanczos3" or "lanczos5".
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, H, W, C), or (B, C, H, W).

    Returns:
        Tensor (B, s_h·H, s_w·W, C), or (B, C, s_h·H, s_w·W).

    Raises:
        ValueError: If `size` is not two positive integers, or `interpolation` none of these.

    Source:
        Odena et al., 2016, Deconvolution and checkerboard artifacts (in place of a transposed
        convolution). Keys, 1981, Cubic convolution interpolation for digital image processing.

    Example:
        >>> tuple(UpSampling2D((2, 3))(keras.ops.ones((2, 4, 5, 3))).shape)
        (2, 8, 15, 3)

    Differences from Keras: see `kerasdl.ops.image.upsample`; an unknown interpolation is refused
    when the layer is made.
    """

    rank = 2

    def __init__(self, size=(2, 2), data_format=None, interpolation="nearest", **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        self.size = integers("size", size, 2)
        self.interpolation = one_of("interpolation", str(interpolation).lower(), INTERPOLATIONS)

    def call(self, inputs):
        """Interpolate."""
        return upsample(inputs, self.size, self.interpolation, self.data_format)

    def compute_output_shape(self, input_shape):
        """Return the shape with the sizes multiplied."""
        return self.with_sizes(input_shape, lambda i, n: n * self.size[i])

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "size": self.size,
            "data_format": self.data_format,
            "interpolation": self.interpolation,
        }
