"""Max pooling: the strongest response of each window."""

import keras

from kerasdl.layers.pooling.base import WindowPooling
from kerasdl.ops.pooling import max_pooling

_register = keras.saving.register_keras_serializable(package="kerasdl")


@_register
class MaxPooling1D(WindowPooling):
    r"""Keep the largest number of each window along steps of a sequence.

    $$y_{b,i,c} = \max_{k < F} x_{b,\, i s + k - p,\, c}$$

    Numbers outside the input count as $-\infty$; of equal numbers the first gets the gradient.

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
        Zhou & Chellappa, 1988, Computation of optical flow using a neural network. Goodfellow et
        al., 2016, Deep Learning, section 9.3.

    Example:
        >>> x = keras.ops.reshape(keras.ops.arange(4.0), (1, 4, 1))
        >>> y = MaxPooling1D(2)(x)
        >>> [float(v) for v in keras.ops.reshape(y, (-1,))]
        [1.0, 3.0]

    Differences from Keras: float64 in three dimensions works on TensorFlow, too.
    """

    rank = 1
    function = max_pooling

    def __init__(
        self,
        pool_size=2,
        strides=None,
        padding="valid",
        data_format=None,
        name=None,
        **kwargs,
    ):
        super().__init__(pool_size, strides, padding, data_format, name=name, **kwargs)


@_register
class MaxPooling2D(WindowPooling):
    r"""Keep the largest number of each window along rows and columns of a picture.

    $$y_{b,i,j,c} = \max_{k, l < F} x_{b,\, i s + k - p,\, j s + l - p,\, c}$$

    Numbers outside the input count as $-\infty$; of equal numbers the first gets the gradient.

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
        Zhou & Chellappa, 1988, Computation of optical flow using a neural network. Goodfellow et
        al., 2016, Deep Learning, section 9.3.

    Example:
        >>> x = keras.ops.reshape(keras.ops.arange(16.0), (1, 4, 4, 1))
        >>> y = MaxPooling2D(2)(x)
        >>> [float(v) for v in keras.ops.reshape(y, (-1,))]
        [5.0, 7.0, 13.0, 15.0]

    Differences from Keras: float64 in three dimensions works on TensorFlow, too.
    """

    rank = 2
    function = max_pooling

    def __init__(
        self,
        pool_size=(2, 2),
        strides=None,
        padding="valid",
        data_format=None,
        name=None,
        **kwargs,
    ):
        super().__init__(pool_size, strides, padding, data_format, name=name, **kwargs)


@_register
class MaxPooling3D(WindowPooling):
    r"""Keep the largest number of each window along planes, rows and columns of a volume.

    $$y_{b,h,i,j,c} = \max_{k, l, m < F} x_{b,\, h s + k - p,\, i s + l - p,\, j s + m - p,\, c}$$

    Numbers outside the input count as $-\infty$; of equal numbers the first gets the gradient.

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
        Zhou & Chellappa, 1988, Computation of optical flow using a neural network. Goodfellow et
        al., 2016, Deep Learning, section 9.3.

    Example:
        >>> x = keras.ops.reshape(keras.ops.arange(8.0), (1, 2, 2, 2, 1))
        >>> y = MaxPooling3D(2)(x)
        >>> [float(v) for v in keras.ops.reshape(y, (-1,))]
        [7.0]

    Differences from Keras: float64 in three dimensions works on TensorFlow, too.
    """

    rank = 3
    function = max_pooling

    def __init__(
        self,
        pool_size=(2, 2, 2),
        strides=None,
        padding="valid",
        data_format=None,
        name=None,
        **kwargs,
    ):
        super().__init__(pool_size, strides, padding, data_format, name=name, **kwargs)
