"""Activations against their definitions in NumPy, Keras' own, and their limits."""

import math

import keras
import numpy as np
import pytest
import tolerances as tol
from hypothesis import given
from hypothesis import strategies as st
from keras import ops

from kerasdl import activations
from kerasdl.backend import value_and_grad
from kerasdl.parity import relative_error

BACKEND = keras.backend.backend()
X = np.linspace(-4, 4, 14) + 0.013  # no kink falls on a point


def sigma(x):
    return 1 / (1 + np.exp(-x))


def numpy_sparsemax(x):
    """Bisection for the threshold: another way than sorting."""
    low, high = x.min() - 1, x.max()
    for _ in range(200):
        tau = (low + high) / 2
        low, high = (tau, high) if np.maximum(x - tau, 0).sum() > 1 else (low, tau)
    return np.maximum(x - tau, 0)


def exponential_unit(x, depth, width=1.0):
    return np.where(x > 0, x, depth * np.expm1(np.minimum(x, 0) / width))


erf = np.vectorize(math.erf)
SELU = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717

# name: (function, arguments, the definition in NumPy)
CASES = {
    "linear": ("linear", {}, lambda x: x),
    "step": ("step", {}, lambda x: np.heaviside(x, 1)),
    "exponential": ("exponential", {}, np.exp),
    "relu": ("relu", {}, lambda x: np.maximum(x, 0)),
    "relu_leaky": ("relu", dict(negative_slope=0.1), lambda x: np.where(x > 0, x, 0.1 * x)),
    "relu_capped": (
        "relu",
        dict(max_value=2.1, threshold=0.5),
        lambda x: np.minimum(np.where(x > 0.5, x, 0), 2.1),
    ),
    "relu_all": (
        "relu",
        dict(negative_slope=0.25, max_value=2.0, threshold=0.5),
        lambda x: np.minimum(np.where(x > 0.5, x, 0.25 * (x - 0.5)), 2),
    ),
    "leaky_relu": ("leaky_relu", {}, lambda x: np.where(x > 0, x, 0.2 * x)),
    "leaky_relu_0.5": (
        "leaky_relu",
        dict(negative_slope=0.5),
        lambda x: np.where(x > 0, x, 0.5 * x),
    ),
    "relu6": ("relu6", {}, lambda x: np.clip(x, 0, 6)),
    "threshold": (
        "threshold",
        dict(threshold=0.7, default_value=0.1),
        lambda x: np.where(x > 0.7, x, 0.1),
    ),
    "hard_shrink": ("hard_shrink", {}, lambda x: x * (np.abs(x) > 0.5)),
    "soft_shrink": (
        "soft_shrink",
        dict(threshold=0.3),
        lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.3, 0),
    ),
    "sigmoid": ("sigmoid", {}, sigma),
    "log_sigmoid": ("log_sigmoid", {}, lambda x: np.log(sigma(x))),
    "tanh": ("tanh", {}, np.tanh),
    "tanh_shrink": ("tanh_shrink", {}, lambda x: x - np.tanh(x)),
    "softsign": ("softsign", {}, lambda x: x / (1 + np.abs(x))),
    "hard_sigmoid": ("hard_sigmoid", {}, lambda x: np.clip(x / 6 + 0.5, 0, 1)),
    "sparse_sigmoid": ("sparse_sigmoid", {}, lambda x: np.clip((x + 1) / 2, 0, 1)),
    "hard_tanh": ("hard_tanh", {}, lambda x: np.clip(x, -1, 1)),
    "softplus": ("softplus", {}, lambda x: np.logaddexp(x, 0)),
    "squareplus": ("squareplus", {}, lambda x: (x + np.sqrt(x**2 + 4)) / 2),
    "squareplus_0.1": ("squareplus", dict(b=0.1), lambda x: (x + np.sqrt(x**2 + 0.1)) / 2),
    "sparse_plus": (
        "sparse_plus",
        {},
        lambda x: np.where(x < -1, 0, np.where(x < 1, (x + 1) ** 2 / 4, x)),
    ),
    "elu": ("elu", {}, lambda x: exponential_unit(x, 1)),
    "elu_0.3": ("elu", dict(alpha=0.3), lambda x: exponential_unit(x, 0.3)),
    "selu": ("selu", {}, lambda x: SELU[0] * exponential_unit(x, SELU[1])),
    "celu": ("celu", {}, lambda x: exponential_unit(x, 1)),
    "celu_0.3": ("celu", dict(alpha=0.3), lambda x: exponential_unit(x, 0.3, 0.3)),
    "gelu": ("gelu", {}, lambda x: 0.5 * x * (1 + erf(x / math.sqrt(2)))),
    "gelu_tanh": (
        "gelu",
        dict(approximate=True),
        lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    ),
    "silu": ("silu", {}, lambda x: x * sigma(x)),
    "hard_silu": ("hard_silu", {}, lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
    "mish": ("mish", {}, lambda x: x * np.tanh(np.log1p(np.exp(x)))),
    "glu": ("glu", {}, lambda x: x[: len(x) // 2] * sigma(x[len(x) // 2 :])),
    "softmax": ("softmax", {}, lambda x: np.exp(x) / np.exp(x).sum()),
    "log_softmax": ("log_softmax", {}, lambda x: x - np.log(np.exp(x).sum())),
    "sparsemax": ("sparsemax", {}, numpy_sparsemax),
}
NOT_IN_KERAS = {"step"}
COMPARABLE = [c for c in CASES if c not in NOT_IN_KERAS | {"sparsemax"}]
# Constants that TensorFlow's own kernels pass through float32 (see `backend.constant`).
ROUNDED_ON_TENSORFLOW = {"relu_leaky", "relu_capped", "leaky_relu", "gelu", "gelu_tanh"}
# `keras.ops.tanh` computes float64 in float32 on JAX. On PyTorch `b`, and in the gradients 1/6 and
# α, pass through float32.
KERAS_ROUNDS = {
    ("jax", "tanh"),
    ("torch", "squareplus_0.1"),
    ("torch", "hard_sigmoid"),
    ("torch", "celu_0.3"),
}


def ours(case, x):
    name, arguments, _ = CASES[case]
    return getattr(activations, name)(x, **arguments)


def theirs(case, x):
    name, arguments, _ = CASES[case]
    return getattr(keras.activations, name)(x, **arguments)


def test_every_name_of_keras_is_ours():
    names = {n for n in dir(keras.activations) if not n.startswith("_")}
    for name in names - {"get", "serialize", "deserialize"}:
        assert getattr(activations, name) is not getattr(keras.activations, name), name
        assert activations.get(name) is getattr(activations, name)


@pytest.mark.parametrize("case", CASES)
def test_equal_to_its_definition(case):
    limit = 1e-7 if BACKEND == "tensorflow" and case in ROUNDED_ON_TENSORFLOW else tol.FORWARD_64
    y = ours(case, ops.convert_to_tensor(X))
    assert keras.backend.standardize_dtype(y.dtype) == "float64"
    assert relative_error(y, CASES[case][2](X)) <= limit


@pytest.mark.parametrize("case", COMPARABLE)
def test_equal_to_keras_forward_and_gradient(case, rng):
    x = ops.convert_to_tensor(X)
    rounded = 1e-6 if (BACKEND, case) in KERAS_ROUNDS else 0
    assert relative_error(ours(case, x), theirs(case, x)) <= max(tol.FORWARD_64, rounded)
    w = ops.convert_to_tensor(rng.normal(size=ours(case, x).shape))

    def loss(function):
        return lambda x: ops.sum(function(case, x) * w)

    (dx,), (dx_theirs,) = (value_and_grad(loss(f), [x])[1] for f in (ours, theirs))
    assert relative_error(dx, dx_theirs) <= max(tol.GRADIENT_64, rounded)


def slope(function, x, direction, h=1e-6):
    """Central difference along one direction."""
    up, down = (ops.convert_to_tensor(x + s * h * direction) for s in (1, -1))
    return (float(function(up)) - float(function(down))) / (2 * h)


@pytest.mark.parametrize("case", sorted(set(CASES) - {"step"}))
def test_gradient_by_finite_differences(case, rng):
    w = ops.convert_to_tensor(rng.normal(size=ours(case, ops.convert_to_tensor(X)).shape))
    direction = rng.normal(size=X.shape)

    def loss(x):
        return ops.sum(ours(case, x) * w)

    _, (dx,) = value_and_grad(loss, [X])
    estimate = slope(loss, X, direction)
    exact = float((ops.convert_to_numpy(dx) * direction).sum())
    assert relative_error(exact, estimate) <= tol.FINITE_DIFFERENCE


@pytest.mark.parametrize("case", COMPARABLE)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_equal_to_keras_in_low_precision(case, dtype):
    x = ops.cast(X, dtype)
    y, y_theirs = ours(case, x), theirs(case, x)
    assert keras.backend.standardize_dtype(y.dtype) == dtype
    limit = tol.FORWARD_32 if dtype == "float32" else tol.FORWARD_BF16
    assert relative_error(ops.cast(y, "float32"), ops.cast(y_theirs, "float32")) <= limit


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_value_and_gradient_stay_finite_far_out(case, dtype):
    far = np.tile([1e4, -1e4, 90.0, -90.0], 2)
    if CASES[case][0] == "exponential":
        far = np.minimum(far, 80)  # beyond, infinity is the value
    x = ops.cast(far, dtype)
    y = ours(case, x)
    with np.errstate(all="ignore"):
        exact = CASES[case][2](np.asarray(ops.convert_to_numpy(ops.cast(x, "float64"))))
    if np.isfinite(exact).all():  # NumPy's definitions overflow in places; ours may not
        limit = tol.FORWARD_32 if dtype == "float32" else tol.FORWARD_BF16
        assert relative_error(ops.cast(y, "float64"), exact) <= limit
    _, (dx,) = value_and_grad(lambda x: ops.sum(ops.cast(ours(case, x), "float32")), [x])
    for values in (y, dx):
        assert np.isfinite(ops.convert_to_numpy(ops.cast(values, "float64"))).all()


@pytest.mark.parametrize(
    "case", sorted(set(CASES) - {"step", "glu", "softmax", "log_softmax", "sparsemax"})
)
def test_derivative_at_zero_is_one_of_the_two_sides(case):
    """`where` and `abs` in a formula must not lose the derivative at the seam."""
    x = np.array([0.0, 1e-9, -1e-9])
    _, (dx,) = value_and_grad(lambda x: ops.sum(ours(case, x)), [x])
    left, here, right = (
        ops.convert_to_numpy(ours(case, ops.convert_to_tensor(x + h))) for h in (-1e-5, 0, 1e-5)
    )
    sides = np.stack([here - left, right - here]) / 1e-5
    assert (np.abs(sides - ops.convert_to_numpy(dx)).min(axis=0) < 1e-3).all()


@pytest.mark.skipif(BACKEND == "torch", reason="`value_and_grad` keeps no graph on PyTorch")
@pytest.mark.parametrize("case", ["sigmoid", "softplus", "silu", "elu_0.3", "softmax", "tanh"])
def test_second_derivatives(case):
    x = np.array([-1.5, 0.2, 0.9])
    w = ops.convert_to_tensor(np.array([1.0, -2.0, 0.5]))
    direction = np.array([0.3, -1.0, 0.7])

    def first(x):
        _, (dx,) = value_and_grad(lambda x: ops.sum(ours(case, x) * w), [x])
        return ops.sum(dx * w)

    _, (second,) = value_and_grad(first, [x])
    exact = float((ops.convert_to_numpy(second) * direction).sum())
    assert relative_error(exact, slope(first, x, direction)) <= tol.FINITE_DIFFERENCE


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=9))
def test_simplex(scores):
    x = ops.convert_to_tensor(np.array(scores))
    for function in (activations.softmax, activations.sparsemax):
        p = ops.convert_to_numpy(function(x))
        assert (p >= 0).all()
        assert abs(p.sum() - 1) < 1e-9
    log_p = ops.convert_to_numpy(activations.log_softmax(x))
    assert np.allclose(np.exp(log_p), ops.convert_to_numpy(activations.softmax(x)))


