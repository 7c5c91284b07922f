"""Numbers kept within limits, in their own precision.

On JAX and PyTorch `keras.ops.maximum`, `minimum` and `clip` compute float64 in float32 (Keras
halves the type of the result), which is off by up to 6e-8. Names that hide one of `keras.ops` are
not handed on to `kerasdl.ops`.
"""

from keras import ops
from keras.utils import standardize_dtype


def maximum(a, b):
    """Take the larger of two numbers, in their own precision; NaN if one is.

    The gradient at a tie is the backend's: TensorFlow gives it to `a`, JAX and PyTorch give a half
    to each.

    Args:
        a: Tensor, dense or sparse, or a number.
        b: Tensor that broadcasts with it, or a number; not both.

    Returns:
        A tensor, sparse if both are.

    Example:
        >>> [float(v) for v in maximum(ops.array([1.0, 4.0]), ops.array([3.0, 2.0]))]
        [3.0, 4.0]

    Differences from Keras: float64 stays float64 on JAX and PyTorch (there, a tie gives all to
    `a`).
    """
    a, b = _as_tensor(a, b), _as_tensor(b, a)
    larger = ops.maximum(a, b)
    if not _was_rounded(larger, a, b):
        return larger
    a, b = _dense(a), _dense(b)
    return ops.where(ops.logical_or(a >= b, ops.isnan(a)), a, b)


def minimum(a, b):
    """Take the smaller of two numbers, in their own precision; NaN if one is.

    Args, returns and gradient as for `maximum`.

    Example:
        >>> [float(v) for v in minimum(ops.array([1.0, 4.0]), ops.array([3.0, 2.0]))]
        [1.0, 2.0]
    """
    a, b = _as_tensor(a, b), _as_tensor(b, a)
    smaller = ops.minimum(a, b)
    if not _was_rounded(smaller, a, b):
        return smaller
    a, b = _dense(a), _dense(b)
    return ops.where(ops.logical_or(a <= b, ops.isnan(a)), a, b)


def clip(x, low, high):
    """Keep values in [low, high], in their own precision; NaN stays.

    Args:
        x: Tensor.
        low: Number.
        high: Number.

    Returns:
        A tensor of the same shape.

    Example:
        >>> [float(v) for v in clip(ops.array([-1.0, 0.5, 3.0]), 0.0, 1.0)]
        [0.0, 0.5, 1.0]
    """
    x = ops.convert_to_tensor(x)
    if standardize_dtype(x.dtype) != "float64":
        return ops.clip(x, low, high)
    low, high = _as_tensor(low, x), _as_tensor(high, x)
    return ops.where(x < low, low, ops.where(x > high, high, x))


def _as_tensor(value, like):
    """Return a number as a tensor of another's type; a tensor as it is."""
    return value if hasattr(value, "dtype") else ops.convert_to_tensor(value, dtype=like.dtype)


def _was_rounded(y, *tensors):
    dtypes = {standardize_dtype(t.dtype) for t in tensors}
    return "float64" in dtypes and standardize_dtype(y.dtype) != "float64"


def _dense(x):
    return ops.convert_to_tensor(x, sparse=False)
