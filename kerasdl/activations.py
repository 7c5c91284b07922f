"""Activations $a = g(z)$, each written from its equation.

In float64 a constant is rounded as the backend's own functions round it (`backend.constant`), so
that results equal Keras' to the last digit.

Names that are not written here yet are Keras' own (see `kerasdl.builtins`), so that
`activation="tanh"` works in every layer.
"""

import contextlib
import math
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from kerasdl.backend import constant
from kerasdl.builtins import fall_back_to

_register = keras.saving.register_keras_serializable(package="kerasdl")


@_register
def relu(x, negative_slope=0.0, max_value=None, threshold=0.0):
    r"""Rectified linear unit.

    $$\mathrm{relu}(x) = \begin{cases}
        \text{max\_value} & x \ge \text{max\_value} \\
        x & x > \text{threshold} \\
        \text{negative\_slope} \cdot (x - \text{threshold}) & \text{otherwise}
      \end{cases}$$

    With the defaults this is $\max(x, 0)$. Its derivative at 0 is 0: a unit that is negative for
    every example gets no gradient and stays so (a dying ReLU).

    Args:
        x: Tensor of any shape.
        negative_slope: Slope below the threshold; 0.1 gives the course's leaky ReLU.
        max_value: Largest value returned; `None` for no limit.
        threshold: Value at and below which the unit counts as negative.

    Returns:
        A tensor of the shape and dtype of `x`. NaN stays NaN.

    Source:
        Nair and Hinton, 2010, Rectified Linear Units Improve Restricted Boltzmann Machines.
        Maas et al., 2013 (leaky).

    Example:
        >>> [float(a) for a in relu(ops.array([-2.0, 0.0, 3.0]), negative_slope=0.5)]
        [-1.0, 0.0, 3.0]
    """
    x = ops.convert_to_tensor(x)
    positive = x if max_value is None else ops.minimum(x, max_value)
    # 0 * (-inf) is NaN, so without a slope the lower branch is the constant 0.
    slope = constant(negative_slope, x.dtype)
    negative = slope * (x - threshold) if negative_slope else ops.zeros_like(x)
    return ops.where(x <= threshold, negative, positive)


@_register
def gelu(x, approximate=False):
    r"""Gaussian error linear unit: the input weighted by how likely a normal variable is below it.

    $$\mathrm{gelu}(x) = x\,\Phi(x) = \tfrac{1}{2} x \left(1 + \mathrm{erf}(x / \sqrt{2})\right)$$

    $$\text{approximate: } \tfrac{1}{2} x
      \left(1 + \tanh\left(\sqrt{2/\pi}\,(x + 0.044715\,x^3)\right)\right)$$

    Args:
        x: Tensor of any shape.
        approximate: Use the tanh form.

    Returns:
        A tensor of the shape and dtype of `x`.

    Source:
        Hendrycks and Gimpel, 2016, Gaussian Error Linear Units, section 2.

    Example:
        >>> round(float(gelu(ops.array(1.0))), 4)
        0.8413
    """
    x = ops.convert_to_tensor(x)
    if approximate:
        cubic = constant(0.044715, x.dtype)
        return 0.5 * x * (1 + ops.tanh(math.sqrt(2 / math.pi) * (x + cubic * x * x * x)))
    return 0.5 * x * (1 + ops.erf(x * constant(math.sqrt(1 / 2), x.dtype)))


@_register
def softmax(x, axis=-1):
    r"""Turn scores into a probability distribution.

    $$\mathrm{softmax}(x)_k = \frac{e^{x_k - m}}{\sum_j e^{x_j - m}}, \qquad m = \max_j x_j$$

    Subtracting $m$ changes nothing in the quotient and keeps the exponentials below 1.

    Args:
        x: Tensor of scores (logits).
        axis: Axis, or tuple of axes, over which the result sums to 1.

    Returns:
        A tensor of the shape and dtype of `x`, entries in [0, 1].

    Source:
        Bridle, 1990. Goodfellow et al., 2016, Deep Learning, section 4.1 (stability).

    Example:
        >>> [round(float(p), 4) for p in softmax(ops.array([1000.0, 1000.0]))]
        [0.5, 0.5]
    """
    x = ops.convert_to_tensor(x)
    m = ops.stop_gradient(ops.max(x, axis=axis, keepdims=True))
    e = ops.exp(x - m)
    probabilities = e / ops.sum(e, axis=axis, keepdims=True)
    # Keras' convention: a cross-entropy that is given probabilities may go back to the logits.
    # (Tensor types that take no attribute leave it with the probabilities.)
    with contextlib.suppress(AttributeError):
        probabilities._keras_logits = x
    return probabilities


_OURS = {function.__name__: function for function in (relu, gelu, softmax)}

__getattr__ = fall_back_to(keras.activations, __name__)


def get(identifier: Any) -> Callable:
    """Look an activation up by name, config or function; ours first, then Keras'.

    Args:
        identifier: `None` (linear), a name, a serialised config or a callable.

    Returns:
        The activation function.

    Raises:
        ValueError: If nothing goes by that name.

    Example:
        >>> get("relu") is relu
        True
    """
    if isinstance(identifier, str) and identifier in _OURS:
        return _OURS[identifier]
    return keras.activations.get(identifier)


def serialize(activation: Callable) -> Any:
    """Return the config of an activation: for ours the plain name, as for a built-in.

    Example:
        >>> serialize(gelu)
        'gelu'
    """
    if _OURS.get(getattr(activation, "__name__", None)) is activation:
        return activation.__name__
    return keras.activations.serialize(activation)


def deserialize(config: Any, custom_objects: dict | None = None) -> Callable:
    """Return the activation of a config made by `serialize`."""
    if isinstance(config, str) and config in _OURS:
        return _OURS[config]
    return keras.activations.deserialize(config, custom_objects=custom_objects)