@pytest.mark.parametrize("axis", [-1, 0, 1, (0, 2), (1, 2), None])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_over_any_axes(rng, name, axis):
    x = rng.normal(size=(2, 3, 4))
    exact = np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)
    y = getattr(activations, name)(ops.convert_to_tensor(x), axis=axis)
    assert relative_error(y, exact if name == "softmax" else np.log(exact)) <= tol.FORWARD_64


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_sparsemax_over_any_axis(rng, axis):
    x = rng.normal(size=(3, 4, 5)) * 2
    exact = np.apply_along_axis(numpy_sparsemax, axis, x)
    assert relative_error(activations.sparsemax(x, axis=axis), exact) <= tol.FORWARD_64


def test_sparsemax_sums_to_one_where_keras_does_not():
    """Keras adds up all partial sums of the support in place of taking the last one."""
    x = ops.convert_to_tensor(np.array([2.0, 1.5, -1.0]))
    assert relative_error(activations.sparsemax(x), [0.75, 0.25, 0.0]) <= tol.FORWARD_64
    assert float(ops.sum(keras.activations.sparsemax(x))) == 0


def test_glu_needs_an_even_size():
    with pytest.raises(ValueError, match="axis size must be divisible by 2"):
        activations.glu(np.zeros((2, 3)))
    assert activations.glu(np.zeros((2, 4, 3)), axis=1).shape == (2, 2, 3)


