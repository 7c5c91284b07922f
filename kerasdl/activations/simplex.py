r"""Activations on the simplex: entries share a budget, $p_k \ge 0$ and $\sum_k p_k = 1$."""

import contextlib

import keras
from keras import ops

from kerasdl.activations.fast_softmax import fast_softmax

_register = keras.saving.register_keras_serializable(package="kerasdl")


@_register
def softmax(x, axis=-1):
    r"""Turn scores into a probability distribution.

    $$\mathrm{softmax}(x)_k = \frac{e^{x_k - m}}{\sum_j e^{x_j - m}}, \qquad m = \max_j x_j$$

    Subtracting $m$ changes nothing in the quotient and keeps the exponentials below 1. With
    $p = \mathrm{softmax}(x)$ the gradient is $\bar x = p \odot (\bar p - \sum_k \bar p_k p_k)$.

    Args:
        x: Tensor of scores (logits).
        axis: Axis, or tuple of axes, over which the result sums to 1; `None` for all.

    Returns:
        A tensor of the shape and dtype of `x`, entries in [0, 1].

    Source:
        Bridle, 1990. Goodfellow et al., 2016, Deep Learning, section 4.1 (stability).

    Example:
        >>> [round(float(p), 4) for p in softmax(ops.array([1000.0, 1000.0]))]
        [0.5, 0.5]
    """
    x = ops.convert_to_tensor(x)
    probabilities = fast_softmax(x, axis=axis)
    # Keras' convention: a cross-entropy that is given probabilities may go back to the logits.
    # (Tensor types that take no attribute leave it with the probabilities.)
    with contextlib.suppress(AttributeError):
        probabilities._keras_logits = x
        probabilities._logits_of = "softmax"
    return probabilities


@_register
def log_softmax(x, axis=-1):
    r"""Logarithm of the softmax, without taking the logarithm of a rounded 0.

    $$\log p_k = x_k - m - \log \sum_j e^{x_j - m}, \qquad m = \max_j x_j$$

    Args:
        x: Tensor of scores (logits).
        axis: Axis, or tuple of axes, over which the probabilities sum to 1; `None` for all.

    Returns:
        A tensor of the shape and dtype of `x`, entries ≤ 0.

    Source:
        Goodfellow et al., 2016, Deep Learning, section 6.2.2.3.

    Example:
        >>> [float(p) for p in log_softmax(ops.array([0.0, -1e4]))]
        [0.0, -10000.0]
    """
    x = ops.convert_to_tensor(x)
    axis = tuple(axis) if isinstance(axis, list) else axis
    m = ops.stop_gradient(ops.max(x, axis=axis, keepdims=True))
    shifted = x - m
    return shifted - ops.log(ops.sum(ops.exp(shifted), axis=axis, keepdims=True))


@_register
def sparsemax(x, axis=-1):
    r"""Nearest point of the simplex: like softmax, but small scores get exactly 0.

    $$\mathrm{sparsemax}(x)_k = \max(x_k - \tau, 0), \qquad
      \tau = \frac{\sum_{j \in S} x_j - 1}{|S|}, \qquad
      S = \{k : 1 + k\, x_{(k)} > \textstyle\sum_{j \le k} x_{(j)}\}$$

    where $x_{(1)} \ge x_{(2)} \ge \dots$ are the sorted scores. With the support $S$ the gradient
    is $\bar x_k = [k \in S]\,(\bar p_k - \frac{1}{|S|}\sum_{j \in S} \bar p_j)$.

    Args:
        x: Tensor of scores.
        axis: Axis over which the result sums to 1.

    Returns:
        A tensor of the shape and dtype of `x`, entries in [0, 1].

    Source:
        Martins and Astudillo, 2016, From Softmax to Sparsemax, algorithm 1.

    Example:
        >>> [float(p) for p in sparsemax(ops.array([2.0, 1.5, -1.0]))]
        [0.75, 0.25, 0.0]

    Differences from Keras: Keras' threshold adds up the partial sums of the whole support in place
    of taking the last, so that its result does not sum to 1 where two scores or more are kept. Here
    the largest score is subtracted first, so that scores of 1e4 lose no digits.
    """
    x = ops.convert_to_tensor(x)
    x = x - ops.stop_gradient(ops.max(x, axis=axis, keepdims=True))
    # Which scores are in the support is found without a gradient; τ is then a plain mean over it.
    sorted_x = -ops.sort(-ops.stop_gradient(x), axis=axis)
    n = x.shape[axis] if x.shape[axis] is not None else ops.shape(x)[axis]
    shape = [1] * len(x.shape)
    shape[axis] = -1
    k = ops.reshape(ops.cast(ops.arange(1, n + 1), x.dtype), shape)
    partial_sums = ops.cast(ops.cumsum(sorted_x, axis=axis), x.dtype)
    in_support = sorted_x * k + 1 > partial_sums
    smallest = ops.min(ops.where(in_support, sorted_x, ops.zeros_like(x)), axis=axis, keepdims=True)
    support = x >= smallest
    size = ops.sum(ops.cast(support, x.dtype), axis=axis, keepdims=True)
    total = ops.sum(ops.where(support, x, ops.zeros_like(x)), axis=axis, keepdims=True)
    tau = (total - 1) / size
    return ops.where(x <= tau, ops.zeros_like(x), x - tau)
