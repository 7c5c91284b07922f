"""Normalisation as functions: NumPy, the hand-derived backward passes, extreme numbers."""

import keras
import numpy as np
import pytest
import tolerances as tol
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops as K

from kerasdl import ops
from kerasdl.backend import value_and_grad
from kerasdl.ops import normalization
from kerasdl.parity import finite_difference, relative_error


def rows(x, axes):
    """Every example's features, one after the other, as a view that can be written to."""
    moved = np.moveaxis(x, axes, range(-len(axes), 0))
    return (moved[i] for i in np.ndindex(moved.shape[: -len(axes)]))


def numpy_layer_norm(x, gamma, beta, axes, epsilon):
    y = np.array(x)
    for features in rows(y, axes):
        mu = sum(features.flat) / features.size
        sigma_2 = sum((f - mu) ** 2 for f in features.flat) / features.size
        features[...] = gamma * (features - mu) / np.sqrt(sigma_2 + epsilon) + beta
    return y


def numpy_rms_norm(x, gamma, beta, axes, epsilon):
    y = np.array(x)
    for features in rows(y, axes):
        rms = np.sqrt(sum(f**2 for f in features.flat) / features.size + epsilon)
        features[...] = gamma * features / rms
    return y


FORMS = {
    "layer": (ops.layer_normalization, numpy_layer_norm),
    "layer, fast": (ops.fast_layer_normalization, numpy_layer_norm),
    "rms": (lambda x, g, b, *a: ops.rms_normalization(x, g, *a), numpy_rms_norm),
    "rms, fast": (lambda x, g, b, *a: ops.fast_rms_normalization(x, g, *a), numpy_rms_norm),
}
AXES = [(2,), (1, 2), (1,), (0, 2)]


@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("form", FORMS)
def test_equals_numpy(form, axes, rng):
    function, reference = FORMS[form]
    x = rng.normal(loc=2.0, size=(2, 3, 4))
    gamma, beta = rng.normal(size=(2, *(x.shape[a] for a in axes)))
    y = function(x, gamma, beta, axes, 0.1)
    assert relative_error(y, reference(x, gamma, beta, axes, 0.1)) <= tol.FORWARD_64


@pytest.mark.parametrize("axes", [(2,), (0, 2)])
@pytest.mark.parametrize("form", ["layer, fast", "rms, fast"])
def test_equals_finite_differences(form, axes, rng):
    function, _ = FORMS[form]
    x, w = rng.normal(loc=2.0, size=(2, 2, 2, 3))
    gamma, beta = rng.normal(size=(2, *(x.shape[a] for a in axes)))

    def loss(x, gamma, beta):
        return K.sum(function(x, gamma, beta, axes, 0.1) * K.convert_to_tensor(w))

    _, gradients = value_and_grad(loss, [x, gamma, beta])
    for i, gradient in enumerate(gradients[: 2 if "rms" in form else 3]):
        others = [x, gamma, beta]

        def of_one(t, i=i, others=others):
            return loss(*others[:i], t, *others[i + 1 :])

        expected = finite_difference(of_one, others[i])
        assert relative_error(gradient, expected) <= tol.FINITE_DIFFERENCE


@pytest.mark.parametrize(("scale", "center"), [(1, 1), (1, 0), (0, 1), (0, 0)])
@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("name", ["layer", "rms"])
def test_fast_form_equals_the_equation(name, axes, scale, center, rng):
    x = rng.normal(size=(2, 3, 4))
    gamma, beta = rng.normal(size=(2, *(x.shape[a] for a in axes)))
    w = rng.normal(size=x.shape)
    given = [p for p, is_given in ((gamma, scale), (beta, center)) if is_given]

    def loss(function):
        def of(x, *parameters):
            g = parameters[0] if scale else None
            b = parameters[-1] if center else None
            return K.sum(function(x, g, b, axes, 1e-3) * K.convert_to_tensor(w))

        return value_and_grad(of, [x, *given])

    value, gradients = loss(FORMS[name][0])
    fast_value, fast_gradients = loss(FORMS[name + ", fast"][0])
    assert relative_error(fast_value, value) <= tol.FORWARD_64
    for fast, plain in zip(fast_gradients, gradients):
        assert relative_error(fast, plain) <= tol.GRADIENT_64


