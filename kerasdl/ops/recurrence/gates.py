"""Activations inside a recurrent cell, with derivatives that need only what came out."""

from keras import ops

from kerasdl.activations import linear, relu, sigmoid, tanh
from kerasdl.ops.derivatives import ACTIVATION_DERIVATIVES


def sigma(z):
    r"""Compute $\sigma(z) = 1 / (1 + e^{-z})$ where no automatic gradient is needed.

    $e^{-z}$ may overflow: 1 / infinity is the 0 that is meant.

    Example:
        >>> float(sigma(ops.array(0.0)))
        0.5
    """
    return 1 / (1 + ops.exp(-z))


_BY_HAND = {tanh: ("tanh", tanh), sigmoid: ("sigmoid", sigma), relu: ("relu", relu)}
_BY_HAND[linear] = ("linear", lambda z: z)


def by_hand(activation):
    r"""Return $g$ and its derivative as a function of $a = g(z)$, or `None` if $a$ is not enough.

    Args:
        activation: A function of `kerasdl.activations`.

    Example:
        >>> g, dg = by_hand(tanh)
        >>> a = g(ops.array(1.0))
        >>> round(float(dg(a)), 4)
        0.42
    """
    name, g = _BY_HAND.get(activation, (None, None))
    if name is None:
        return None
    return g, lambda a: ACTIVATION_DERIVATIVES[name](a, a)
