"""Equality to the papers' pseudo-code, written independently in NumPy and float64.

Where Keras (and with it ours) departs from the paper, the test makes the same change to the
pseudo-code, and the docstring names it. All constants are exact in float32, through which
TensorFlow and the learning rate pass them.
"""

import keras
import numpy as np
import optimizer_steps as at_work
import pytest
import tolerances as tol

from kerasdl import optimizers
from kerasdl.parity import relative_error

ALPHA, BETA_1, BETA_2, RHO, MU = 0.125, 0.875, 0.9375, 0.75, 0.875
EPSILON = 2.0**-10  # large, so that its place shows
STEPS = 15


def paper(rule, start=None):
    """Run `rule(t, theta, g, state)` on each variable, where state is its own dictionary."""
    results = []
    for theta, stack in zip(at_work.variables(), at_work.gradients(STEPS), strict=True):
        theta = keras.ops.convert_to_numpy(theta)
        state = {}
        for t, g in enumerate(stack, start=1):
            theta = rule(t, theta, g, state)
        results.append(theta)
    return results


def assert_equal(optimizer, rule):
    ours = at_work.run(optimizer, STEPS, compiled=False)
    for a, b in zip(ours, paper(rule), strict=True):
        assert relative_error(a, b) <= tol.FORWARD_64


def test_gradient_descent():
    assert_equal(optimizers.SGD(ALPHA), lambda t, theta, g, s: theta - ALPHA * g)


def test_momentum():
    """Sutskever et al., equations 1 and 2."""

    def rule(t, theta, g, s):
        s["v"] = MU * s.get("v", 0) - ALPHA * g
        return theta + s["v"]

    assert_equal(optimizers.SGD(ALPHA, momentum=MU), rule)


def test_momentum_is_the_moving_average_with_a_longer_step():
    """v ← βv + (1 − β)g and the step η v, η = α / (1 − β)."""

    def rule(t, theta, g, s):
        s["v"] = MU * s.get("v", 0) + (1 - MU) * g
        return theta - ALPHA / (1 - MU) * s["v"]

    assert_equal(optimizers.SGD(ALPHA, momentum=MU), rule)


def test_nesterov_looks_ahead():
    """Sutskever et al., equations 3 and 4; ours are the points at which the gradient is taken."""
    A = np.array([[2.0, 0.5], [0.5, 1.0]])
    theta, v = np.array([1.0, -2.0]), np.zeros(2)
    w = keras.Variable(theta, dtype="float64")
    optimizer = optimizers.SGD(ALPHA, momentum=MU, nesterov=True)
    for _ in range(30):
        v = MU * v - ALPHA * A @ (theta + MU * v)
        theta = theta + v
        g = keras.ops.convert_to_tensor(A @ keras.ops.convert_to_numpy(w))
        optimizer.apply([g], [w])
        assert relative_error(keras.ops.convert_to_numpy(w), theta + MU * v) <= tol.FORWARD_64


def test_adagrad():
    """Duchi et al. have δ + √s and s₀ = 0; Keras √(s + ε) and s₀ = 0.1."""

    def rule(t, theta, g, s):
        s["s"] = s.get("s", 0.5) + g**2
        return theta - ALPHA * g / np.sqrt(s["s"] + EPSILON)

    assert_equal(optimizers.Adagrad(ALPHA, initial_accumulator_value=0.5, epsilon=EPSILON), rule)


def test_rmsprop_of_the_lecture():
    """Hinton's slide has no ε; Keras √(v + ε)."""

    def rule(t, theta, g, s):
        s["v"] = RHO * s.get("v", 0) + (1 - RHO) * g**2
        return theta - ALPHA * g / np.sqrt(s["v"] + EPSILON)

    assert_equal(optimizers.RMSprop(ALPHA, rho=RHO, epsilon=EPSILON), rule)


def test_centred_rmsprop_with_momentum():
    """Graves, equations 38 to 41, unchanged."""

    def rule(t, theta, g, s):
        s["n"] = RHO * s.get("n", 0) + (1 - RHO) * g**2
        s["g"] = RHO * s.get("g", 0) + (1 - RHO) * g
        s["delta"] = MU * s.get("delta", 0) - ALPHA * g / np.sqrt(s["n"] - s["g"] ** 2 + EPSILON)
        return theta + s["delta"]

    optimizer = optimizers.RMSprop(ALPHA, rho=RHO, momentum=MU, epsilon=EPSILON, centered=True)
    assert_equal(optimizer, rule)


