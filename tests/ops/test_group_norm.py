"""Group normalisation as functions: NumPy and the hand-derived backward pass."""

import numpy as np
import pytest
import tolerances as tol
from keras import ops as K

from kerasdl import ops
from kerasdl.backend import value_and_grad
from kerasdl.parity import finite_difference, relative_error


def numpy_group_norm(x, groups, gamma, beta, axis, epsilon):
    y = np.moveaxis(np.array(x), axis, -1)
    for example in y:
        for channels in np.split(np.arange(y.shape[-1]), groups):
            group = example[..., channels]
            mu, sigma_2 = group.mean(), group.var()
            example[..., channels] = (group - mu) / np.sqrt(sigma_2 + epsilon)
    return np.moveaxis(y * gamma + beta, -1, axis)


@pytest.mark.parametrize(
    ("shape", "axis", "groups"),
    [
        ((2, 6), -1, 3),
        ((2, 3, 6), -1, 2),
        ((2, 6, 3), 1, 3),
        ((2, 3, 4, 2), -2, 2),
        ((2, 3, 4), -1, 1),
        ((2, 3, 4), -1, 4),
    ],
)
def test_both_forms_equal_numpy(shape, axis, groups, rng):
    x, w = rng.normal(loc=1.0, size=(2, *shape))
    gamma, beta = rng.normal(size=(2, shape[axis]))
    expected = numpy_group_norm(x, groups, gamma, beta, axis, 0.1)
    gradients = []
    for form in (ops.group_normalization, ops.fast_group_normalization):

        def loss(x, gamma, beta, form=form):
            return K.sum(form(x, groups, gamma, beta, axis, 0.1) * K.convert_to_tensor(w))

        assert relative_error(form(x, groups, gamma, beta, axis, 0.1), expected) <= tol.FORWARD_64
        gradients.append(value_and_grad(loss, [x, gamma, beta])[1])
    for plain, fast in zip(*gradients):
        assert relative_error(fast, plain) <= tol.GRADIENT_64


def test_equals_finite_differences(rng):
    x, w = rng.normal(size=(2, 1, 2, 4))

    def loss(x):
        return K.sum(ops.fast_group_normalization(x, 2, epsilon=0.1) * K.convert_to_tensor(w))

    _, (dx,) = value_and_grad(loss, [x])
    assert relative_error(dx, finite_difference(loss, x)) <= tol.FINITE_DIFFERENCE


def test_without_parameters(rng):
    x, w = rng.normal(size=(2, 2, 3, 4))
    w = K.convert_to_tensor(w)

    def loss(form):
        return value_and_grad(lambda x: K.sum(form(x, 2) * w), [x])[1][0]

    plain, fast = loss(ops.group_normalization), loss(ops.fast_group_normalization)
    assert relative_error(fast, plain) <= tol.GRADIENT_64
