"""Squashing functions: bounded on both sides, steepest at 0."""

import contextlib

import keras
from keras import ops
from keras.utils import standardize_dtype

from kerasdl.activations.smooth_rectifiers import softplus
from kerasdl.backend import hand_derived_in_graphs

_register = keras.saving.register_keras_serializable(package="kerasdl")


@_register
def sigmoid(x):
    r"""Logistic function: a score becomes a probability.

    $$\sigma(x) = \frac{1}{1 + e^{-x}}
        = \frac{[x \ge 0] + [x < 0]\, e^{-|x|}}{1 + e^{-|x|}}, \qquad
      \sigma'(x) = \sigma(x)\,(1 - \sigma(x))$$

    The second form never takes the exponential of a large number, so neither the value nor the
    derivative overflows.

    Args:
        x: Tensor of any shape.

    Returns:
        A tensor of the shape and dtype of `x`, entries in [0, 1].

    Source:
        Goodfellow et al., 2016, Deep Learning, section 3.10.

    Example:
        >>> float(sigmoid(ops.array(0.0)))
        0.5
    """
    x = ops.convert_to_tensor(x)
    y = logistic(x)
    # Keras' convention: a cross-entropy that is given probabilities may go back to the logits.
    # (Tensor types that take no attribute leave it with the probabilities.)
    with contextlib.suppress(AttributeError):
        y._keras_logits = x
        y._logits_of = "sigmoid"
    return y


def _logistic_equation(x):
    positive = x >= 0
    e = ops.exp(ops.where(positive, -x, x))  # e^{-|x|}
    return ops.where(positive, ops.ones_like(e), e) / (1 + e)


def _logistic_by_hand(x):
    y = 1 / (1 + ops.exp(-x))  # e^{-x} may overflow: 1 / infinity is the 0 that is meant
    return y, lambda dy: (dy * (y * (1 - y)),)


logistic = hand_derived_in_graphs(_logistic_equation, _logistic_by_hand)


@_register
def log_sigmoid(x):
    r"""Logarithm of the sigmoid, without taking the logarithm of a rounded 0.

    $$\log \sigma(x) = -\log(1 + e^{-x}), \qquad \frac{d}{dx} = \sigma(-x)$$

    Args:
        x: Tensor of any shape.

    Returns:
        A tensor of the shape and dtype of `x`, entries ≤ 0.

    Example:
        >>> float(log_sigmoid(ops.array(-1e4)))
        -10000.0
    """
    return -softplus(-ops.convert_to_tensor(x))


@_register
def tanh(x):
    r"""Hyperbolic tangent: the sigmoid stretched to (-1, 1).

    $$\tanh(x) = \frac{e^x - e^{-x}}{e^x + e^{-x}} = 2\sigma(2x) - 1
        = \mp\frac{u}{2 + u},\ u = e^{-2|x|} - 1, \qquad \tanh'(x) = 1 - \tanh^2(x)$$

    Args:
        x: Tensor of any shape.

    Returns:
        A tensor of the shape and dtype of `x`, entries in [-1, 1].

    Source:
        Goodfellow et al., 2016, Deep Learning, section 6.3.2.

    Example:
        >>> float(tanh(ops.array(0.0)))
        0.0

    Differences from Keras: on JAX Keras computes float64 in float32 and returns float32.
    """
    x = ops.convert_to_tensor(x)
    if standardize_dtype(x.dtype) != "float64":
        return ops.tanh(x)
    # `keras.ops.tanh` computes float64 in float32 on JAX: there the last form of the equation.
    positive = x >= 0
    u = ops.expm1(ops.where(positive, -2 * x, 2 * x))
    t = u / (2 + u)
    return ops.where(positive, -t, t)


@_register
def softsign(x):
    r"""Squash like tanh, but approach the limits slowly.

    $$g(x) = \frac{x}{1 + |x|}, \qquad g'(x) = \frac{1}{(1 + |x|)^2}$$

    Args:
        x: Tensor of any shape.

    Returns:
        A tensor of the shape and dtype of `x`, entries in (-1, 1).

    Source:
        Bergstra et al., 2009, Quadratic Polynomials Learn Better Image Features.

    Example:
        >>> float(softsign(ops.array(1.0)))
        0.5
    """
    x = ops.convert_to_tensor(x)
    return x / (1 + ops.abs(x))


@_register
def hard_sigmoid(x):
    r"""Straight line from 0 to 1 in place of the sigmoid.

    $$g(x) = \begin{cases} 0 & x \le -3 \\ 1 & x \ge 3 \\ x/6 + 1/2 & \text{otherwise}
      \end{cases}$$

    Args:
        x: Tensor of any shape.

    Returns:
        A tensor of the shape and dtype of `x`, entries in [0, 1].

    Source:
        Courbariaux et al., 2015, BinaryConnect (with slope 1/2); Howard et al., 2019, MobileNetV3.

    Example:
        >>> float(hard_sigmoid(ops.array(0.0)))
        0.5
    """
    x = ops.convert_to_tensor(x)
    return _between(x, -3, 3, (x + 3) / 6)


@_register
def sparse_sigmoid(x):
    r"""Straight line from 0 at -1 to 1 at 1; derivative of the sparse plus.

    $$g(x) = \begin{cases} 0 & x \le -1 \\ 1 & x \ge 1 \\ (x + 1)/2 & \text{otherwise}
      \end{cases}$$

    Args:
        x: Tensor of any shape.

    Returns:
        A tensor of the shape and dtype of `x`, entries in [0, 1].

    Source:
        Blondel et al., 2019, Learning Classifiers with Fenchel-Young Losses.

    Example:
        >>> float(sparse_sigmoid(ops.array(0.0)))
        0.5
    """
    x = ops.convert_to_tensor(x)
    return _between(x, -1, 1, 0.5 * (x + 1))


def _between(x, low, high, line):
    above = ops.where(x >= high, ops.ones_like(x), line)
    return ops.where(x <= low, ops.zeros_like(x), above)


@_register
def hard_tanh(x):
    r"""Straight line from -1 to 1 in place of tanh.

    $$g(x) = \begin{cases} -1 & x < -1 \\ 1 & x > 1 \\ x & \text{otherwise} \end{cases}$$

    Args:
        x: Tensor of any shape.

    Returns:
        A tensor of the shape and dtype of `x`, entries in [-1, 1].

    Source:
        Collobert, 2004, Large Scale Machine Learning.

    Example:
        >>> float(hard_tanh(ops.array(7.0)))
        1.0
    """
    x = ops.convert_to_tensor(x)
    one = ops.ones_like(x)
    return ops.where(x > 1, one, ops.where(x < -1, -one, x))


@_register
def tanh_shrink(x):
    r"""What tanh takes away.

    $$g(x) = x - \tanh(x), \qquad g'(x) = \tanh^2(x)$$

    Args:
        x: Tensor of any shape.

    Returns:
        A tensor of the shape and dtype of `x`.

    Example:
        >>> float(tanh_shrink(ops.array(0.0)))
        0.0
    """
    x = ops.convert_to_tensor(x)
    return x - tanh(x)