@pytest.mark.parametrize("alpha", [1.0, ALPHA])
def test_adadelta(alpha):
    """Zeiler, algorithm 1 (α = 1); Keras multiplies the step, not its average, by α."""

    def rule(t, theta, g, s):
        s["g"] = RHO * s.get("g", 0) + (1 - RHO) * g**2
        delta = -np.sqrt(s.get("x", 0) + EPSILON) / np.sqrt(s["g"] + EPSILON) * g
        s["x"] = RHO * s.get("x", 0) + (1 - RHO) * delta**2
        return theta + alpha * delta

    assert_equal(optimizers.Adadelta(alpha, rho=RHO, epsilon=EPSILON), rule)


def test_adam():
    """Kingma and Ba, algorithm 1, with ε = ε̂ / √(1 − β₂ᵗ), which differs from step to step."""

    def rule(t, theta, g, s):
        s["m"] = BETA_1 * s.get("m", 0) + (1 - BETA_1) * g
        s["v"] = BETA_2 * s.get("v", 0) + (1 - BETA_2) * g**2
        m_hat = s["m"] / (1 - BETA_1**t)
        v_hat = s["v"] / (1 - BETA_2**t)
        return theta - ALPHA * m_hat / (np.sqrt(v_hat) + EPSILON / np.sqrt(1 - BETA_2**t))

    assert_equal(optimizers.Adam(ALPHA, BETA_1, BETA_2, EPSILON), rule)


@pytest.mark.parametrize("make", [optimizers.Adam, optimizers.AdamW])
def test_amsgrad(make):
    """Reddi et al., algorithm 2, with Adam's αₜ and ε̂ added; the maximum is of the raw v."""
    decay = 0.25 if make is optimizers.AdamW else 0.0

    def rule(t, theta, g, s):
        s["m"] = BETA_1 * s.get("m", 0) + (1 - BETA_1) * g
        s["v"] = BETA_2 * s.get("v", 0) + (1 - BETA_2) * g**2
        s["v_hat"] = np.maximum(s.get("v_hat", 0), s["v"])
        alpha_t = ALPHA * np.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)
        step = alpha_t * s["m"] / (np.sqrt(s["v_hat"]) + EPSILON)
        return theta - ALPHA * decay * theta - step

    options = {"beta_1": BETA_1, "beta_2": BETA_2, "epsilon": EPSILON, "amsgrad": True}
    assert_equal(make(ALPHA, weight_decay=decay or None, **options), rule)


def test_adamw():
    """Loshchilov and Hutter, algorithm 2, with λ_paper = αλ and Adam's ε̂."""
    eta, paper_decay = 1.0, ALPHA * 0.25

    def rule(t, theta, g, s):
        s["m"] = BETA_1 * s.get("m", 0) + (1 - BETA_1) * g
        s["v"] = BETA_2 * s.get("v", 0) + (1 - BETA_2) * g**2
        m_hat = s["m"] / (1 - BETA_1**t)
        v_hat = s["v"] / (1 - BETA_2**t)
        epsilon = EPSILON / np.sqrt(1 - BETA_2**t)
        return theta - eta * (ALPHA * m_hat / (np.sqrt(v_hat) + epsilon) + paper_decay * theta)

    assert_equal(optimizers.AdamW(ALPHA, 0.25, BETA_1, BETA_2, EPSILON), rule)


def test_adamax():
    """Kingma and Ba, algorithm 2, with ε added to u."""

    def rule(t, theta, g, s):
        s["m"] = BETA_1 * s.get("m", 0) + (1 - BETA_1) * g
        s["u"] = np.maximum(BETA_2 * s.get("u", 0), np.abs(g))
        return theta - ALPHA / (1 - BETA_1**t) * s["m"] / (s["u"] + EPSILON)

    assert_equal(optimizers.Adamax(ALPHA, BETA_1, BETA_2, EPSILON), rule)


def test_nadam():
    """Dozat, algorithm 2, with β₁ in place of μₜ in m, ν nₜ → nₜ, and the exponent t / 250 → t."""
    warm = float(np.float32(0.96)) if keras.backend.backend() == "tensorflow" else 0.96

    def mu(t, base):
        return BETA_1 * (1 - 0.5 * base**t)

    def rule(t, theta, g, s):
        s["m"] = BETA_1 * s.get("m", 0) + (1 - BETA_1) * g
        s["n"] = BETA_2 * s.get("n", 0) + (1 - BETA_2) * g**2
        s["product"] = s.get("product", 1) * mu(t, 0.96)
        now, after = mu(t, warm), mu(t + 1, warm)
        m_hat = after * s["m"] / (1 - s["product"] * after) + (1 - now) * g / (1 - s["product"])
        n_hat = s["n"] / (1 - BETA_2**t)
        return theta - ALPHA * m_hat / (np.sqrt(n_hat) + EPSILON)

    assert_equal(optimizers.Nadam(ALPHA, BETA_1, BETA_2, EPSILON), rule)


