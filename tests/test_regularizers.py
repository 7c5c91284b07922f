"""Regularisers: value and gradient equal Keras' and a NumPy loop; names and configs."""

import keras
import numpy as np
import pytest
import tolerances as tol
from keras import ops

from kerasdl import layers, regularizers
from kerasdl.backend import value_and_grad
from kerasdl.parity import finite_difference, relative_error

CASES = [
    ("L1", {}, lambda w: 0.01 * np.abs(w).sum()),
    ("L1", dict(l1=0.3), lambda w: 0.3 * np.abs(w).sum()),
    ("L2", {}, lambda w: 0.01 * (w**2).sum()),
    ("L2", dict(l2=0.3), lambda w: 0.3 * (w**2).sum()),
    ("L1L2", dict(l1=0.1, l2=0.3), lambda w: 0.1 * np.abs(w).sum() + 0.3 * (w**2).sum()),
    ("L1L2", {}, lambda w: 0.0),
    ("OrthogonalRegularizer", dict(factor=0.5), lambda w: 0.5 * mean_cosine(w)),
    (
        "OrthogonalRegularizer",
        dict(factor=0.5, mode="columns"),
        lambda w: 0.5 * mean_cosine(w.T),
    ),
]


def mean_cosine(vectors):
    cosines = [
        abs(a @ b) / np.linalg.norm(a) / np.linalg.norm(b)
        for i, a in enumerate(vectors)
        for b in vectors[:i]
    ]
    return np.mean(cosines)


def connected(regularizer):
    """PyTorch has no gradient of a constant, which L1L2 with factors of 0 is."""
    return lambda w: regularizer(w) + 0 * ops.sum(w)


@pytest.mark.parametrize(("name", "arguments", "loop"), CASES)
def test_equals_keras_and_the_loop(name, arguments, loop, rng):
    w = rng.normal(size=(4, 6))
    ours = getattr(regularizers, name)(**arguments)
    theirs = getattr(keras.regularizers, name)(**arguments)
    value, (gradient,) = value_and_grad(connected(ours), [w])
    # A factor that passes through float32 is off by 3e-8 of itself.
    assert relative_error(value, loop(w)) <= 1e-7
    assert relative_error(gradient, finite_difference(loop, w)) <= tol.FINITE_DIFFERENCE
    if name == "OrthogonalRegularizer" and keras.backend.backend() == "tensorflow":
        w = w.astype("float32")  # the built-in multiplies float32 by float64, which fails
        value, (gradient,) = value_and_grad(ours, [w])
    their_value, (their_gradient,) = value_and_grad(connected(theirs), [w])
    # On PyTorch the built-in's product computes float64 in float32.
    rounded = name == "OrthogonalRegularizer" and keras.backend.backend() == "torch"
    exact = w.dtype == "float64" and not rounded
    forward, backward = (
        (tol.FORWARD_64, tol.GRADIENT_64) if exact else (tol.FORWARD_32, tol.GRADIENT_32)
    )
    assert relative_error(value, their_value) <= forward
    assert relative_error(gradient, their_gradient) <= backward


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16", "float64"])
@pytest.mark.parametrize(("name", "arguments", "loop"), CASES)
def test_every_dtype(name, arguments, loop, dtype):
    w = ops.cast(np.array([[1.0, 0.0], [1.0, 1.0]]), dtype)
    penalty = getattr(regularizers, name)(**arguments)(w)
    assert keras.backend.standardize_dtype(penalty.dtype) == dtype
    assert relative_error(ops.cast(penalty, "float64"), loop(np.array([[1.0, 0], [1, 1]]))) < 5e-3


def test_where_keras_has_no_number():
    regularizer = regularizers.OrthogonalRegularizer(0.5)
    assert float(regularizer(ops.ones((1, 3)))) == 0, "one vector has no pair"
    w = np.array([[0.0, 0.0], [3.0, 4.0], [1.0, 0.0]])
    value, (gradient,) = value_and_grad(regularizer, [w])
    assert np.isfinite(ops.convert_to_numpy(gradient)).all()
    assert relative_error(value, 0.5 * 0.6 / 3) <= 1e-7
    assert not np.isfinite(float(keras.regularizers.OrthogonalRegularizer()(ops.ones((1, 3)))))


def test_the_factor_stays_as_it_was_given():
    assert regularizers.L1(0.01).get_config() == {"l1": 0.01}
    assert regularizers.OrthogonalRegularizer(0.01).get_config()["factor"] == 0.01
    assert regularizers.L2(None).get_config() == {"l2": 0.01}
    if keras.backend.backend() != "jax":  # JAX makes float64 of it, where that is enabled
        assert keras.regularizers.L1(0.01).get_config() != {"l1": 0.01}


def test_names():
    for name in ("L1", "l1", "L2", "l2", "L1L2", "l1_l2", "l1l2", "orthogonal_regularizer"):
        assert type(regularizers.get(name)).__module__ == "kerasdl.regularizers"
    assert regularizers.l1_l2 is regularizers.L1L2
    assert regularizers.Regularizer is keras.Regularizer
    with pytest.raises(AttributeError, match="neither has"):
        _ = regularizers.L3


def test_a_layer_adds_them_to_its_losses_and_keeps_them_in_its_config():
    layer = layers.Dense(2, kernel_regularizer="l2", bias_regularizer=regularizers.L1(0.5))
    layer(np.ones((1, 3)))
    layer.set_weights([np.ones((3, 2)), np.ones(2)])
    assert relative_error(ops.sum(ops.stack(layer.losses)), 0.01 * 6 + 0.5 * 2) < 1e-6
    again = layers.Dense.from_config(layer.get_config())
    assert type(again.kernel_regularizer) is regularizers.L2
    assert type(again.bias_regularizer) is regularizers.L1


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), "x", [0.1]])
@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("L1", "l1"),
        ("L2", "l2"),
        ("L1L2", "l1"),
        ("L1L2", "l2"),
        ("OrthogonalRegularizer", "factor"),
    ],
)
def test_bad_factors(name, argument, value):
    with pytest.raises(ValueError, match=f"argument {argument}: expected a non-negative float"):
        getattr(regularizers, name)(**{argument: value})


def test_bad_modes_and_ranks():
    with pytest.raises(ValueError, match="argument `mode`"):
        regularizers.OrthogonalRegularizer(mode="both")
    with pytest.raises(ValueError, match="must have rank 2"):
        regularizers.OrthogonalRegularizer()(ops.ones((2, 2, 2)))
