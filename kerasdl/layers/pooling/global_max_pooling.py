"""Global max pooling: the strongest response of each channel."""

import keras

from kerasdl.layers.pooling.base import GlobalPooling
from kerasdl.ops.global_pooling import global_max_pooling

_register = keras.saving.register_keras_serializable(package="kerasdl")


@_register
class GlobalMaxPooling1D(GlobalPooling):
    r"""Keep the largest number of each channel over all steps of a sequence.

    $$y_{b,c} = \max_i x_{b,i,c}$$

    Args:
        data_format: `"channels_last"`, `"channels_first"`, or `None` for
            `keras.config.image_data_format()`.
        keepdims: Whether the pooled axes stay, with size 1.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, T, C), or (B, C, T) with `"channels_first"`.

    Returns:
        Tensor (B, C).

    Source:
        Oquab et al., 2015, Is object localization for free?, section 3.

    Example:
        >>> y = GlobalMaxPooling1D()(keras.ops.ones((1, 4, 3)))
        >>> tuple(y.shape), round(float(y[0, 0]), 4)
        ((1, 3), 1.0)

    Differences from Keras: none.
    """

    rank = 1
    function = global_max_pooling


@_register
class GlobalMaxPooling2D(GlobalPooling):
    r"""Keep the largest number of each channel over all rows and columns of a picture.

    $$y_{b,c} = \max_i x_{b,i,c}$$

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
        Oquab et al., 2015, Is object localization for free?, section 3.

    Example:
        >>> y = GlobalMaxPooling2D()(keras.ops.ones((1, 2, 2, 3)))
        >>> tuple(y.shape), round(float(y[0, 0]), 4)
        ((1, 3), 1.0)

    Differences from Keras: none.
    """

    rank = 2
    function = global_max_pooling


@_register
class GlobalMaxPooling3D(GlobalPooling):
    r"""Keep the largest number of each channel over all planes, rows and columns of a volume.

    $$y_{b,c} = \max_i x_{b,i,c}$$

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
        Oquab et al., 2015, Is object localization for free?, section 3.

    Example:
        >>> y = GlobalMaxPooling3D()(keras.ops.ones((1, 2, 2, 2, 3)))
        >>> tuple(y.shape), round(float(y[0, 0]), 4)
        ((1, 3), 1.0)

    Differences from Keras: none.
    """

    rank = 3
    function = global_max_pooling
