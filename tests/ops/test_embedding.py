"""One-hot vectors and looking rows up, against NumPy and Keras."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops as keras_ops

from kerasdl import ops
from kerasdl.parity import relative_error


@settings(max_examples=15, deadline=None)
@given(
    shape=st.sampled_from([(), (3,), (2, 3)]),
    axis=st.integers(-1, 1),
    dtype=st.sampled_from(["int32", "bool", "float32", "bfloat16"]),
    seed=st.integers(0, 9),
)
def test_one_hot_equals_keras(shape, axis, dtype, seed):
    axis = min(axis, len(shape))
    highest = 5 if keras.backend.backend() == "torch" else 6  # Keras on PyTorch refuses 5
    x = np.random.default_rng(seed).integers(-1, highest, size=shape)  # also outside 0 … 4
    ours = ops.one_hot(x, 5, axis=axis, dtype=dtype)
    theirs = keras_ops.one_hot(x, 5, axis=axis, dtype=dtype)
    assert ours.dtype == theirs.dtype
    assert np.array_equal(
        keras_ops.convert_to_numpy(keras_ops.cast(ours, "float32")),
        keras_ops.convert_to_numpy(keras_ops.cast(theirs, "float32")),
    )


def test_one_hot_by_hand():
    expected = [[0, 0, 1, 0], [0, 0, 0, 0], [1, 0, 0, 0]]
    assert relative_error(ops.one_hot([2, 7, 0], 4), expected) == 0
    assert keras.backend.standardize_dtype(ops.one_hot([1], 2).dtype) == "float32"
    symbolic = keras.KerasTensor((None, 3), dtype="int32")
    assert ops.one_hot(symbolic, 5, axis=1).shape == (None, 5, 3)


def test_one_hot_sparse_is_keras_own():
    if keras.backend.backend() == "torch":
        pytest.skip("PyTorch has no sparse tensors in Keras")
    sparse = ops.one_hot(np.array([1, 0]), 3, sparse=True)
    assert relative_error(keras_ops.convert_to_numpy(sparse), [[0, 1, 0], [1, 0, 0]]) == 0


def test_lookup_is_one_hot_times_table(rng):
    E, x = rng.normal(size=(6, 4)), rng.integers(0, 6, size=(2, 3, 5))
    product = np.eye(6)[x] @ E
    assert relative_error(ops.embedding_lookup(E, x), product) == 0
