"""Cases of the activations and of their layers."""

import math

import numpy as np

from kerasdl.parity.case import FunctionCase, Input, LayerCase


def sparsemax(x):
    """Find the threshold by bisection, row by row."""
    rows = x.reshape(-1, x.shape[-1])
    y = np.zeros_like(rows)
    for row, out in zip(rows, y, strict=True):
        low, high = row.min() - 1, row.max()
        for _ in range(200):
            tau = (low + high) / 2
            low, high = (tau, high) if np.maximum(row - tau, 0).sum() > 1 else (low, tau)
        out[:] = np.maximum(row - tau, 0)
    return y.reshape(x.shape)


def tanh(x):
    """Hyperbolic tangent."""
    return np.tanh(x)


def step(x):
    """One from 0 on, else zero."""
    return np.array([1.0 if v >= 0 else 0.0 for v in x.reshape(-1)]).reshape(x.shape)


def celu(x):
    """CELU with alpha 0.3."""
    return np.where(x > 0, x, 0.3 * np.expm1(np.minimum(x, 0) / 0.3))


def hard_sigmoid(x):
    """Straight line from (-3, 0) to (3, 1)."""
    return np.clip(x / 6 + 0.5, 0, 1)


def softplus(x):
    """Logarithm of one plus the exponential."""
    return np.vectorize(lambda v: max(v, 0) + math.log1p(math.exp(-abs(v))))(x)


def beside_the_kinks(rng, shape):
    """Draw numbers that no rounding to bfloat16 moves over a kink (0, 0.5, 1, 3, 6)."""
    return np.round(rng.normal(size=shape) * 8) / 4 + 0.1


X = Input((3, 4, 6), values=beside_the_kinks)
PLAIN = (
    "elu",
    "exponential",
    "gelu",
    "glu",
    "hard_shrink",
    "hard_silu",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "squareplus",
    "tanh_shrink",
)

CASES = [
    *(FunctionCase(symbol=f"activations.{name}", inputs=(X,)) for name in PLAIN),
    FunctionCase(
        symbol="activations.tanh",
        inputs=(X,),
        reference=tanh,
    ),
    FunctionCase(
        symbol="activations.hard_sigmoid",
        inputs=(X,),
        reference=hard_sigmoid,
        builtin_is_wrong={"torch:float64": "the gradient rounds 1/6 to float32"},
    ),
    FunctionCase(
        symbol="activations.celu",
        label="alpha 0.3",
        kwargs={"alpha": 0.3},
        inputs=(X,),
        reference=celu,
        builtin_is_wrong={"torch:float64": "the gradient rounds alpha to float32"},
    ),
    FunctionCase(
        symbol="activations.sparsemax",
        # Two scores of X lie exactly 1 apart, where the derivative jumps.
        inputs=(Input((3, 4, 6)),),
        reference=sparsemax,
        builtin_is_wrong={"all": "adds up all partial sums: the result does not sum to 1"},
    ),
    FunctionCase(
        symbol="activations.threshold", kwargs={"threshold": 0.3, "default_value": 0.1}, inputs=(X,)
    ),
    FunctionCase(symbol="activations.step", inputs=(X,), reference=step),
    FunctionCase(
        symbol="activations.relu",
        label="slope, limit, threshold",
        kwargs={"negative_slope": 0.25, "max_value": 2.0, "threshold": 0.5},
        inputs=(X,),
    ),
    FunctionCase(symbol="activations.elu", label="alpha 0.5", kwargs={"alpha": 0.5}, inputs=(X,)),
    FunctionCase(
        symbol="activations.gelu", label="tanh", kwargs={"approximate": True}, inputs=(X,)
    ),
    FunctionCase(symbol="activations.softmax", label="axis 1", kwargs={"axis": 1}, inputs=(X,)),
    FunctionCase(
        symbol="activations.log_softmax", label="axes 1, 2", kwargs={"axis": (1, 2)}, inputs=(X,)
    ),
    LayerCase(
        symbol="layers.Activation", kwargs={"activation": "silu"}, inputs=(X,), masks=((3, 4),)
    ),
    LayerCase(symbol="layers.ReLU", inputs=(X,), masks=((3, 4),)),
    LayerCase(
        symbol="layers.ReLU",
        label="slope, limit, threshold",
        kwargs={"negative_slope": 0.25, "max_value": 2.0, "threshold": 0.5},
        inputs=(X,),
    ),
    LayerCase(symbol="layers.LeakyReLU", inputs=(X,), masks=((3, 4),)),
    LayerCase(symbol="layers.ELU", inputs=(X,), masks=((3, 4),)),
    LayerCase(symbol="layers.PReLU", inputs=(X,), masks=((3, 4),)),
    LayerCase(symbol="layers.PReLU", label="shared", kwargs={"shared_axes": [1]}, inputs=(X,)),
    LayerCase(symbol="layers.Softmax", inputs=(X,), masks=((3, 4, 6),)),
    LayerCase(symbol="layers.Softmax", label="axes", kwargs={"axis": [1, 2]}, inputs=(X,)),
]
