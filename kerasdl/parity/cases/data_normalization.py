"""Cases of the layer that measures mean and variance of the data."""

import tempfile
from pathlib import Path

import keras
import numpy as np
from keras import ops

import kerasdl
from kerasdl.parity import tolerances
from kerasdl.parity.case import CustomCase, Input, LayerCase
from kerasdl.parity.compare import relative_error
from kerasdl.parity.result import Check

MEAN = np.array([0.5, -1.0, 2.0])
VARIANCE = np.array([0.25, 4.0, 0.0])  # a constant feature is divided by epsilon
SEQUENCE = Input((4, 5, 3), free=(0, 1))


def normalized(weights, x, training):
    """Subtract the mean, divide by the deviation."""
    return (x - MEAN) / np.maximum(np.sqrt(VARIANCE), 1e-7)


def adapted():
    """Mean, variance and outputs after `adapt`, beside Keras'; back from a file."""
    x = np.random.default_rng(0).normal(3, 2, size=(50, 4, 3)).astype("float32")
    ways = {
        "an array": lambda: x,
        "a tensor": lambda: ops.convert_to_tensor(x),
        "batches that differ in size": lambda: [x[:7], (x[7:20], None), x[20:]],
    }
    for axis in (-1, (1, 2), None):
        for way, data in ways.items():
            layers = [k.layers.Normalization(axis=axis) for k in (kerasdl, keras)]
            for layer in layers:
                layer.adapt(data())
            ours, theirs = ([w, layer(x)] for layer in layers for w in [layer.get_weights()])
            found, expected = (
                [*weights[:2], ops.convert_to_numpy(y)] for weights, y in (ours, theirs)
            )
            error = max(map(relative_error, found, expected))
            yield Check("adapt", error, tolerances.FORWARD_32, f"{way}, axis {axis}")
            exact = x.astype("float64").mean(axis=tuple(range(3))[:2] if axis == -1 else None)
            if axis != (1, 2):
                error = relative_error(found[0], exact)
                yield Check("adapt", error, tolerances.FORWARD_32, f"NumPy, {way}, axis {axis}")
    layer = kerasdl.layers.Normalization()
    layer.adapt(x)
    model = keras.Sequential([keras.Input((4, 3)), layer])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        loaded = keras.saving.load_model(path)
    same = isinstance(loaded.layers[-1], kerasdl.layers.Normalization)
    yield Check(".keras", 0.0 if same else np.inf, tolerances.EXACT, "class")
    outputs = (ops.convert_to_numpy(m(x)) for m in (loaded, model))
    yield Check(".keras", relative_error(*outputs), tolerances.EXACT)


CASES = [
    LayerCase(
        symbol="layers.Normalization",
        kwargs={"mean": MEAN, "variance": VARIANCE},
        inputs=(SEQUENCE,),
        masks=((4, 5),),
        reference=normalized,
        builtin_is_wrong={"torch:float64": "divides by a deviation in float32"},
    ),
    LayerCase(
        symbol="layers.Normalization",
        label="inverse, one mean",
        kwargs={"axis": None, "mean": 3.0, "variance": 2.0, "invert": True},
        inputs=(SEQUENCE,),
        reference=lambda weights, y, training: 3 + y * np.sqrt(2),
        builtin_is_wrong={"torch:float64": "multiplies with a deviation in float32"},
    ),
    CustomCase(symbol="layers.Normalization", label="adapted", run=adapted),
]