def test_lion():
    """Chen et al., program 1, unchanged."""

    def rule(t, theta, g, s):
        m = s.get("m", 0)
        s["m"] = BETA_2 * m + (1 - BETA_2) * g
        return theta - ALPHA * np.sign(BETA_1 * m + (1 - BETA_1) * g)

    assert_equal(optimizers.Lion(ALPHA, BETA_1, BETA_2), rule)


def test_lamb():
    """You et al., algorithm 2, without the decay inside the norm and with φ(z) = z."""

    def rule(t, theta, g, s):
        s["m"] = BETA_1 * s.get("m", 0) + (1 - BETA_1) * g
        s["v"] = BETA_2 * s.get("v", 0) + (1 - BETA_2) * g**2
        r = s["m"] / (1 - BETA_1**t) / (np.sqrt(s["v"] / (1 - BETA_2**t)) + EPSILON)
        return theta - ALPHA * np.linalg.norm(theta) / np.linalg.norm(r) * r

    assert_equal(optimizers.Lamb(ALPHA, BETA_1, BETA_2, EPSILON), rule)


def test_ftrl():
    """McMahan et al., algorithm 1, with n₀ = 0.5, and 2 λ₂ for their λ₂."""
    l1, l2, beta = 0.5, 0.25, 0.5

    def rule(t, theta, g, s):
        n = s.get("n", 0.5)
        sigma = (np.sqrt(n + g**2) - np.sqrt(n)) / ALPHA
        s["z"] = s.get("z", 0) + g - sigma * theta
        s["n"] = n + g**2
        z = s["z"]
        w = -1 / ((beta + np.sqrt(s["n"])) / ALPHA + 2 * l2) * (z - np.sign(z) * l1)
        return np.where(np.abs(z) <= l1, 0, w)

    optimizer = optimizers.Ftrl(
        ALPHA,
        initial_accumulator_value=0.5,
        l1_regularization_strength=l1,
        l2_regularization_strength=l2,
        beta=beta,
    )
    assert_equal(optimizer, rule)


def test_schedule_free():
    """Defazio et al., algorithm 1, which keeps x; c = 1 / t."""

    def rule(t, theta, g, s):
        z, x = s.get("z", theta), s.get("x", theta)
        s["v"] = BETA_2 * s.get("v", 0) + (1 - BETA_2) * g**2
        s["z"] = z - ALPHA * g / (np.sqrt(s["v"] / (1 - BETA_2**t)) + EPSILON)
        s["x"] = (1 - 1 / t) * x + s["z"] / t
        return (1 - BETA_1) * s["z"] + BETA_1 * s["x"]

    assert_equal(optimizers.ScheduleFreeAdamW(ALPHA, BETA_1, BETA_2, EPSILON), rule)


def test_schedule_free_with_weight_decay():
    """Decoupled: y alone loses its share, also at the first step; x is what y and z say."""
    decay = 0.25

    def rule(t, theta, g, s):
        z, y = s.get("z", theta), theta - ALPHA * decay * theta
        x = (y - (1 - BETA_1) * z) / BETA_1
        s["v"] = BETA_2 * s.get("v", 0) + (1 - BETA_2) * g**2
        s["z"] = z - ALPHA * g / (np.sqrt(s["v"] / (1 - BETA_2**t)) + EPSILON)
        x = (1 - 1 / t) * x + s["z"] / t
        return (1 - BETA_1) * s["z"] + BETA_1 * x

    optimizer = optimizers.ScheduleFreeAdamW(ALPHA, BETA_1, BETA_2, EPSILON, weight_decay=decay)
    assert_equal(optimizer, rule)


def test_muon():
    """Jordan's `zeropower_via_newtonschulz5`, with Liu et al.'s factor 0.25 √(larger side)."""
    a, b, c = 3.5, -4.75, 2.0

    def rule(t, theta, g, s):
        if theta.ndim < 2:
            return theta
        s["m"] = MU * s.get("m", 0) + g
        X = (g + MU * s["m"]).T
        X = X / (np.linalg.norm(X) + 1e-7)
        for _ in range(3):
            A = X @ X.T
            X = a * X + (b * A + c * A @ A) @ X
        return theta - ALPHA * 0.25 * np.sqrt(max(X.shape)) * X.T

    optimizer = optimizers.Muon(
        ALPHA, momentum=MU, muon_a=a, muon_b=b, muon_c=c, ns_steps=3, rms_rate=0.25,
        weight_decay=None, adam_weight_decay=None,
    )  # fmt: skip
    ours, expected = at_work.run(optimizer, STEPS, compiled=False)[0], paper(rule)[0]
    assert relative_error(ours, expected) <= tol.FORWARD_64
