"""Global average pooling: the mean of each channel."""

import keras

from kerasdl.layers.pooling.base import GlobalPooling
from kerasdl.ops.global_pooling import global_average_pooling

_register = keras.saving.register_keras_serializable(package="kerasdl")


@_register
class GlobalAveragePooling1D(GlobalPooling):
    r"""Take the mean of each channel over all steps of a sequence.

    $$y_{b,c} = \frac{\sum_t m_{b,t} \, x_{b,t,c}}{\sum_t m_{b,t}}$$

    Args:
        data_format: `"channels_last"`, `"channels_first"`, or `None` for
            `keras.config.image_data_format()`.
        keepdims: Whether the pooled axes stay, with size 1.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, T, C), or (B, C, T) with `"channels_first"`.
        mask: $m$ (B, T), True for steps that count; all of them if `None`.

    Returns:
        Tensor (B, C). The mask ends here.

    Source:
        Lin et al., 2014, Network in network, section 3.2.

    Example:
        >>> y = GlobalAveragePooling1D()(keras.ops.ones((1, 4, 3)))
        >>> tuple(y.shape), round(float(y[0, 0]), 4)
        ((1, 3), 1.0)

    Differences from Keras: a sequence without any step that counts gives 0, not NaN;
    float64 is computed in float64 on JAX, too.
    """

    rank = 1
    function = global_average_pooling

    def __init__(self, data_format=None, keepdims=False, **kwargs):
        super().__init__(data_format, keepdims, **kwargs)
        self.supports_masking = True

    def call(self, inputs, mask=None):
        """Take the mean over the steps that count."""
        return global_average_pooling(inputs, self.data_format, self.keepdims, mask)

    def compute_mask(self, inputs, mask=None):
        """Return `None`: there are no steps any more."""
        return None


@_register
class GlobalAveragePooling2D(GlobalPooling):
    r"""Take the mean of each channel over all rows and columns of a picture.

    $$y_{b,c} = \frac{1}{n} \sum_i x_{b,i,c}$$

    Args:
        data_format: `"channels_last"`, `"channels_first"`, or `None` for
            `keras.config.image_data_format()`.
        keepdims: Whether the pooled axes stay, with size 1.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, H, W, C), or (B, C, H, W) with `"channels_first"`.

    Returns:
        Tensor (B, C).

    Source:
        Lin et al., 2014, Network in network, section 3.2.

    Example:
        >>> y = GlobalAveragePooling2D()(keras.ops.ones((1, 2, 2, 3)))
        >>> tuple(y.shape), round(float(y[0, 0]), 4)
        ((1, 3), 1.0)

    Differences from Keras: float64 is computed in float64 on JAX, too.
    """

    rank = 2
    function = global_average_pooling


@_register
class GlobalAveragePooling3D(GlobalPooling):
    r"""Take the mean of each channel over all planes, rows and columns of a volume.

    $$y_{b,c} = \frac{1}{n} \sum_i x_{b,i,c}$$

    Args:
        data_format: `"channels_last"`, `"channels_first"`, or `None` for
            `keras.config.image_data_format()`.
        keepdims: Whether the pooled axes stay, with size 1.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, D, H, W, C), or (B, C, D, H, W) with `"channels_first"`.

    Returns:
        Tensor (B, C).

    Source:
        Lin et al., 2014, Network in network, section 3.2.

    Example:
        >>> y = GlobalAveragePooling3D()(keras.ops.ones((1, 2, 2, 2, 3)))
        >>> tuple(y.shape), round(float(y[0, 0]), 4)
        ((1, 3), 1.0)

    Differences from Keras: float64 is computed in float64 on JAX, too.
    """

    rank = 3
    function = global_average_pooling
