"""Limits in the precision of the numbers."""

import keras
import numpy as np
import pytest

from kerasdl import constraints
from kerasdl.backend import value_and_grad
from kerasdl.ops.limits import clip, maximum, minimum

X = np.array([0.1, -2.0, np.nan, 1.0, 7.0])
FORMS = {
    "maximum": (lambda x: maximum(x, keras.ops.ones_like(x)), lambda x: np.maximum(x, 1.0)),
    "maximum of a number": (lambda x: maximum(0.3, x), lambda x: np.maximum(x, 0.3)),
    "minimum": (lambda x: minimum(x, keras.ops.ones_like(x)), lambda x: np.minimum(x, 1.0)),
    "minimum of a number": (lambda x: minimum(0.3, x), lambda x: np.minimum(x, 0.3)),
    "clip": (lambda x: clip(x, -0.7, 0.3), lambda x: np.clip(x, -0.7, 0.3)),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("form", FORMS)
def test_selected_to_the_last_digit(form, dtype):
    ours, expected = FORMS[form]
    x = X.astype(dtype)
    y = ours(keras.ops.convert_to_tensor(x))
    assert keras.backend.standardize_dtype(y.dtype) == dtype
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(y), expected(x).astype(dtype))


@pytest.mark.parametrize("form", FORMS)
def test_gradient_goes_to_what_was_selected(form):
    ours, _ = FORMS[form]
    _, (dx,) = value_and_grad(lambda x: keras.ops.sum(ours(x)), [X[[0, 1, 4]]])
    selected = {"maximum": [0, 0, 1], "maximum of a number": [0, 0, 1], "clip": [1, 0, 0]}
    assert keras.ops.convert_to_numpy(dx).tolist() == selected.get(form, [1, 1, 0])


def test_constraints_keep_float64():
    """`keras.ops.clip` passes it through float32 on PyTorch."""
    w = np.array([[3.0], [4.1]])
    norm = np.sqrt(np.sum(w**2)) + keras.config.epsilon()
    short, between = constraints.MaxNorm(0.7)(w), constraints.MinMaxNorm(0.1, 0.7)(w)
    for found in (short, between):
        np.testing.assert_allclose(keras.ops.convert_to_numpy(found), w * 0.7 / norm, rtol=1e-14)
