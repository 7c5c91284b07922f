"""Cases of the layers that make one tensor of several."""

import numpy as np

from kerasdl.parity.case import FunctionCase, Input, LayerCase

SEQUENCE = Input((4, 5, 3), free=(0, 1))
VECTOR = Input((4, 3))
MASK = (4, 5)


def layer(name, inputs, label="", **more):
    """Return the case of a layer that takes a list."""
    return LayerCase(symbol=f"layers.{name}", label=label, inputs=inputs, as_list=True, **more)


def function(name, reference, inputs=(VECTOR, VECTOR), **kwargs):
    """Return the case of the layer's functional form."""
    return FunctionCase(
        symbol=f"layers.{name}",
        make=lambda k: lambda *tensors: getattr(k.layers, name)(list(tensors), **kwargs),
        inputs=inputs,
        reference=reference,
    )


def of_one_rank(x):
    """Give arrays of a lower rank axes of size 1 behind the batch."""
    rank = max(a.ndim for a in x)
    return [a.reshape(a.shape[:1] + (1,) * (rank - a.ndim) + a.shape[1:]) for a in x]


def largest(*x):
    """Return the largest numbers."""
    return np.max(np.stack(np.broadcast_arrays(*x)), axis=0)


def smallest(*x):
    """Return the smallest numbers."""
    return np.min(np.stack(np.broadcast_arrays(*x)), axis=0)


def cosines(x, y):
    """Return the cosine of the angle between every two steps."""
    z = np.zeros((x.shape[0], x.shape[1], y.shape[1]))
    for b, i, j in np.ndindex(*z.shape):
        lengths = np.sqrt((x[b, i] ** 2).sum()) * np.sqrt((y[b, j] ** 2).sum())
        z[b, i, j] = (x[b, i] * y[b, j]).sum() / lengths
    return z


OF = {
    "Add": lambda *x: sum(x),
    "Subtract": lambda x, y: x - y,
    "Multiply": lambda x, *rest: x if not rest else x * OF["Multiply"](*rest),
    "Average": lambda *x: sum(x) / len(x),
    "Maximum": largest,
    "Minimum": smallest,
}


def elementwise(name, count, inputs=None, label="", masks=None):
    """Return the case of an element-wise layer."""
    return layer(
        name,
        inputs or (SEQUENCE,) * count,
        label or f"{count} inputs" * (count != 2),
        masks=masks,
        reference=lambda weights, *x: OF[name](*of_one_rank(x[:-1])),  # the last is `training`
    )


DOTS = {  # axes, shapes
    "vectors": (1, (4, 6), (4, 6)),
    "last axes": (-1, (4, 5, 3), (4, 6, 3)),
    "a vector": ((1, 2), (4, 3), (4, 5, 3)),
    "a second vector": ((2, -1), (4, 5, 3), (4, 3)),
    "further axes": ((2, 1), (4, 5, 3, 2), (4, 3, 6, 2)),
}


def along(axes, x, y):
    """Sum over one axis of each example."""
    a, b = (axes, axes) if isinstance(axes, int) else axes
    a, b = a % x.ndim - 1, b % y.ndim - 1
    z = np.stack([np.tensordot(x[i], y[i], (a, b)) for i in range(len(x))])
    return z if z.ndim > 1 else z[:, None]


def dot(label, axes, *shapes):
    """Return the case of a dot product."""
    return layer(
        "Dot",
        tuple(Input(shape) for shape in shapes),
        label,
        kwargs={"axes": axes},
        reference=lambda weights, x, y, training: along(axes, x, y),
    )


CASES = [
    *(elementwise(name, 2, masks=(MASK, MASK)) for name in OF),
    *(elementwise(name, 3, masks=(MASK, None, MASK)) for name in OF if name != "Subtract"),
    *(
        elementwise(name, 2, (Input((4, 5, 3), free=(0, 1)), VECTOR), "sizes broadcast")
        for name in ("Add", "Multiply", "Maximum")
    ),
    layer("Concatenate", (SEQUENCE, Input((4, 5, 2), free=(0, 1))), masks=(MASK, None)),
    layer(
        "Concatenate",
        (SEQUENCE, Input((4, 7, 3), free=(0, 1)), SEQUENCE),
        "steps",
        kwargs={"axis": 1},
        masks=(MASK, (4, 7), None),
    ),
    *(dot(label, *settings) for label, settings in DOTS.items()),
    layer(
        "Dot",
        (SEQUENCE, Input((4, 6, 3), free=(0, 1))),
        "cosine",
        kwargs={"axes": 2, "normalize": True},
        reference=lambda weights, x, y, training: cosines(x, y),
    ),
    *(function(name.lower(), of) for name, of in OF.items()),
    function("concatenate", lambda x, y: np.concatenate([x, y], axis=1)),
    function("dot", lambda x, y: along(-1, x, y)),
]
