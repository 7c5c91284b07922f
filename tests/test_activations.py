"""Activations against exact values, Keras' own, and their limits."""

import math

import keras
import numpy as np
import pytest
import tolerances as tol
from keras import ops

from kerasdl import activations
from kerasdl.backend import value_and_grad
from kerasdl.parity import finite_difference, relative_error

X = np.linspace(-4, 4, 41) + 0.013  # no kink falls on a point

FUNCTIONS = {
    "relu": (lambda m, x: m.relu(x)),
    "relu_leaky": (lambda m, x: m.relu(x, negative_slope=0.1)),
    "relu_capped": (lambda m, x: m.relu(x, max_value=2.0, threshold=0.5)),
    "relu_all": (lambda m, x: m.relu(x, negative_slope=0.25, max_value=2.0, threshold=0.5)),
    "gelu_tanh": (lambda m, x: m.gelu(x, approximate=True)),
    "softmax": (lambda m, x: m.softmax(ops.reshape(x, (1, 41)))),
    "softmax_axis": (lambda m, x: m.softmax(ops.reshape(x, (41, 1)), axis=0)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_equal_to_keras_forward_and_gradient(name, rng):
    function = FUNCTIONS[name]
    x = ops.convert_to_tensor(X)
    # `keras.ops.tanh` computes float64 in float32 on JAX; its own gelu does not go through it.
    rounded = 1e-6 if name == "gelu_tanh" and keras.backend.backend() == "jax" else 0
    assert relative_error(function(activations, x), function(keras.activations, x)) <= max(
        tol.FORWARD_64, rounded
    )
    w = rng.normal(size=41)

    def loss(module):
        return lambda x: ops.sum(ops.reshape(function(module, x), (41,)) * w)

    (ours,), (theirs,) = (
        value_and_grad(loss(module), [x])[1] for module in (activations, keras.activations)
    )
    assert relative_error(ours, theirs) <= max(tol.GRADIENT_64, rounded)
    estimate = finite_difference(loss(activations), X)
    if not rounded:  # differences of rounded numbers say nothing
        assert relative_error(ours, estimate) <= tol.FINITE_DIFFERENCE


def test_gelu_equals_its_definition():
    # On TensorFlow the constants √½ and 0.044715 pass through float32: 3e-8 of the argument.
    # On JAX `keras.ops.tanh` computes float64 in float32.
    limit = {"tensorflow": 1e-7, "jax": 1e-6}.get(keras.backend.backend(), tol.FORWARD_64)
    exact = np.array([0.5 * x * (1 + math.erf(x / math.sqrt(2))) for x in X])
    assert relative_error(activations.gelu(ops.convert_to_tensor(X)), exact) <= limit
    tanh = 0.5 * X * (1 + np.tanh(math.sqrt(2 / math.pi) * (X + 0.044715 * X**3)))
    ours = activations.gelu(ops.convert_to_tensor(X), approximate=True)
    assert relative_error(ours, tanh) <= limit


@pytest.mark.parametrize("name", ["relu", "relu_leaky", "gelu_tanh"])
@pytest.mark.parametrize("value", [-1e4, 1e4])
def test_finite_far_out(name, value):
    x = ops.convert_to_tensor(np.full(41, value, "float32"))
    y, (dx,) = value_and_grad(lambda x: ops.sum(FUNCTIONS[name](activations, x)), [x])
    assert np.isfinite(float(y))
    assert np.isfinite(ops.convert_to_numpy(dx)).all()


def test_softmax_of_large_scores_is_finite_and_sums_to_one():
    x = ops.convert_to_tensor(np.array([[1e4, -1e4, 1e4], [-1e4, -1e4, -1e4]], "float32"))
    p = ops.convert_to_numpy(activations.softmax(x))
    assert np.allclose(p, [[0.5, 0, 0.5], [1 / 3] * 3], atol=1e-7)


def test_relu_with_a_negative_threshold_follows_its_equation():
    """Keras clips at 0 as soon as there is a `max_value`; the equation does not."""
    y = activations.relu(ops.array([-1.0, -0.25, 1.0, 5.0]), 0.5, max_value=2.0, threshold=-0.5)
    assert ops.convert_to_numpy(y).tolist() == [-0.25, -0.25, 1.0, 2.0]


def test_relu_limits():
    x = ops.convert_to_tensor(np.array([-np.inf, 0.0, np.inf, np.nan]))
    y = ops.convert_to_numpy(activations.relu(x))
    assert y[0] == 0
    assert y[1] == 0
    assert y[2] == np.inf
    assert np.isnan(y[3]), "a diverged network must show"
    _, (dx,) = value_and_grad(lambda x: ops.sum(activations.relu(x)), [ops.zeros((3,))])
    assert not ops.convert_to_numpy(dx).any(), "a dead unit gets no gradient"


def test_lookup_by_name():
    assert activations.get("gelu") is activations.gelu
    assert activations.get("tanh") is keras.activations.tanh
    assert activations.get(None) is keras.activations.linear
    assert activations.serialize(activations.relu) == "relu"
    assert activations.deserialize("relu") is activations.relu
    assert activations.deserialize(activations.serialize(keras.activations.elu)) is (
        keras.activations.elu
    )
    with pytest.raises(ValueError, match="nonsense"):
        activations.get("nonsense")
