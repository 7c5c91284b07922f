"""Global pooling: one number for each channel, over all positions."""

import math

from keras import ops

from kerasdl.backend import with_gradient
from kerasdl.ops.pooling import check_data_format, in_floats


def global_max_pooling(x, data_format=None, keepdims=False):
    r"""Take the largest number of each channel.

    $$y_{b,c} = \max_i x_{b,i,c}$$

    The gradient is shared by equal numbers (a window of `max_pooling` gives it to the first).

    Args:
        x: Tensor (B, spatial…, C), or (B, C, spatial…) for `"channels_first"`.
        data_format: `"channels_last"`, `"channels_first"`, or `None` for
            `keras.config.image_data_format()`.
        keepdims: Whether the spatial axes stay, with size 1.

    Returns:
        Tensor (B, C).

    Source:
        Oquab et al., 2015, Is object localization for free?, section 3.

    Example:
        >>> [float(v) for v in global_max_pooling(ops.array([[[1.0, 4.0], [3.0, 2.0]]]))[0]]
        [3.0, 4.0]
    """
    x = ops.convert_to_tensor(x)
    return ops.max(x, axis=_spatial(x, data_format), keepdims=keepdims)


def global_average_pooling(x, data_format=None, keepdims=False, mask=None):
    r"""Take the mean of each channel, over all positions or those that the mask keeps.

    $$y_{b,c} = \frac{\sum_i m_{b,i} \, x_{b,i,c}}{\sum_i m_{b,i}}$$

    Args:
        x: Tensor (B, spatial…, C), or (B, C, spatial…) for `"channels_first"`. Half precision is
            summed in float32.
        data_format: As for `global_max_pooling`.
        keepdims: Whether the spatial axes stay, with size 1.
        mask: $m$, boolean (B, spatial…), True or 1 for positions that count.

    Returns:
        Tensor (B, C). An example without any position that counts gives 0.

    Source:
        Lin et al., 2014, Network in network, section 3.2.

    Example:
        >>> x = ops.array([[[1.0, 4.0], [3.0, 2.0]]])
        >>> [float(v) for v in global_average_pooling(x)[0]]
        [2.0, 3.0]
        >>> [float(v) for v in global_average_pooling(x, mask=ops.array([[True, False]]))[0]]
        [1.0, 4.0]

    Differences from Keras: an example without any position that counts gives 0, not NaN; float64 is
    computed in float64 on JAX.
    """
    x = ops.convert_to_tensor(x)
    axes = _spatial(x, data_format)

    # Σ/n and not `ops.mean`: on JAX that one computes float64 in float32.
    def average(x):
        n = math.prod(ops.shape(x)[a] for a in axes)
        total = ops.sum(x, axis=axes, keepdims=keepdims)
        return total / (n if isinstance(n, int) else ops.cast(n, x.dtype))

    def masked_average(x):
        m = ops.cast(ops.expand_dims(ops.cast(mask, "bool"), 1 if 1 not in axes else -1), x.dtype)
        kept = ops.where(ops.cast(m, "bool"), x, ops.zeros_like(x))
        n = ops.sum(m, axis=axes, keepdims=keepdims)
        total = ops.sum(kept, axis=axes, keepdims=keepdims)
        return total / ops.where(ops.equal(n, 0), ops.ones_like(n), n)

    return in_floats(average if mask is None else masked_average)(x)


def global_l2_norm_pooling(x, data_format=None, keepdims=False):
    r"""Take the Euclidean length of each channel.

    $$y_{b,c} = \Big( \sum_i x_{b,i,c}^2 \Big)^{1/2}, \qquad
      \frac{\partial L}{\partial x_{b,i,c}}
      = \frac{x_{b,i,c}}{y_{b,c}} \frac{\partial L}{\partial y_{b,c}}$$

    The root of the sum of the squares, not of their mean. A channel of zeros sends back 0.

    Args and returns as for `global_max_pooling`.

    Example:
        >>> [float(v) for v in global_l2_norm_pooling(ops.array([[[3.0], [4.0]]]))[0]]
        [5.0]
    """
    x = ops.convert_to_tensor(x)
    axes = _spatial(x, data_format)

    @with_gradient
    def norm(x):
        y = ops.sqrt(ops.sum(ops.square(x), axis=axes, keepdims=True))

        def backward(dy):
            zero = ops.equal(y, 0)
            ratio = ops.where(zero, ops.zeros_like(y), dy / ops.where(zero, ops.ones_like(y), y))
            return (x * ratio,)

        return y, backward

    y = in_floats(norm)(x)
    return y if keepdims else ops.squeeze(y, axis=axes)


def _spatial(x, data_format):
    first = check_data_format(data_format) == "channels_first"
    return tuple(range(2, len(x.shape)) if first else range(1, len(x.shape) - 1))
