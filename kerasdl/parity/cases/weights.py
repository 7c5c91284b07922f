"""Cases of what acts on weights: regularisers and constraints."""

import itertools

import numpy as np

from kerasdl.parity.case import FunctionCase, Input

KERNEL = Input((5, 4), free=())


def on_kernel(symbol, label="", **kwargs):
    """Return the case of an object that is called on a kernel."""
    return FunctionCase(symbol=symbol, label=label, kwargs=kwargs, inputs=(KERNEL,))


ROUNDS = {
    "tensorflow:bfloat16": "is an InvalidArgumentError",
    "tensorflow:float64": "multiplies a float64 product by a float32 factor, an error",
}


def orthogonality(W):
    """Mean absolute cosine of all pairs of rows, times the factor."""
    rows = [w / np.sqrt(w @ w) for w in W]
    pairs = list(itertools.combinations(rows, 2))
    return 0.25 * sum(abs(a @ b) for a, b in pairs) / len(pairs)


CASES = [
    on_kernel("regularizers.L1", l1=0.25),
    on_kernel("regularizers.L2", l2=0.25),
    on_kernel("regularizers.L1L2", l1=0.5, l2=0.25),
    FunctionCase(
        symbol="regularizers.OrthogonalRegularizer",
        kwargs={"factor": 0.25},
        inputs=(KERNEL,),
        reference=orthogonality,
        builtin_is_wrong=ROUNDS,
    ),
    FunctionCase(
        symbol="regularizers.OrthogonalRegularizer",
        label="columns",
        kwargs={"factor": 0.25, "mode": "columns"},
        inputs=(KERNEL,),
        reference=lambda W: orthogonality(W.T),
        builtin_is_wrong=ROUNDS,
    ),
    on_kernel("constraints.MaxNorm", max_value=1.5, axis=0),
    on_kernel("constraints.UnitNorm", axis=1),
    on_kernel("constraints.NonNeg"),
    on_kernel("constraints.MinMaxNorm", min_value=0.5, max_value=1.5, rate=0.7, axis=0),
]
