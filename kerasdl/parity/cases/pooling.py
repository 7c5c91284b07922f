"""Cases of pooling."""

import itertools
import math

import numpy as np

from kerasdl.parity.case import FunctionCase, Input, LayerCase

SHAPES = {1: (2, 7, 3), 2: (2, 6, 7, 3), 3: (2, 5, 6, 4, 2)}
REPLICATES = "with an odd padding the border is repeated and averaged over"
NO_DOUBLES = "there is no kernel for float64 in three dimensions"


def loops(join, F=2, s=2, padding="valid"):
    """Return pooling as loops: `join` gets the numbers of one window that lie inside the input."""

    def reference(weights, x, training):
        spatial = x.shape[1:-1]
        if padding == "same":
            n = [-(-L // s) for L in spatial]
            before = [max((m - 1) * s + F - L, 0) // 2 for m, L in zip(n, spatial)]
        else:
            n = [(L - F) // s + 1 for L in spatial]
            before = [0] * len(spatial)
        y = np.zeros((x.shape[0], *n, x.shape[-1]))
        for i in itertools.product(*map(range, n)):
            starts = [i_a * s - p for i_a, p in zip(i, before)]
            window = x[(slice(None), *(slice(max(a, 0), a + F) for a in starts))]
            y[(slice(None), *i)] = join(window, axis=tuple(range(1, x.ndim - 1)))
        return y

    return reference


def overall(join):
    """Return global pooling."""

    def reference(weights, x, training, mask=None):
        return join(x, axis=tuple(range(1, x.ndim - 1)))

    return reference


def length(x, axis):
    """Root of the sum of squares."""
    return np.sqrt((x**2).sum(axis=axis))


JOIN = {"Max": np.max, "Average": np.mean, "L2Norm": length}


def window(kind, rank, label="", **kwargs):
    """Return the case of a layer that pools windows, all sizes but the channels unknown."""
    wrong = {}
    if kind != "L2Norm" and rank == 3:
        wrong["tensorflow:float64"] = NO_DOUBLES
    if kind == "Average" and label == "3 by 2, same" and rank == 2:
        wrong["torch"] = REPLICATES
    if kind == "Average" and rank == 3:
        wrong["torch:bfloat16"] = "is a NotImplementedError"
    F = kwargs.get("pool_size", 2)
    return LayerCase(
        symbol=f"layers.{kind}Pooling{rank}D",
        label=label,
        kwargs={"pool_size": F, **kwargs},
        inputs=(Input(SHAPES[rank], free=tuple(range(rank + 1))),),
        reference=loops(JOIN[kind], F, kwargs.get("strides", F), kwargs.get("padding", "valid")),
        builtin_is_wrong=wrong,
    )


def everywhere(kind, rank, label="", **kwargs):
    """Return the case of a layer that pools all positions."""
    return LayerCase(
        symbol=f"layers.Global{kind}Pooling{rank}D",
        label=label,
        kwargs=kwargs,
        inputs=(Input(SHAPES[rank], free=tuple(range(rank + 1))),),
        reference=None if kwargs else overall(JOIN[kind]),
    )


def adaptive_loops(join, m):
    """Return adaptive pooling as loops over the windows."""

    def reference(weights, x, training):
        spatial = x.shape[1:-1]
        y = np.zeros((x.shape[0], *m, x.shape[-1]))
        for i in itertools.product(*map(range, m)):
            window = [
                slice(math.floor(i_a * n / m_a), math.ceil((i_a + 1) * n / m_a))
                for i_a, n, m_a in zip(i, spatial, m)
            ]
            y[(slice(None), *i)] = join(x[(slice(None), *window)], axis=tuple(range(1, x.ndim - 1)))
        return y

    return reference


def adaptive(kind, output_size, label="", shape=None):
    """Return the case of a layer that pools a given number of windows."""
    rank = len(output_size)
    wrong = {"tensorflow:float64": NO_DOUBLES} if rank == 3 else {}
    return LayerCase(
        symbol=f"layers.Adaptive{kind}Pooling{rank}D",
        label=label,
        kwargs={"output_size": output_size},
        inputs=(Input(shape or SHAPES[rank], free=tuple(range(rank + 1))),),
        reference=adaptive_loops(JOIN[kind], output_size),
        builtin_is_wrong=wrong,
    )


def function(name, kind, **kwargs):
    """Return the case of a function."""
    windows = loops(JOIN[kind], **({"F": 3, "s": 2} if kwargs else {}))
    joined = windows if kwargs else overall(JOIN[kind])
    return FunctionCase(
        symbol=f"ops.{name}",
        kwargs=kwargs,
        inputs=(Input(SHAPES[2], free=(0,)),),
        reference=lambda x: joined(None, x, False),
    )


CASES = [
    *(window(kind, rank) for kind in JOIN for rank in SHAPES),
    *(
        window(kind, rank, "3 by 2, same", pool_size=3, strides=2, padding="same")
        for kind in JOIN
        for rank in (1, 2)
    ),
    *(window(kind, 2, "overlapping", pool_size=3, strides=1, padding="same") for kind in JOIN),
    *(everywhere(kind, rank) for kind in JOIN for rank in SHAPES),
    everywhere("Max", 2, "axes kept", keepdims=True),
    LayerCase(
        symbol="layers.GlobalAveragePooling1D",
        label="masked",
        inputs=(Input((4, 7, 3), free=(0, 1)),),
        masks=((4, 7),),
        reference=overall(np.mean),
    ),
    *(adaptive(kind, m) for kind in ("Max", "Average") for m in ((3,), (4, 3), (2, 3, 3))),
    *(adaptive(kind, (9, 2), "also more", (2, 6, 8, 3)) for kind in ("Max", "Average")),
    *(
        LayerCase(
            symbol=f"layers.Adaptive{kind}Pooling2D",
            label="channels first",
            kwargs={"output_size": 2, "data_format": "channels_first"},
            inputs=(Input((2, 3, 6, 7), free=(0, 2, 3)),),
        )
        for kind in ("Max", "Average")
    ),
    function("max_pooling", "Max", pool_size=3, strides=2),
    function("average_pooling", "Average", pool_size=3, strides=2),
    function("l2_norm_pooling", "L2Norm", pool_size=3, strides=2),
    function("max_pooling_equation", "Max", pool_size=(3, 3), strides=(2, 2)),
    function("average_pooling_equation", "Average", pool_size=(3, 3), strides=(2, 2)),
    function("l2_norm_pooling_equation", "L2Norm", pool_size=(3, 3), strides=(2, 2)),
    function("global_max_pooling", "Max"),
    function("global_average_pooling", "Average"),
    function("global_l2_norm_pooling", "L2Norm"),
]
