"""Global L2-norm pooling: the Euclidean length of each channel."""

import keras

from kerasdl.layers.pooling.base import GlobalPooling
from kerasdl.ops.global_pooling import global_l2_norm_pooling

_register = keras.saving.register_keras_serializable(package="kerasdl")


@_register
class GlobalL2NormPooling1D(GlobalPooling):
    r"""Take the Euclidean length of each channel over all steps of a sequence.

    $$y_{b,c} = \Big( \sum_i x_{b,i,c}^2 \Big)^{1/2}$$

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
        Sermanet et al., 2012, Convolutional neural networks applied to house numbers digit
        classification (Lp pooling with P = 2), here over one window.

    Example:
        >>> y = GlobalL2NormPooling1D()(keras.ops.ones((1, 4, 3)))
        >>> tuple(y.shape), round(float(y[0, 0]), 4)
        ((1, 3), 2.0)

    Differences from Keras: no counterpart there.
    """

    rank = 1
    function = global_l2_norm_pooling


@_register
class GlobalL2NormPooling2D(GlobalPooling):
    r"""Take the Euclidean length of each channel over all rows and columns of a picture.

    $$y_{b,c} = \Big( \sum_i x_{b,i,c}^2 \Big)^{1/2}$$

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
        Sermanet et al., 2012, Convolutional neural networks applied to house numbers digit
        classification (Lp pooling with P = 2), here over one window.

    Example:
        >>> y = GlobalL2NormPooling2D()(keras.ops.ones((1, 2, 2, 3)))
        >>> tuple(y.shape), round(float(y[0, 0]), 4)
        ((1, 3), 2.0)

    Differences from Keras: no counterpart there.
    """

    rank = 2
    function = global_l2_norm_pooling


@_register
class GlobalL2NormPooling3D(GlobalPooling):
    r"""Take the Euclidean length of each channel over all planes, rows and columns of a volume.

    $$y_{b,c} = \Big( \sum_i x_{b,i,c}^2 \Big)^{1/2}$$

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
        Sermanet et al., 2012, Convolutional neural networks applied to house numbers digit
        classification (Lp pooling with P = 2), here over one window.

    Example:
        >>> y = GlobalL2NormPooling3D()(keras.ops.ones((1, 2, 2, 2, 3)))
        >>> tuple(y.shape), round(float(y[0, 0]), 4)
        ((1, 3), 2.8284)

    Differences from Keras: no counterpart there.
    """

    rank = 3
    function = global_l2_norm_pooling
