"""Average pooling: the mean of each window."""

import keras

from kerasdl.layers.pooling.base import WindowPooling
from kerasdl.ops.pooling import average_pooling

_register = keras.saving.register_keras_serializable(package="kerasdl")


@_register
class AveragePooling1D(WindowPooling):
    r"""Take the mean of each window along steps of a sequence.

    $$y_{b,i,c} = \frac{1}{n} \sum_{k < F} x_{b,\, i s + k - p,\, c}$$

    $n$ counts the numbers inside the input: those outside neither add nor count.

    Args:
        pool_size: $F$, an integer.
        strides: $s$, likewise; `pool_size` if `None`.
        padding: `"valid"`, only windows within the input, or `"same"`, $\lceil L / s \rceil$
            windows for $L$ numbers, padded by $p$ before and the odd one behind.
        data_format: `"channels_last"`, `"channels_first"`, or `None` for
            `keras.config.image_data_format()`.
        name: Name of the layer.
        **kwargs: `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, T, C), or (B, C, T) with `"channels_first"`.

    Returns:
        Tensor of the same order of axes, with $\lfloor (L - F) / s \rfloor + 1$ positions an axis
        for `"valid"`.

    Raises:
        ValueError: If an argument is out of its range, or the window does not fit the input.

    Source:
        LeCun et al., 1998, Gradient-based learning applied to document recognition, section II.A.
        Goodfellow et al., 2016, Deep Learning, section 9.3.

    Example:
        >>> x = keras.ops.reshape(keras.ops.arange(4.0), (1, 4, 1))
        >>> y = AveragePooling1D(2)(x)
        >>> [float(v) for v in keras.ops.reshape(y, (-1,))]
        [0.5, 2.5]

    Differences from Keras: see `kerasdl.ops.average_pooling`.
    """

    rank = 1
    function = average_pooling

    def __init__(
        self,
        pool_size,
        strides=None,
        padding="valid",
        data_format=None,
        name=None,
        **kwargs,
    ):
        super().__init__(pool_size, strides, padding, data_format, name=name, **kwargs)


@_register
class AveragePooling2D(WindowPooling):
    r"""Take the mean of each window along rows and columns of a picture.

    $$y_{b,i,j,c} = \frac{1}{n} \sum_{k, l < F} x_{b,\, i s + k - p,\, j s + l - p,\, c}$$

    $n$ counts the numbers inside the input: those outside neither add nor count.

    Args:
        pool_size: $F$, an integer or two.
        strides: $s$, likewise; `pool_size` if `None`.
        padding: `"valid"`, only windows within the input, or `"same"`, $\lceil L / s \rceil$
            windows for $L$ numbers, padded by $p$ before and the odd one behind.
        data_format: `"channels_last"`, `"channels_first"`, or `None` for
            `keras.config.image_data_format()`.
        name: Name of the layer.
        **kwargs: `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, H, W, C), or (B, C, H, W) with `"channels_first"`.

    Returns:
        Tensor of the same order of axes, with $\lfloor (L - F) / s \rfloor + 1$ positions an axis
        for `"valid"`.

    Raises:
        ValueError: If an argument is out of its range, or the window does not fit the input.

    Source:
        LeCun et al., 1998, Gradient-based learning applied to document recognition, section II.A.
        Goodfellow et al., 2016, Deep Learning, section 9.3.

    Example:
        >>> x = keras.ops.reshape(keras.ops.arange(16.0), (1, 4, 4, 1))
        >>> y = AveragePooling2D(2)(x)
        >>> [float(v) for v in keras.ops.reshape(y, (-1,))]
        [2.5, 4.5, 10.5, 12.5]

    Differences from Keras: see `kerasdl.ops.average_pooling`.
    """

    rank = 2
    function = average_pooling

    def __init__(
        self,
        pool_size,
        strides=None,
        padding="valid",
        data_format=None,
        name=None,
        **kwargs,
    ):
        super().__init__(pool_size, strides, padding, data_format, name=name, **kwargs)


@_register
class AveragePooling3D(WindowPooling):
    r"""Take the mean of each window along planes, rows and columns of a volume.

    $$y_{b,h,i,j,c} = \frac{1}{n}
      \sum_{k, l, m < F} x_{b,\, h s + k - p,\, i s + l - p,\, j s + m - p,\, c}$$

    $n$ counts the numbers inside the input: those outside neither add nor count.

    Args:
        pool_size: $F$, an integer or three.
        strides: $s$, likewise; `pool_size` if `None`.
        padding: `"valid"`, only windows within the input, or `"same"`, $\lceil L / s \rceil$
            windows for $L$ numbers, padded by $p$ before and the odd one behind.
        data_format: `"channels_last"`, `"channels_first"`, or `None` for
            `keras.config.image_data_format()`.
        name: Name of the layer.
        **kwargs: `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, D, H, W, C), or (B, C, D, H, W) with `"channels_first"`.

    Returns:
        Tensor of the same order of axes, with $\lfloor (L - F) / s \rfloor + 1$ positions an axis
        for `"valid"`.

    Raises:
        ValueError: If an argument is out of its range, or the window does not fit the input.

    Source:
        LeCun et al., 1998, Gradient-based learning applied to document recognition, section II.A.
        Goodfellow et al., 2016, Deep Learning, section 9.3.

    Example:
        >>> x = keras.ops.reshape(keras.ops.arange(8.0), (1, 2, 2, 2, 1))
        >>> y = AveragePooling3D(2)(x)
        >>> [float(v) for v in keras.ops.reshape(y, (-1,))]
        [3.5]

    Differences from Keras: see `kerasdl.ops.average_pooling`.
    """

    rank = 3
    function = average_pooling

    def __init__(
        self,
        pool_size,
        strides=None,
        padding="valid",
        data_format=None,
        name=None,
        **kwargs,
    ):
        super().__init__(pool_size, strides, padding, data_format, name=name, **kwargs)