def test_fast_form_on_a_gpu_sums_instead_of_multiplying(monkeypatch, rng):
    """The branch of an accelerator, on this machine."""
    monkeypatch.setattr(normalization, "has_accelerator", lambda: True)
    products = []
    monkeypatch.setattr(normalization, "product", lambda *pair: products.append(pair))
    test_fast_form_equals_the_equation("layer", (2,), 1, 1, rng)
    assert not products


@pytest.mark.parametrize("size", [1e-18, 1e-6, 1e6, 1e15])
@pytest.mark.parametrize("name", ["layer", "rms"])
def test_fast_form_at_extreme_sizes_in_float32(name, size, rng):
    """Derived automatically, r³ underflows at 1e15; by hand the factors come one at a time."""
    if (keras.backend.backend(), name, size) == ("jax", "rms", 1e15):
        pytest.skip("JAX takes the equation and its automatic gradient, which is faster there")
    x = (size * rng.normal(size=(3, 8))).astype("float32")

    def gradient(function, x):
        gamma = np.ones(8, x.dtype)
        dx = value_and_grad(lambda x: K.sum(function(x, gamma, None, -1, 1e-6)[:, 0]), [x])[1][0]
        return K.convert_to_numpy(dx).astype("float64")

    exact = gradient(FORMS[name][0], x.astype("float64"))
    fast = gradient(FORMS[name + ", fast"][0], x)
    assert (
        relative_error(fast / np.abs(exact).max(), exact / np.abs(exact).max()) <= tol.GRADIENT_32
    )


@pytest.mark.parametrize("function", [ops.layer_normalization, ops.fast_layer_normalization])
@settings(max_examples=10)
@given(seed=st.integers(0, 10_000), shift=st.floats(-1e3, 1e3), factor=st.floats(0.1, 1e3))
def test_layer_norm_ignores_shift_and_scale(function, seed, shift, factor):
    x = np.random.default_rng(seed).normal(size=(2, 7))
    y, moved = function(x, epsilon=0.0), function(factor * x + shift, epsilon=0.0)
    assert relative_error(moved, y) <= 1e-9  # the shift takes four of sixteen digits away
    assert np.allclose(K.convert_to_numpy(K.sum(y, axis=-1)), 0)


def test_variance_does_not_cancel():
    """Mean 10 000 times the deviation: Σx²/n − μ² in float32 would be noise."""
    x = (1e4 + np.array([[-1.0, 1.0, -1.0, 1.0]])).astype("float32")
    for function in (ops.layer_normalization, ops.fast_layer_normalization):
        assert relative_error(function(x, epsilon=0.0), [[-1, 1, -1, 1]]) <= tol.FORWARD_32


def test_deviation_scaling(rng):
    x = rng.normal(size=(3, 4))
    expected = x / np.sqrt(x.var(axis=-1, keepdims=True) + 0.1) * 2
    y = ops.deviation_scaling(x, np.full(4, 2.0), epsilon=0.1)
    assert relative_error(y, expected) <= tol.FORWARD_64


@pytest.mark.parametrize("axis", [-1, 1, (1, 2)])
def test_unit_normalization(axis, rng):
    x = rng.normal(size=(2, 3, 4))
    expected = x / np.sqrt((x**2).sum(axis=axis, keepdims=True))
    assert relative_error(ops.unit_normalization(x, axis), expected) <= tol.FORWARD_64


def test_unit_normalization_of_zeros_has_a_finite_gradient():
    x = np.array([[0.0, 0.0], [3.0, 4.0]])
    value, (dx,) = value_and_grad(lambda x: K.sum(ops.unit_normalization(x)), [x])
    assert np.allclose(K.convert_to_numpy(value), 1.4)
    assert np.all(np.isfinite(K.convert_to_numpy(dx)))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_computed_in_float32(dtype):
    x = K.convert_to_tensor([[-3e4, 3e4, 3e4, -3e4]], dtype=dtype)
    for function in (
        ops.layer_normalization,
        ops.fast_layer_normalization,
        ops.rms_normalization,
        ops.fast_rms_normalization,
    ):
        y = function(x)
        assert keras.backend.standardize_dtype(y.dtype) == dtype
        assert np.allclose(K.convert_to_numpy(K.cast(y, "float32")), [[-1, 1, 1, -1]], atol=0.01)
    y = K.cast(ops.unit_normalization(x), "float32")
    assert np.allclose(K.convert_to_numpy(y), [[-0.5, 0.5, 0.5, -0.5]])