@pytest.mark.parametrize("case", CASES)
def test_on_symbolic_tensors(case):
    """`activations.relu(keras.Input(…))` puts the operations into a functional model."""
    inputs = keras.Input((4, 6))
    model = keras.Model(inputs, ours(case, inputs + 0.0))
    x = np.linspace(-3, 3, 48).reshape(2, 4, 6).astype("float32")
    assert relative_error(model(x), ours(case, ops.convert_to_tensor(x))) <= tol.FORWARD_32


def test_softmax_of_large_scores_is_finite_and_sums_to_one():
    x = ops.convert_to_tensor(np.array([[1e4, -1e4, 1e4], [-1e4, -1e4, -1e4]], "float32"))
    p = ops.convert_to_numpy(activations.softmax(x))
    assert np.allclose(p, [[0.5, 0, 0.5], [1 / 3] * 3], atol=1e-7)


def test_relu_with_a_negative_threshold_follows_its_equation():
    """Keras clips at 0 as soon as there is a `max_value`; the equation does not."""
    y = activations.relu(ops.array([-1.0, -0.25, 1.0, 5.0]), 0.5, max_value=2.0, threshold=-0.5)
    assert ops.convert_to_numpy(y).tolist() == [-0.25, -0.25, 1.0, 2.0]


def test_celu_has_slope_one_at_zero():
    """Keras' on TensorFlow has 2 there: the gradients of maximum and minimum both count the tie."""
    for function in (activations.celu, activations.elu):
        _, (dx,) = value_and_grad(lambda x, f=function: ops.sum(f(x)), [np.zeros(1)])
        assert float(dx[0]) == 1
    _, (dx,) = value_and_grad(lambda x: ops.sum(keras.activations.celu(x)), [np.zeros(1)])
    assert float(dx[0]) == (2 if BACKEND == "tensorflow" else 1)


