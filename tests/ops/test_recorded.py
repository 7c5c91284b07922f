"""Functions in functional models: one operation each, unknown sizes, files."""

import keras
import numpy as np
import pytest
import tolerances as tol

from kerasdl import ops
from kerasdl.parity import relative_error


def build(k):
    """One model of the four functions, from `kerasdl.ops` or `keras.ops`."""
    x = keras.Input((None, 3))
    mu, sigma_2 = k.moments(x, axes=[0, 1])
    whole, _ = k.moments(x, axes=(-1, 1), keepdims=True)
    gamma = np.array([1.0, 2.0, 3.0], "float32")
    y = k.batch_normalization(x, mu, sigma_2, axis=2, offset=gamma, scale=mu, epsilon=0.1)
    y = k.layer_normalization(y, gamma, epsilon=0.2)
    return keras.Model(x, [k.rms_normalization(y, axis=(1, 2)), whole])


def test_a_model_of_functions_equals_keras_and_survives_a_file(tmp_path, rng):
    ours, theirs = build(ops), build(keras.ops)
    x = rng.normal(size=(2, 5, 3)).astype("float32")
    expected = [keras.ops.convert_to_numpy(y) for y in theirs(x)]
    for got, value in zip(ours(x), expected):
        assert relative_error(got, value) <= tol.FORWARD_32
    assert [o.shape for o in ours.outputs] == [o.shape for o in theirs.outputs]
    assert len(ours.operations) == len(theirs.operations)
    ours.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    for got, value in zip(again(x), expected):
        assert relative_error(got, value) <= tol.FORWARD_32


def test_the_signatures_are_kept():
    import inspect

    for name in ("moments", "batch_normalization", "rms_normalization"):
        assert inspect.signature(getattr(ops, name)) == inspect.signature(getattr(keras.ops, name))


@pytest.mark.parametrize("vector", ["mean", "variance", "offset", "scale"])
def test_a_vector_of_another_length_is_named(vector):
    vectors = dict.fromkeys(("mean", "variance", "offset", "scale"), np.ones(3))
    for x in (np.ones((2, 3)), keras.Input((3,))):
        with pytest.raises(ValueError, match=rf"`{vector}` must be a vector.*\(3,\).*\(4,\)"):
            ops.batch_normalization(x, axis=-1, **{**vectors, vector: np.ones(4)})


def test_half_precision_is_normalised_by_float32_statistics():
    x = keras.ops.convert_to_tensor([[1000.5], [1001.0]], "float16")
    mu, sigma_2 = np.array([1000.75], "float32"), np.array([1 / 16], "float32")
    y = ops.batch_normalization(x, mu, sigma_2, axis=-1, epsilon=0.0)
    assert keras.backend.standardize_dtype(y.dtype) == "float16"


def test_moments_of_half_precision_do_not_overflow():
    x = keras.ops.convert_to_tensor([-60000.0, 60000.0], "float16")
    for got, expected in zip(ops.moments(x, 0), (0.0, 65504.0)):
        assert keras.backend.standardize_dtype(got.dtype) == "float16"
        assert float(got) == expected
