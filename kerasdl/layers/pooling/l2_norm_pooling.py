"""L2-norm pooling: the Euclidean length of each window."""

import keras

from kerasdl.layers.pooling.base import WindowPooling
from kerasdl.ops.pooling import l2_norm_pooling

_register = keras.saving.register_keras_serializable(package="kerasdl")


@_register
class L2NormPooling1D(WindowPooling):
    r"""Take the Euclidean length of each window along steps of a sequence.

    $$y_{b,i,c} = \Big( \sum_{k < F} x_{b,\, i s + k - p,\, c}^2 \Big)^{1/2}$$

    The root of the sum of the squares, not of their mean: PyTorch's `LPPool` with norm 2. Numbers
    outside the input count as 0. A window of zeros sends back 0.

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
        Goodfellow et al., 2016, Deep Learning, section 9.3. Sermanet et al., 2012, Convolutional
        neural networks applied to house numbers digit classification (Lp pooling with P = 2).

    Example:
        >>> y = L2NormPooling1D(2)(keras.ops.ones((1, 2, 1)))
        >>> round(float(y[0, 0, 0]), 4)
        1.4142

    Differences from Keras: no counterpart there. From the paper: the taps have equal weights.
    """

    rank = 1
    function = l2_norm_pooling

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
class L2NormPooling2D(WindowPooling):
    r"""Take the Euclidean length of each window along rows and columns of a picture.

    $$y_{b,i,j,c} = \Big( \sum_{k, l < F} x_{b,\, i s + k - p,\, j s + l - p,\, c}^2 \Big)^{1/2}$$

    The root of the sum of the squares, not of their mean: PyTorch's `LPPool` with norm 2. Numbers
    outside the input count as 0. A window of zeros sends back 0.

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
        Goodfellow et al., 2016, Deep Learning, section 9.3. Sermanet et al., 2012, Convolutional
        neural networks applied to house numbers digit classification (Lp pooling with P = 2).

    Example:
        >>> y = L2NormPooling2D(2)(keras.ops.ones((1, 2, 2, 1)))
        >>> round(float(y[0, 0, 0, 0]), 4)
        2.0

    Differences from Keras: no counterpart there. From the paper: the taps have equal weights.
    """

    rank = 2
    function = l2_norm_pooling

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
class L2NormPooling3D(WindowPooling):
    r"""Take the Euclidean length of each window along planes, rows and columns of a volume.

    $$y_{b,h,i,j,c} = \Big(
      \sum_{k, l, m < F} x_{b,\, h s + k - p,\, i s + l - p,\, j s + m - p,\, c}^2 \Big)^{1/2}$$

    The root of the sum of the squares, not of their mean: PyTorch's `LPPool` with norm 2. Numbers
    outside the input count as 0. A window of zeros sends back 0.

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
        Goodfellow et al., 2016, Deep Learning, section 9.3. Sermanet et al., 2012, Convolutional
        neural networks applied to house numbers digit classification (Lp pooling with P = 2).

    Example:
        >>> y = L2NormPooling3D(2)(keras.ops.ones((1, 2, 2, 2, 1)))
        >>> round(float(y[0, 0, 0, 0, 0]), 4)
        2.8284

    Differences from Keras: no counterpart there. From the paper: the taps have equal weights.
    """

    rank = 3
    function = l2_norm_pooling

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
