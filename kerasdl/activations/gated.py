"""Gated units: the input, weighted by how much of it shall pass."""

import math

import keras
from keras import ops

from kerasdl.activations.sigmoids import hard_sigmoid, logistic, tanh
from kerasdl.activations.smooth_rectifiers import softplus
from kerasdl.backend import constant, hand_derived_in_graphs

_register = keras.saving.register_keras_serializable(package="kerasdl")


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
        return 0.5 * x * (1 + tanh(math.sqrt(2 / math.pi) * (x + cubic * x * x * x)))
    return 0.5 * x * (1 + ops.erf(x * constant(math.sqrt(1 / 2), x.dtype)))


@_register
def silu(x):
    r"""Sigmoid linear unit, also called swish.

    $$g(x) = x\,\sigma(x), \qquad g'(x) = \sigma(x)\,(1 + x\,(1 - \sigma(x)))$$

    Args:
        x: Tensor of any shape.

    Returns:
        A tensor of the shape and dtype of `x`.

    Source:
        Elfwing et al., 2018; Ramachandran et al., 2017, Searching for Activation Functions.

    Example:
        >>> float(silu(ops.array(0.0)))
        0.0
    """
    return _silu(ops.convert_to_tensor(x))


def _silu_by_hand(x):
    s = 1 / (1 + ops.exp(-x))
    y = x * s
    return y, lambda dy: (dy * (s + y * (1 - s)),)


_silu = hand_derived_in_graphs(lambda x: x * logistic(x), _silu_by_hand)
swish = silu


@_register
def hard_silu(x):
    r"""Silu with the hard sigmoid.

    $$g(x) = \begin{cases} 0 & x \le -3 \\ x & x \ge 3 \\ x\,(x + 3)/6 & \text{otherwise}
      \end{cases}$$

    Args:
        x: Tensor of any shape.

    Returns:
        A tensor of the shape and dtype of `x`.

    Source:
        Howard et al., 2019, Searching for MobileNetV3, section 5.2.

    Example:
        >>> float(hard_silu(ops.array(3.0)))
        3.0
    """
    x = ops.convert_to_tensor(x)
    return x * hard_sigmoid(x)


hard_swish = hard_silu


@_register
def mish(x):
    r"""Input weighted by the tanh of its softplus.

    $$g(x) = x \tanh(\log(1 + e^x))$$

    Args:
        x: Tensor of any shape.

    Returns:
        A tensor of the shape and dtype of `x`.

    Source:
        Misra, 2019, Mish: A Self Regularized Non-Monotonic Activation Function, equation 1.

    Example:
        >>> round(float(mish(ops.array(1.0))), 4)
        0.8651
    """
    x = ops.convert_to_tensor(x)
    return x * tanh(softplus(x))


@_register
def glu(x, axis=-1):
    r"""Gated linear unit: one half of the features says how much of the other half passes.

    $$g([a, b]) = a \odot \sigma(b)$$

    Args:
        x: Tensor whose size along `axis` is even.
        axis: Axis that is split into $a$ and $b$.

    Returns:
        A tensor of half the size along `axis`.

    Raises:
        ValueError: If the size along `axis` is odd.

    Source:
        Dauphin et al., 2017, Language Modeling with Gated Convolutional Networks, section 2.

    Example:
        >>> [float(a) for a in glu(ops.array([2.0, 0.0]))]
        [1.0]
    """
    x = ops.convert_to_tensor(x)
    if x.shape[axis] is not None and x.shape[axis] % 2:
        raise ValueError(
            "axis size must be divisible by 2: `glu` splits it into values and gates. "
            f"Received: x.shape={tuple(x.shape)} with axis={axis}"
        )
    a, b = ops.split(x, 2, axis=axis)
    return a * logistic(b)
