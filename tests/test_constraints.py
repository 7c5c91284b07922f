"""Constraints: projections equal Keras' and a NumPy loop; names and configs."""

import keras
import numpy as np
import pytest
import tolerances as tol
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from kerasdl import constraints, layers
from kerasdl.parity import relative_error


def rescaled(w, desired):
    """Give each column the length that `desired` makes of its length."""
    columns = []
    for column in w.T:
        length = np.sqrt(sum(v * v for v in column))
        columns.append(column * desired(length) / (1e-7 + length))
    return np.array(columns).T


CASES = [
    ("MaxNorm", {}, lambda w: rescaled(w, lambda n: min(n, 2))),
    ("MaxNorm", dict(max_value=0.5), lambda w: rescaled(w, lambda n: min(n, 0.5))),
    ("UnitNorm", {}, lambda w: rescaled(w, lambda n: 1)),
    (
        "MinMaxNorm",
        dict(min_value=0.5, max_value=1.5, rate=0.3),
        lambda w: rescaled(w, lambda n: 0.3 * min(max(n, 0.5), 1.5) + 0.7 * n),
    ),
    ("NonNeg", {}, lambda w: np.where(w > 0, w, 0)),
]


@pytest.mark.parametrize(("name", "arguments", "loop"), CASES)
@settings(max_examples=10, deadline=None)
@given(shape=st.sampled_from([(1, 1), (4, 6), (6, 1)]), scale=st.floats(0.01, 10))
def test_equals_keras_and_the_loop(name, arguments, loop, shape, scale):
    w = scale * np.random.default_rng(0).normal(size=shape)  # few shapes: JAX compiles for each
    w[:, 0] = 0
    ours = getattr(constraints, name)(**arguments)
    theirs = getattr(keras.constraints, name)(**arguments)
    projected = ours(ops.convert_to_tensor(w))
    assert keras.backend.standardize_dtype(projected.dtype) == "float64"
    assert relative_error(projected, loop(w)) <= tol.FORWARD_64
    # On PyTorch the built-in NonNeg computes float64 in float32.
    rounded = name == "NonNeg" and keras.backend.backend() == "torch"
    tolerance = tol.FORWARD_32 if rounded else tol.FORWARD_64
    assert relative_error(projected, theirs(ops.convert_to_tensor(w))) <= tolerance
    assert ours.get_config() == theirs.get_config()


@pytest.mark.parametrize("name", ["MaxNorm", "UnitNorm", "MinMaxNorm"])
def test_axes_of_a_convolution(name, rng):
    w = 5 * rng.normal(size=(3, 3, 2, 4))
    ours = getattr(constraints, name)(axis=[0, 1, 2])
    theirs = getattr(keras.constraints, name)(axis=[0, 1, 2])
    assert relative_error(ours(w), theirs(w)) <= tol.FORWARD_64
    lengths = np.sqrt((ops.convert_to_numpy(ours(w)) ** 2).sum(axis=(0, 1, 2)))
    assert (lengths <= 2 + 1e-6).all()


def test_a_layer_projects_its_weights_after_each_update(rng):
    layer = layers.Dense(3, kernel_constraint="max_norm", bias_constraint="non_neg")
    model = keras.Sequential([layer])
    model.compile(optimizer=keras.optimizers.SGD(10.0), loss="mse")
    model.fit(rng.normal(size=(8, 4)), rng.normal(size=(8, 3)), verbose=0)
    kernel, bias = layer.get_weights()
    assert (np.linalg.norm(kernel, axis=0) <= 2 + 1e-5).all()
    assert (bias >= 0).all()
    again = layers.Dense.from_config(layer.get_config())
    assert type(again.kernel_constraint) is constraints.MaxNorm
    assert type(again.bias_constraint) is constraints.NonNeg


def test_names():
    for name in ("MaxNorm", "max_norm", "UnitNorm", "unit_norm", "NonNeg", "non_neg", "MinMaxNorm"):
        assert type(constraints.get(name)).__module__ == "kerasdl.constraints"
    assert constraints.min_max_norm is constraints.MinMaxNorm
    assert constraints.Constraint is keras.constraints.Constraint
    with pytest.raises(AttributeError, match="neither has"):
        _ = constraints.Diagonal
