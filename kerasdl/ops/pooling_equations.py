"""Pooling read off its definition: what each tap of the window sees, and one operation to join it.

These are what the quick forms in `kerasdl.ops.pooling` are held to.
"""

import functools
import math

from keras import ops

from kerasdl.ops.limits import maximum
from kerasdl.ops.shapes import conv_padding
from kerasdl.ops.windows import Window, seen_by


def max_pooling_equation(x, pool_size, strides=None, padding="valid"):
    r"""Take the largest number of each window.

    $$y_{b,i,c} = \max_{k \in [0, F)^d} x_{b,\, i s + k - p,\, c}$$

    Numbers outside the input count as $-\infty$.

    Args:
        x: Tensor (B, spatial…, C).
        pool_size: $F$ of each axis.
        strides: $s$ of each axis; `pool_size` if `None`.
        padding: `"valid"` or `"same"`.

    Returns:
        Tensor (B, positions…, C).

    Example:
        >>> x = ops.reshape(ops.array([1.0, 3.0, 2.0, 4.0]), (1, 4, 1))
        >>> [float(v) for v in max_pooling_equation(x, (2,))[0, :, 0]]
        [3.0, 4.0]
    """
    return functools.reduce(maximum, _seen(x, pool_size, strides, padding, -math.inf))


def average_pooling_equation(x, pool_size, strides=None, padding="valid"):
    r"""Take the mean of each window.

    $$y_{b,i,c} = \frac{1}{n_i} \sum_{k \in [0, F)^d} x_{b,\, i s + k - p,\, c}$$

    with $n_i$ the number of taps inside the input: zeros of the padding are not counted.

    Args and returns as for `max_pooling_equation`.

    Example:
        >>> x = ops.reshape(ops.array([1.0, 3.0, 5.0]), (1, 3, 1))
        >>> [float(v) for v in average_pooling_equation(x, (2,), padding="same")[0, :, 0]]
        [2.0, 5.0]
    """
    total = functools.reduce(ops.add, _seen(x, pool_size, strides, padding, 0.0))
    ones = ops.ones_like(x[:1, ..., :1])
    n = functools.reduce(ops.add, _seen(ones, pool_size, strides, padding, 0.0))
    return total / n


def l2_norm_pooling_equation(x, pool_size, strides=None, padding="valid"):
    r"""Take the Euclidean length of each window.

    $$y_{b,i,c} = \Big( \sum_{k \in [0, F)^d} x_{b,\, i s + k - p,\, c}^2 \Big)^{1/2}$$

    The root of the sum of the squares, not of their mean. Numbers outside count as 0.

    Args and returns as for `max_pooling_equation`.

    Example:
        >>> x = ops.reshape(ops.array([3.0, 4.0]), (1, 2, 1))
        >>> float(l2_norm_pooling_equation(x, (2,))[0, 0, 0])
        5.0
    """
    squares = (ops.square(v) for v in _seen(x, pool_size, strides, padding, 0.0))
    return ops.sqrt(functools.reduce(ops.add, squares))


def _seen(x, F, s, padding, outside):
    """Yield what each tap sees at all positions: a strided slice of the padded input."""
    window = Window(F, s or F, (1,) * len(F))
    sizes = ops.shape(x)[1:-1]
    amounts = [conv_padding(*a, padding) for a in zip(sizes, F, window.strides)]
    x = ops.pad(x, [(0, 0), *amounts, (0, 0)], constant_values=outside)
    return (seen_by(k, window, x) for k in window.taps)
