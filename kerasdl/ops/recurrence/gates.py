"""The gates of a recurrent cell: their activations, and the products that they come from."""

import math

from keras import ops

from kerasdl.activations import linear, relu, sigmoid, tanh
from kerasdl.backend import multiplies_at_once
from kerasdl.ops.derivatives import ACTIVATION_DERIVATIVES
from kerasdl.ops.linear import product


def sigma(z):
    r"""Compute $\sigma(z) = 1 / (1 + e^{-z})$ where no automatic gradient is needed.

    $e^{-z}$ may overflow: 1 / infinity is the 0 that is meant.

    Example:
        >>> float(sigma(ops.array(0.0)))
        0.5
    """
    return 1 / (1 + ops.exp(-z))


def _from_value(name):
    return lambda a: ACTIVATION_DERIVATIVES[name](a, a)


_BY_HAND = {
    tanh: (tanh, _from_value("tanh")),
    sigmoid: (sigma, _from_value("sigmoid")),
    relu: (relu, _from_value("relu")),
    linear: (lambda z: z, _from_value("linear")),
}


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
    return _BY_HAND.get(activation)


def cuts(n, x, W, U):
    """Return into how many kernels those of `n` gates are cut.

    A product for all gates at once is shared out among the cores if it is large, in pieces that are
    too small. Gate by gate, a core has whole products to do, or the next loop.

    Args:
        n: Gates of the cell.
        x: Tensor (B, T, F) that the cell runs along.
        W: Kernel (F, n u).
        U: Recurrent kernel (u, n u).

    Returns:
        `n`, or 1 where one product for all gates is faster.

    Example:
        >>> cuts(4, ops.ones((1, 2, 3)), ops.ones((3, 8)), ops.ones((2, 8)))  # no loop of XLA
        1
    """
    few = x.shape[0] is not None and x.shape[0] < _FEW_ROWS
    if few or not multiplies_at_once(x):
        return 1
    return n if math.prod(W.shape) + math.prod(U.shape) >= _MANY_NUMBERS else 1


_FEW_ROWS, _MANY_NUMBERS = 16, 2**17


def of_gates(W, n):
    """Cut a kernel (k, n u) into those of its n gates, (k, u) each.

    Example:
        >>> [tuple(W.shape) for W in of_gates(ops.ones((3, 8)), 4)]
        [(3, 2), (3, 2), (3, 2), (3, 2)]
    """
    return ops.split(W, n, axis=-1) if n > 1 else [W]


def to_gates(x, Ws, b=None):
    r"""Compute $x W + b$ from the kernels of the gates, $[\, x W_1 + b_1, \dots, x W_n + b_n \,]$.

    Example:
        >>> W = ops.reshape(ops.arange(4.0), (1, 4))
        >>> z = to_gates(ops.array([[2.0]]), of_gates(W, 2), ops.ones((4,)))
        >>> [float(v) for v in z[0]]
        [1.0, 3.0, 5.0, 7.0]
    """
    zs = [product(x, W) for W in Ws]
    if b is not None:  # before the gates are put side by side: XLA then leaves that out
        zs = [z + b_k for z, b_k in zip(zs, of_gates(b, len(Ws)), strict=True)]
    return ops.concatenate(zs, axis=-1) if len(zs) > 1 else zs[0]
