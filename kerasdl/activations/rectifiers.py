"""Rectifiers: the identity on one side, nearly nothing on the other.

At a kink the derivative is that of the side named in the equation; the constants 0 and 1 are exact
in every precision.
"""

import keras
from keras import ops

from kerasdl.backend import constant, hand_derived_in_graphs

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

    Differences from Keras: with `max_value` and a negative `threshold` Keras clips at 0.
    """
    x = ops.convert_to_tensor(x)
    if not negative_slope and max_value is None and not threshold:
        return _plain_relu(x)
    positive = x
    if max_value is not None:
        limit = ops.cast(max_value, x.dtype)
        positive = ops.where(x >= limit, limit, x)
    # 0 * (-inf) is NaN, so without a slope the lower branch is the constant 0.
    if not negative_slope:
        return ops.where(x <= threshold, ops.zeros_like(x), positive)
    slope = constant(negative_slope, x.dtype)
    return ops.where(x <= threshold, slope * (x - threshold), positive)


def _relu_equation(x):
    return ops.where(x <= 0, ops.zeros_like(x), x)


def _relu_by_hand(x):
    y = ops.maximum(x, ops.cast(0, x.dtype))
    return y, lambda dy: (dy * ops.sign(y),)  # g' = 1 where y > 0, else 0: the sign of y


_plain_relu = hand_derived_in_graphs(_relu_equation, _relu_by_hand)


@_register
def leaky_relu(x, negative_slope=0.2):
    r"""Rectified linear unit that lets a little through.

    $$g(x) = \begin{cases} x & x > 0 \\ \alpha x & x \le 0 \end{cases}, \qquad
      g'(x) = \begin{cases} 1 & x > 0 \\ \alpha & x \le 0 \end{cases}$$

    Args:
        x: Tensor of any shape.
        negative_slope: $\alpha$.

    Returns:
        A tensor of the shape and dtype of `x`.

    Source:
        Maas et al., 2013, Rectifier Nonlinearities Improve Neural Network Acoustic Models.

    Example:
        >>> [float(a) for a in leaky_relu(ops.array([-2.0, 3.0]), negative_slope=0.5)]
        [-1.0, 3.0]

    Differences from the paper and from Keras: the paper's $\alpha$ is 0.01. At 0 the derivative is
    $\alpha$, as on TensorFlow and PyTorch; Keras' on JAX is 1.
    """
    x = ops.convert_to_tensor(x)
    alpha = constant(negative_slope, x.dtype)

    def equation(x):
        return ops.where(x > 0, x, alpha * x)

    def by_hand(x):
        positive = x > 0
        return ops.where(positive, x, alpha * x), lambda dy: (ops.where(positive, dy, alpha * dy),)

    return hand_derived_in_graphs(equation, by_hand)(x)


@_register
def relu6(x):
    r"""Rectified linear unit that stops at 6.

    $$g(x) = \min(\max(x, 0), 6)$$

    Args:
        x: Tensor of any shape.

    Returns:
        A tensor of the shape and dtype of `x`, entries in [0, 6].

    Source:
        Krizhevsky, 2010, Convolutional Deep Belief Networks on CIFAR-10.

    Example:
        >>> [float(a) for a in relu6(ops.array([-2.0, 3.0, 8.0]))]
        [0.0, 3.0, 6.0]
    """
    return relu(x, max_value=6.0)


@_register
def threshold(x, threshold, default_value):
    r"""Keep what is above a threshold, replace the rest.

    $$g(x) = \begin{cases} x & x > \theta \\ v & \text{otherwise} \end{cases}$$

    Args:
        x: Tensor of any shape.
        threshold: $\theta$.
        default_value: $v$.

    Returns:
        A tensor of the shape and dtype of `x`.

    Example:
        >>> [float(a) for a in threshold(ops.array([0.5, 3.0]), 1.0, -1.0)]
        [-1.0, 3.0]
    """
    x = ops.convert_to_tensor(x)
    return ops.where(x > threshold, x, ops.convert_to_tensor(default_value, dtype=x.dtype))


@_register
def hard_shrink(x, threshold=0.5):
    r"""Set small values to 0.

    $$g(x) = \begin{cases} x & |x| > \lambda \\ 0 & \text{otherwise} \end{cases}$$

    Args:
        x: Tensor of any shape.
        threshold: $\lambda$.

    Returns:
        A tensor of the shape and dtype of `x`.

    Source:
        Donoho and Johnstone, 1994, Ideal Spatial Adaptation by Wavelet Shrinkage.

    Example:
        >>> [float(a) for a in hard_shrink(ops.array([-2.0, 0.25]))]
        [-2.0, 0.0]
    """
    x = ops.convert_to_tensor(x)
    return ops.where(ops.abs(x) <= threshold, ops.zeros_like(x), x)


@_register
def soft_shrink(x, threshold=0.5):
    r"""Draw values towards 0 by a fixed amount; the proximal step of an L1 penalty.

    $$g(x) = \begin{cases} x - \lambda & x > \lambda \\ x + \lambda & x < -\lambda \\
        0 & \text{otherwise} \end{cases}$$

    Args:
        x: Tensor of any shape.
        threshold: $\lambda$.

    Returns:
        A tensor of the shape and dtype of `x`.

    Source:
        Donoho and Johnstone, 1994, Ideal Spatial Adaptation by Wavelet Shrinkage.

    Example:
        >>> [float(a) for a in soft_shrink(ops.array([-2.0, 0.25]))]
        [-1.5, 0.0]
    """
    x = ops.convert_to_tensor(x)
    drawn = ops.where(x > 0, x - threshold, x + threshold)
    return ops.where(ops.abs(x) <= threshold, ops.zeros_like(x), drawn)
