"""The softmax, with a mask or without: its equation, and the same with fewer passes over memory."""

import functools
import math

from keras import ops
from keras.utils import standardize_dtype

from kerasdl.backend import fuse, hand_derived_in_graphs

# From so many scores on, one kernel made by XLA is faster than the operations of a TensorFlow graph
# (forwards and backwards, beside other work on two cores: 0.30 ms beside 0.24 ms at 1,000 scores,
# 1.15 and 1.26 at 150,000, 2.3 and 4.5 at 400,000). Of a batch of unknown size 32 examples are
# assumed. What else is not known is a length: those are many, a kernel would be made for each.
_FUSED_FROM = 1 << 16
_EXAMPLES = 32


def softmax_equation(x, mask=None, axis=-1):
    r"""Softmax over what a mask keeps, its gradient left to the backend.

    $$p_k = \frac{\mu_k\, e^{x_k - m}}{\sum_j \mu_j\, e^{x_j - m}}, \qquad
      \mu_k \in \{0, 1\}, \quad m = \max_{k:\,\mu_k = 1} x_k$$

    Where nothing is kept the quotient is 0/0; it is defined as 0, so neither the value nor the
    gradient is ever NaN.

    Args:
        x: Tensor of scores.
        mask: Booleans $\mu$ that broadcast to `x`, or `None` to keep everything.
        axis: Axis or axes over which the result sums to 1; `None` for all.

    Returns:
        A tensor of the shape and dtype of `x`.

    Example:
        >>> p = softmax_equation(ops.array([1.0, 1.0, 9.0]), ops.array([True, True, False]))
        >>> [float(v) for v in p]
        [0.5, 0.5, 0.0]
    """
    if mask is None:
        m = ops.stop_gradient(ops.max(x, axis=axis, keepdims=True))
        e = ops.exp(x - m)
        return e / ops.sum(e, axis=axis, keepdims=True)
    # A finite stand-in for minus infinity: exp(-inf - -inf) would be NaN in an empty row.
    lowest = ops.cast(-6e4 if standardize_dtype(x.dtype) == "float16" else -1e38, x.dtype)
    x = ops.where(mask, x, lowest)
    m = ops.stop_gradient(ops.max(x, axis=axis, keepdims=True))
    e = ops.where(mask, ops.exp(x - m), ops.zeros_like(x))
    total = ops.sum(e, axis=axis, keepdims=True)
    # 0/1 in an empty row. (Not maximum(total, 1): a row that keeps one key has total 1 exactly,
    # and JAX halves the gradient of a maximum at a tie.)
    return e / ops.where(total == 0, ops.ones_like(total), total)


def fast_softmax(x, mask=None, axis=-1):
    r"""`softmax_equation`; on TensorFlow with the gradient that is derived by hand.

    $$\bar x = p \odot \left(\bar p - \textstyle\sum_k \bar p_k p_k\right)$$

    The mask needs no mention: what it leaves out has $p_k = 0$. In graphs, many scores are one
    kernel forwards and one backwards.

    Example:
        >>> [float(v) for v in fast_softmax(ops.array([1.0, 1.0]))]
        [0.5, 0.5]
    """
    axis = tuple(axis) if isinstance(axis, list) else axis
    tensors = [ops.convert_to_tensor(x)]
    if mask is not None:
        tensors.append(ops.cast(mask, "bool"))
    return _softmax(axis, _are_many(tensors[0]))(*tensors)


def _are_many(x):
    if getattr(x.shape, "rank", 0) is None:  # a tensor of TensorFlow of which nothing is known
        return False
    batch, *sizes = [*x.shape] or [1]
    if None in sizes:
        return False
    return math.prod([_EXAMPLES if batch is None else batch, *sizes]) >= _FUSED_FROM


@functools.cache  # `fuse` compiles a function once that is handed in again
def _softmax(axis, many):
    def equation(x, mask=None):
        return softmax_equation(x, mask, axis)

    def backward(p, dp):
        return p * (dp - ops.sum(dp * p, axis=axis, keepdims=True))

    def call(function, *tensors):
        return fuse(function, *tensors) if many else function(*tensors)

    def by_hand(x, *mask):
        p = call(equation, x, *mask)
        return p, lambda dp: (call(backward, p, dp), *(None for _ in mask))

    return hand_derived_in_graphs(equation, by_hand)
