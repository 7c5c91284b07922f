"""Activations made of straight pieces that need no slope argument: identity, step, exponential."""

import keras
from keras import ops

from kerasdl.backend import with_gradient

_register = keras.saving.register_keras_serializable(package="kerasdl")


@_register
def linear(x):
    r"""Return the input: the activation of a unit that has none.

    $$g(x) = x, \qquad g'(x) = 1$$

    Args:
        x: Anything.

    Returns:
        `x` itself.

    Source:
        Goodfellow et al., 2016, Deep Learning, section 6.2.2.1.

    Example:
        >>> linear(3)
        3
    """
    return x


@_register
def step(x):
    r"""Heaviside's step: the activation of the perceptron.

    $$g(x) = \begin{cases} 1 & x \ge 0 \\ 0 & x < 0 \end{cases}, \qquad g'(x) = 0$$

    Its derivative is 0 everywhere (at 0 by definition): gradient descent learns nothing through it,
    which is why the perceptron has a rule of its own.

    Args:
        x: Tensor of any shape.

    Returns:
        A tensor of the shape and dtype of `x`, zeros and ones. NaN stays NaN.

    Source:
        Rosenblatt, 1958, The Perceptron.

    Example:
        >>> [float(a) for a in step(ops.array([-2.0, 0.0, 3.0]))]
        [0.0, 1.0, 1.0]

    Differences from Keras: Keras has none.
    """
    return _step(ops.convert_to_tensor(x))


@with_gradient
def _step(x):
    y = ops.where(x >= 0, ops.ones_like(x), ops.where(x < 0, ops.zeros_like(x), x))
    # A zero gradient, not none: layers below it are still part of the network.
    return y, lambda dy: (ops.zeros_like(dy),)


@_register
def exponential(x):
    r"""The exponential function, for outputs that are rates or scales.

    $$g(x) = e^x, \qquad g'(x) = e^x$$

    Args:
        x: Tensor of any shape.

    Returns:
        A tensor of the shape and dtype of `x`.

    Example:
        >>> float(exponential(ops.array(0.0)))
        1.0
    """
    return ops.exp(ops.convert_to_tensor(x))
