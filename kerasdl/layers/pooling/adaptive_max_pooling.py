"""Adaptive max pooling: the largest number of each of a given number of windows."""

import keras

from kerasdl.layers.pooling.base import AdaptivePooling
from kerasdl.ops.adaptive_pooling import adaptive_max_pooling

_register = keras.saving.register_keras_serializable(package="kerasdl")


@_register
class AdaptiveMaxPooling1D(AdaptivePooling):
    r"""Keep the largest number of each of a given number of windows of a sequence.

    $$y_{b,i,c} = \max_{j \in W_i} x_{b,j,c}$$

    with $W_i = [\lfloor i n / m \rfloor, \lceil (i + 1) n / m \rceil)$ for $n$ numbers.

    Args:
        output_size: $m$, an integer.
        data_format: `"channels_last"`, `"channels_first"`, or `None` for
            `keras.config.image_data_format()`.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, T, C), or (B, C, T) with `"channels_first"`.

    Returns:
        Tensor (B, m, C), or (B, C, m).

    Raises:
        ValueError: If an argument is out of its range.

    Source:
        He et al., 2015, Spatial pyramid pooling in deep convolutional networks, section 2.2.

    Example:
        >>> x = keras.ops.reshape(keras.ops.arange(5.0), (1, 5, 1))
        >>> y = AdaptiveMaxPooling1D(2)(x)
        >>> [float(v) for v in keras.ops.reshape(y, (-1,))]
        [2.0, 4.0]

    Differences from Keras: see `kerasdl.ops.adaptive_max_pooling`.
    """

    rank = 1
    function = adaptive_max_pooling


@_register
class AdaptiveMaxPooling2D(AdaptivePooling):
    r"""Keep the largest number of each of a given number of windows of a picture.

    $$y_{b,h,w,c} = \max_{k \in W_h,\, l \in W_w} x_{b,k,l,c}$$

    with $W_i = [\lfloor i n / m \rfloor, \lceil (i + 1) n / m \rceil)$ for $n$ numbers, on
    each axis.

    Args:
        output_size: $m$, an integer or two.
        data_format: `"channels_last"`, `"channels_first"`, or `None` for
            `keras.config.image_data_format()`.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, H, W, C), or (B, C, H, W) with `"channels_first"`.

    Returns:
        Tensor (B, m, m, C), or (B, C, m, m).

    Raises:
        ValueError: If an argument is out of its range.

    Source:
        He et al., 2015, Spatial pyramid pooling in deep convolutional networks, section 2.2.

    Example:
        >>> x = keras.ops.reshape(keras.ops.arange(9.0), (1, 3, 3, 1))
        >>> y = AdaptiveMaxPooling2D(2)(x)
        >>> [float(v) for v in keras.ops.reshape(y, (-1,))]
        [4.0, 5.0, 7.0, 8.0]

    Differences from Keras: see `kerasdl.ops.adaptive_max_pooling`.
    """

    rank = 2
    function = adaptive_max_pooling


@_register
class AdaptiveMaxPooling3D(AdaptivePooling):
    r"""Keep the largest number of each of a given number of windows of a volume.

    $$y_{b,d,h,w,c} = \max_{j \in W_d,\, k \in W_h,\, l \in W_w} x_{b,j,k,l,c}$$

    with $W_i = [\lfloor i n / m \rfloor, \lceil (i + 1) n / m \rceil)$ for $n$ numbers, on
    each axis.

    Args:
        output_size: $m$, an integer or three.
        data_format: `"channels_last"`, `"channels_first"`, or `None` for
            `keras.config.image_data_format()`.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, D, H, W, C), or (B, C, D, H, W) with `"channels_first"`.

    Returns:
        Tensor (B, m, m, m, C), or (B, C, m, m, m).

    Raises:
        ValueError: If an argument is out of its range.

    Source:
        He et al., 2015, Spatial pyramid pooling in deep convolutional networks, section 2.2.

    Example:
        >>> x = keras.ops.reshape(keras.ops.arange(3.0), (1, 3, 1, 1, 1))
        >>> y = AdaptiveMaxPooling3D(2)(x)
        >>> [float(v) for v in keras.ops.reshape(y, (-1,))]
        [1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0]

    Differences from Keras: see `kerasdl.ops.adaptive_max_pooling`.
    """

    rank = 3
    function = adaptive_max_pooling