def test_relu_limits():
    x = ops.convert_to_tensor(np.array([-np.inf, 0.0, np.inf, np.nan]))
    y = ops.convert_to_numpy(activations.relu(x))
    assert y[0] == 0
    assert y[1] == 0
    assert y[2] == np.inf
    assert np.isnan(y[3]), "a diverged network must show"
    _, (dx,) = value_and_grad(lambda x: ops.sum(activations.relu(x)), [ops.zeros((3,))])
    assert not ops.convert_to_numpy(dx).any(), "a dead unit gets no gradient"


@pytest.mark.parametrize("case", sorted(set(CASES) - {"glu", "threshold"}))
def test_nan_stays_nan(case):
    y = ops.convert_to_numpy(ours(case, ops.convert_to_tensor(np.array([1.0, np.nan]))))
    assert np.isnan(y[1])


def test_lookup_by_name():
    assert activations.get("gelu") is activations.gelu
    assert activations.get("swish") is activations.silu
    assert activations.get("hard_swish") is activations.hard_silu
    assert activations.get(None) is activations.linear
    assert activations.get(keras.activations.elu) is keras.activations.elu
    assert activations.serialize(activations.relu) == "relu"
    assert activations.serialize(activations.swish) == "silu"
    assert activations.deserialize("relu") is activations.relu
    assert activations.deserialize(activations.serialize(keras.activations.elu)) is activations.elu
    with pytest.raises(ValueError, match="nonsense"):
        activations.get("nonsense")


def test_a_users_function_survives_the_round_trip():
    @keras.saving.register_keras_serializable(package="tests")
    def cube(x):
        return x**3

    assert activations.deserialize(activations.serialize(cube)) is cube
    assert activations.deserialize("relu", custom_objects={"relu": cube}) is cube


def test_the_names_are_registered():
    registered = keras.saving.get_registered_object("kerasdl>sparsemax")
    assert registered is activations.sparsemax
