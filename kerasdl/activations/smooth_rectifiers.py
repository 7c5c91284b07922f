"""Smooth rectifiers: like ReLU far out, without its kink."""

import keras
from keras import ops

from kerasdl.backend import hand_derived_in_graphs

_register = keras.saving.register_keras_serializable(package="kerasdl")


@_register
def softplus(x):
    r"""Smooth version of the rectifier.

    $$\mathrm{softplus}(x) = \log(1 + e^x) = \max(x, 0) + \log(1 + e^{-|x|}), \qquad
      \frac{d}{dx} = \sigma(x)$$

    The right-hand form never takes the exponential of a large number.

    Args:
        x: Tensor of any shape.

    Returns:
        A tensor of the shape and dtype of `x`, entries ≥ 0.

    Source:
        Dugas et al., 2001, Incorporating Second-Order Functional Knowledge.

    Example:
        >>> round(float(softplus(ops.array(0.0))), 4)
        0.6931

    Differences from Keras: exact above 20 on PyTorch too, where the built-in returns `x`.
    """
    return _softplus(ops.convert_to_tensor(x))


def _softplus_equation(x):
    positive = x > 0
    e = ops.exp(ops.where(positive, -x, x))  # e^{-|x|}
    return ops.where(positive, x, ops.zeros_like(x)) + ops.log1p(e)


def _softplus_by_hand(x):
    zero = ops.cast(0, x.dtype)
    y = ops.maximum(x, zero) + ops.log1p(ops.exp(-ops.abs(x)))
    return y, lambda dy: (dy / (1 + ops.exp(-x)),)


_softplus = hand_derived_in_graphs(_softplus_equation, _softplus_by_hand)


@_register
def squareplus(x, b=4):
    r"""Smooth rectifier without exponentials.

    $$g(x) = \frac{x + \sqrt{x^2 + b}}{2}, \qquad
      g'(x) = \frac{1}{2}\left(1 + \frac{x}{\sqrt{x^2 + b}}\right)$$

    Args:
        x: Tensor of any shape.
        b: Width of the bend.

    Returns:
        A tensor of the shape and dtype of `x`.

    Source:
        Barron, 2021, Squareplus: A Softplus-Like Algebraic Rectifier, equation 1.

    Example:
        >>> float(squareplus(ops.array(0.0)))
        1.0

    Differences from Keras: `b` is exact in float64 on PyTorch too.
    """
    x = ops.convert_to_tensor(x)
    return (x + ops.sqrt(x * x + b)) / 2


@_register
def sparse_plus(x):
    r"""Rectifier with a parabola in place of the kink.

    $$g(x) = \begin{cases} 0 & x \le -1 \\ (x + 1)^2 / 4 & -1 < x < 1 \\ x & x \ge 1
      \end{cases}$$

    Args:
        x: Tensor of any shape.

    Returns:
        A tensor of the shape and dtype of `x`.

    Source:
        Blondel et al., 2019, Learning Classifiers with Fenchel-Young Losses.

    Example:
        >>> float(sparse_plus(ops.array(0.0)))
        0.25
    """
    x = ops.convert_to_tensor(x)
    # The parabola sees the numbers of its piece only: elsewhere half precision would overflow.
    u = ops.where(ops.abs(x) < 1, x, ops.zeros_like(x)) + 1
    return ops.where(x <= -1, ops.zeros_like(x), ops.where(x < 1, 0.25 * (u * u), x))


@_register
def elu(x, alpha=1.0):
    r"""Exponential linear unit.

    $$g(x) = \begin{cases} x & x > 0 \\ \alpha\,(e^x - 1) & x \le 0 \end{cases}, \qquad
      g'(x) = \begin{cases} 1 & x > 0 \\ \alpha\, e^x & x \le 0 \end{cases}$$

    Args:
        x: Tensor of any shape.
        alpha: $\alpha$, the depth that is approached on the left.

    Returns:
        A tensor of the shape and dtype of `x`.

    Source:
        Clevert et al., 2016, Fast and Accurate Deep Network Learning by Exponential Linear Units.

    Example:
        >>> round(float(elu(ops.array(-1.0))), 4)
        -0.6321
    """
    return _exponential_unit(ops.convert_to_tensor(x), 1.0, alpha, 1.0)


@_register
def selu(x):
    r"""Scaled exponential linear unit: keeps mean 0 and variance 1 from layer to layer.

    $$g(x) = \lambda \begin{cases} x & x > 0 \\ \alpha\,(e^x - 1) & x \le 0 \end{cases}, \qquad
      \alpha = 1.6732632\ldots, \quad \lambda = 1.0507009\ldots$$

    Args:
        x: Tensor of any shape.

    Returns:
        A tensor of the shape and dtype of `x`.

    Source:
        Klambauer et al., 2017, Self-Normalizing Neural Networks, equation 2 and appendix A1.

    Example:
        >>> round(float(selu(ops.array(1.0))), 4)
        1.0507
    """
    alpha = 1.6732632423543772848170429916717
    scale = 1.0507009873554804934193349852946
    return _exponential_unit(ops.convert_to_tensor(x), scale, scale * alpha, 1.0)


@_register
def celu(x, alpha=1.0):
    r"""Exponential linear unit whose slope at 0 is 1 for every $\alpha$.

    $$g(x) = \begin{cases} x & x > 0 \\ \alpha\,(e^{x/\alpha} - 1) & x \le 0 \end{cases}, \qquad
      g'(x) = \begin{cases} 1 & x > 0 \\ e^{x/\alpha} & x \le 0 \end{cases}$$

    Args:
        x: Tensor of any shape.
        alpha: $\alpha$.

    Returns:
        A tensor of the shape and dtype of `x`.

    Source:
        Barron, 2017, Continuously Differentiable Exponential Linear Units.

    Example:
        >>> round(float(celu(ops.array(-1.0))), 4)
        -0.6321

    Differences from Keras: the derivative at 0 is 1; Keras' on TensorFlow is 2.
    """
    return _exponential_unit(ops.convert_to_tensor(x), 1.0, alpha, alpha)


def _exponential_unit(x, scale, depth, width):
    """Return scale · x on the right, depth · (e^{x / width} - 1) on the left."""

    def parts(x):
        positive = x > 0
        # The exponential sees no positive number, where it could overflow.
        left = ops.where(positive, ops.zeros_like(x), x)
        left = depth * ops.expm1(left if width == 1.0 else left / width)
        return positive, left, ops.where(positive, x if scale == 1.0 else scale * x, left)

    def by_hand(x):
        positive, left, y = parts(x)
        # d/dx depth · (e^{x/width} - 1) = (y + depth) / width
        return y, lambda dy: (
            dy * ops.where(positive, ops.full_like(x, scale), (left + depth) / width),
        )

    return hand_derived_in_graphs(lambda x: parts(x)[2], by_hand)(x)
