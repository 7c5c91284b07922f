"""Batch normalisation as functions: NumPy, masks, the hand-derived backward pass."""

import numpy as np
import pytest
import tolerances as tol
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops as K

from kerasdl import ops
from kerasdl.backend import value_and_grad
from kerasdl.ops.batch_norm import masked_moments
from kerasdl.parity import finite_difference, relative_error


def numpy_moments(x, mask, epsilon):
    """Mean and variance a channel (the last axis), entry by entry."""
    mu, sigma_2 = np.zeros(x.shape[-1]), np.zeros(x.shape[-1])
    for channel in range(x.shape[-1]):
        kept = [x[i][channel] for i in np.ndindex(x.shape[:-1]) if mask[i]]
        mu[channel] = sum(kept) / (len(kept) + epsilon)
        sigma_2[channel] = sum((v - mu[channel]) ** 2 for v in kept) / (len(kept) + epsilon)
    return mu, sigma_2


@settings(max_examples=10)
@given(seed=st.integers(0, 10_000), share=st.floats(0, 1))
def test_masked_moments_equal_numpy(seed, share):
    rng = np.random.default_rng(seed)
    x = rng.normal(loc=3.0, size=(3, 4, 2))
    mask = rng.uniform(size=(3, 4)) < share
    x[~mask] = np.nan  # what is masked must not matter
    ours = masked_moments(x, [0, 1], mask[..., None], epsilon=1e-7)
    for a, b in zip(ours, numpy_moments(x, mask, 1e-7)):
        assert relative_error(a, b) <= tol.FORWARD_64


def test_variance_does_not_cancel():
    """Mean 10 000 times the deviation: Σx²/n − μ² in float32 would be noise."""
    x = (1e4 + np.array([[-1.0], [1.0], [-1.0], [1.0]])).astype("float32")
    assert float(ops.moments(x, [0])[1][0]) == pytest.approx(1, rel=tol.FORWARD_32)
    _, _, sigma_2 = ops.fast_batch_normalization(x, axis=-1)
    assert float(sigma_2[0]) == pytest.approx(1, rel=tol.FORWARD_32)


SHAPES = [((4, 3), -1), ((2, 3, 4), -1), ((2, 3, 4), 1), ((2, 3, 2, 2), -1), ((2, 3, 2, 2), 1)]


@pytest.mark.parametrize(("scale", "center"), [(1, 1), (1, 0), (0, 1), (0, 0)])
@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_fast_form_equals_the_equations(shape, axis, scale, center, rng):
    x = rng.normal(loc=1.0, size=shape)
    axes = [a for a in range(x.ndim) if a != axis % x.ndim]
    gamma, beta, w_mu, w_sigma_2 = rng.normal(size=(4, shape[axis]))
    w = rng.normal(size=shape)
    given = [p for p, is_given in ((gamma, scale), (beta, center)) if is_given]

    def equations(x, beta, gamma):
        mu, sigma_2 = ops.moments(x, axes)
        return ops.batch_normalization(x, mu, sigma_2, axis, beta, gamma, 0.1), mu, sigma_2

    def fast(x, beta, gamma):
        return ops.fast_batch_normalization(x, axis, beta, gamma, 0.1)

    def loss(form):
        def of(x, *parameters):
            y, mu, sigma_2 = form(
                x, parameters[-1] if center else None, parameters[0] if scale else None
            )
            # The moments are outputs too: whoever differentiates through them gets it right.
            weighted = zip((y, mu, sigma_2), (w, w_mu, w_sigma_2), strict=True)
            return sum(K.sum(t * K.convert_to_tensor(factors)) for t, factors in weighted)

        return of

    (value, gradients), (fast_value, fast_gradients) = (
        value_and_grad(loss(form), [x, *given]) for form in (equations, fast)
    )
    assert relative_error(fast_value, value) <= tol.FORWARD_64
    for ours, plain in zip(fast_gradients, gradients):
        assert relative_error(ours, plain) <= tol.GRADIENT_64


def test_equals_finite_differences(rng):
    x, w = rng.normal(size=(2, 2, 3, 2))

    def loss(x):
        return K.sum(ops.fast_batch_normalization(x, -1, epsilon=0.1)[0] * K.convert_to_tensor(w))

    _, (dx,) = value_and_grad(loss, [x])
    assert relative_error(dx, finite_difference(loss, x)) <= tol.FINITE_DIFFERENCE


def test_zero_gamma_has_gradients(rng):
    """γ = 0 silences the branch, as residual networks start; γ itself must still learn."""
    x, zero, w = rng.normal(size=(5, 3)), np.zeros(3), rng.normal(size=(5, 3))

    def loss(x, gamma):
        return K.sum(ops.fast_batch_normalization(x, -1, None, gamma)[0] * K.convert_to_tensor(w))

    _, (dx, d_gamma) = value_and_grad(loss, [x, zero])
    assert np.all(K.convert_to_numpy(dx) == 0)
    assert np.all(K.convert_to_numpy(d_gamma) != 0)


def test_renormalization_clips(rng):
    mean, deviation, moving_mean, moving = rng.uniform(0.1, 5, size=(4, 6))
    r, d = ops.renormalization(mean, deviation, moving_mean, moving, 0.5, 2.0, 0.3)
    assert relative_error(r, np.clip(deviation / moving, 0.5, 2.0)) <= tol.FORWARD_64
    assert relative_error(d, np.clip((mean - moving_mean) / moving, -0.3, 0.3)) <= tol.FORWARD_64
