"""Attention as a function: masks, ties, empty rows, any axes."""

import numpy as np
import pytest
import tolerances as tol
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops as K

from kerasdl import ops
from kerasdl.backend import value_and_grad
from kerasdl.parity import finite_difference, relative_error


def numpy_softmax(x, mask):
    e = np.where(mask, np.exp(x - x.max()), 0)
    total = e.sum(axis=-1, keepdims=True)
    return np.divide(e, total, out=np.zeros_like(e), where=total > 0)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), share=st.floats(0, 1))
def test_masked_softmax_equals_numpy_whatever_is_masked(seed, share):
    rng = np.random.default_rng(seed)
    x = rng.normal(scale=3, size=(3, 5))
    mask = rng.uniform(size=(3, 5)) < share
    w = K.convert_to_numpy(ops.masked_softmax(x, mask))
    assert relative_error(w, numpy_softmax(x, mask)) <= tol.FORWARD_64
    assert np.allclose(w.sum(axis=-1), mask.any(axis=-1))


def test_gradient_where_one_key_is_kept(rng):
    """The weight is 1 whatever the score: the gradient is 0, on every backend."""
    x = rng.normal(size=(2, 4))
    mask = np.array([[True, False, False, False], [True, True, False, False]])
    c = K.convert_to_tensor(rng.normal(size=(2, 4)))

    def loss(x):
        return K.sum(ops.masked_softmax(x, mask) * c)

    _, (dx,) = value_and_grad(loss, [x])
    assert relative_error(dx, finite_difference(loss, x)) <= tol.FINITE_DIFFERENCE
    assert np.all(K.convert_to_numpy(dx)[0] == 0)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_huge_scores_stay_finite(dtype):
    x = K.convert_to_tensor([[3e4, -3e4, 3e4]], dtype=dtype)
    w = K.cast(ops.masked_softmax(x, [[True, True, False]]), "float32")
    assert np.allclose(K.convert_to_numpy(w), [[1, 0, 0]])


def test_attention_of_equal_keys_is_the_mean_of_the_values(rng):
    query, value = rng.normal(size=(2, 3, 1, 4)), rng.normal(size=(2, 5, 1, 6))
    context, weights = ops.scaled_dot_product_attention(query, np.zeros((2, 5, 1, 4)), value)
    assert np.allclose(weights, 1 / 5)
    expected = np.broadcast_to(value.mean(axis=1, keepdims=True), (2, 3, 1, 6))
    assert relative_error(context, expected) <= tol.FORWARD_64


def test_masks():
    causal = K.convert_to_numpy(ops.causal_mask(3, 4)).astype(int)
    assert causal.tolist() == [[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0]]
    window = K.convert_to_numpy(ops.sliding_window_mask(4, 4, 2)).astype(int)
    assert window.tolist() == [[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 1], [0, 0, 1, 1]]
