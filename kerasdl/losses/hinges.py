"""Hinge losses: no loss once an answer is right by a margin."""

from keras import ops

from kerasdl.backend import fuse, hand_derived_in_graphs
from kerasdl.losses.base import as_tensors, mean, register
from kerasdl.ops.limits import maximum
from kerasdl.ops.normalization import count


def _signs(y):
    """Return labels, with 0 and 1 read as -1 and 1, and their derivative."""
    binary = ops.cast(ops.all(ops.equal(y * y, y)), y.dtype)  # y² = y: 0 or 1
    return y * (1 + binary) - binary, 1 + binary  # 2 y - 1 if all labels are 0 or 1, else y


def _hinge_equation(y, p):
    y, _ = _signs(y)
    return mean(maximum(1 - y * p, 0.0))


def _hinge_back(y, p, upstream):
    y, dy = _signs(y)
    slope = ops.expand_dims(-upstream / count(p, [-1]), -1)
    slope = ops.where(1 - y * p >= 0, slope, ops.zeros_like(p))
    return slope * p * dy, slope * y


def _squared_equation(y, p):
    y, _ = _signs(y)
    return mean(ops.square(maximum(1 - y * p, 0.0)))


def _squared_back(y, p, upstream):
    y, dy = _signs(y)
    slope = ops.expand_dims(-2 * upstream / count(p, [-1]), -1) * maximum(1 - y * p, 0.0)
    return slope * p * dy, slope * y


def _in_kernels(equation, back):
    """Return a hinge in two kernels, forwards and backwards, where graphs have such.

    Operation by operation it is eight passes over memory, half of them for the signs.
    """

    def by_hand(y, p):
        return fuse(equation, y, p), lambda upstream: fuse(back, y, p, upstream)

    return hand_derived_in_graphs(equation, by_hand)


_hinge = _in_kernels(_hinge_equation, _hinge_back)
_squared_hinge = _in_kernels(_squared_equation, _squared_back)


@register
def hinge(y_true, y_pred):
    r"""Loss of the support vector machine.

    $$\ell = \frac{1}{n} \sum_{i=1}^{n} \max(1 - y_i \hat y_i, 0), \qquad y_i \in \{-1, 1\}$$

    Args:
        y_true: Labels (…, n), -1 and 1, or 0 and 1.
        y_pred: Scores $\hat y$ (…, n).

    Returns:
        Tensor (…): one loss for each example.

    Source:
        Cortes and Vapnik, 1995, Support-Vector Networks.

    Example:
        >>> float(hinge([1.0, -1.0], [0.5, -2.0]))
        0.25
    """
    return _hinge(*as_tensors(y_true, y_pred))


@register
def squared_hinge(y_true, y_pred):
    r"""Hinge loss without the kink.

    $$\ell = \frac{1}{n} \sum_{i=1}^{n} \max(1 - y_i \hat y_i, 0)^2, \qquad y_i \in \{-1, 1\}$$

    Args:
        y_true: Labels (…, n), -1 and 1, or 0 and 1.
        y_pred: Scores $\hat y$ (…, n).

    Returns:
        Tensor (…): one loss for each example.

    Source:
        Tang, 2013, Deep Learning using Linear Support Vector Machines, equation 8.

    Example:
        >>> float(squared_hinge([1.0, -1.0], [0.5, -2.0]))
        0.125
    """
    return _squared_hinge(*as_tensors(y_true, y_pred))


@register
def categorical_hinge(y_true, y_pred):
    r"""Hinge loss of several classes: the right one must lead by 1.

    $$\ell = \max\left(\max_k (1 - y_k)\, \hat y_k - \sum_k y_k \hat y_k + 1,\; 0\right)$$

    Args:
        y_true: One-hot labels $y$ (…, classes).
        y_pred: Scores $\hat y$ (…, classes).

    Returns:
        Tensor (…): one loss for each example.

    Source:
        Crammer and Singer, 2001, On the Algorithmic Implementation of Multiclass Kernel-based
        Vector Machines.

    Example:
        >>> float(categorical_hinge([0.0, 1.0], [0.5, 1.0]))
        0.5

    Differences from the paper: the right class enters the inner maximum with 0, as in Keras.
    """
    y, p = as_tensors(y_true, y_pred)
    right = ops.sum(y * p, axis=-1)
    strongest_wrong = ops.max((1 - y) * p, axis=-1)
    return maximum(strongest_wrong - right + 1, 0.0)
