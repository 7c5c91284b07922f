"""What the cases of merging cannot show: masks inside models, integers, errors."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasdl import layers
from kerasdl.backend import get_mask, set_mask, value_and_grad

NAMES = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate")


def padded(rng, shape=(3, 5, 2)):
    return (rng.normal(size=shape) * (rng.uniform(size=shape[:2]) < 0.6)[..., None]).astype("f")


@pytest.mark.parametrize("name", NAMES)
def test_masks_reach_a_compiled_model(name, rng):
    """Under `jax.jit` tensors take no attributes; the masks must be found all the same."""
    arrays = [padded(rng), padded(rng)]
    outputs = []
    for k in (layers, keras.layers):
        inputs = [keras.Input((None, 2)) for _ in arrays]
        masked = [k.Masking()(x) for x in inputs]
        merged = getattr(k, name)()(masked)
        model = keras.Model(inputs, keras.layers.GlobalAveragePooling1D()(merged))
        outputs.append(model.predict(arrays, verbose=0))
    assert np.allclose(*outputs, atol=1e-6)  # float32


@pytest.mark.parametrize("name", ["Multiply", "Maximum", "Minimum"])
def test_masks_of_inputs_with_further_axes(name, rng):
    x, y = (rng.normal(size=(2, 3, 4, 5)).astype("float32") for _ in range(2))
    mask = np.array([[1, 1, 0], [1, 0, 1]], dtype="bool")
    tensor = ops.convert_to_tensor(x)
    set_mask(tensor, ops.convert_to_tensor(mask))
    found = ops.convert_to_numpy(getattr(layers, name)()([tensor, ops.convert_to_tensor(y)]))
    of = {"Multiply": np.multiply, "Maximum": np.maximum, "Minimum": np.minimum}[name]
    assert np.allclose(found, np.where(mask[..., None, None], of(x, y), y), atol=1e-6)


@pytest.mark.parametrize(
    ("axis", "expected"), [(1, [[1, 0, 1, 1, 1, 1]]), (2, [[1, 1, 1]]), (-1, [[1, 1, 1]])]
)
def test_concatenated_masks_of_inputs_with_further_axes(axis, expected):
    x, y = ops.ones((1, 3, 2, 4)), ops.ones((1, 3, 2, 4))
    set_mask(x, ops.convert_to_tensor([[True, False, True]]))
    mask = get_mask(layers.Concatenate(axis=axis)([x, y]))
    assert np.array_equal(ops.convert_to_numpy(mask), expected)


def test_a_model_of_integers_declares_integers():
    a, b = (keras.Input((3,), dtype="int32") for _ in range(2))
    for name in ("Add", "Multiply", "Maximum", "Concatenate"):
        declared = getattr(layers, name)()([a, b])
        found = getattr(layers, name)()([ops.ones((1, 3), "int32"), ops.ones((1, 3), "int32")])
        assert declared.dtype == keras.backend.standardize_dtype(found.dtype) == "int32"
    assert layers.Average()([a, b]).dtype == "float32"


@pytest.mark.parametrize(("name", "of"), [("Maximum", np.maximum), ("Minimum", np.minimum)])
def test_extrema_keep_float64_and_not_a_number(name, of):
    x, y = np.array([[1 / 3, np.nan, 1.0]]), np.array([[0.1, 1.0, np.nan]])
    found = getattr(layers, name)(dtype="float64")([x, y])
    if keras.config.floatx() == "float64" or keras.backend.backend() != "jax":
        assert np.array_equal(ops.convert_to_numpy(found), of(x, y), equal_nan=True)


def test_dot_of_sizes_that_are_not_known_yet():
    x, y = keras.Input((None,)), keras.Input((3,))
    model = keras.Model([x, y], layers.Dot(axes=1)([x, y]))
    assert model.predict([np.ones((2, 3)), np.ones((2, 3))], verbose=0).tolist() == [[3.0], [3.0]]


def test_the_cosine_of_a_vector_of_zeros_has_a_finite_gradient():
    y = np.ones((1, 3), dtype="float32")
    cosine = layers.Dot(axes=1, normalize=True)
    _, (dx,) = value_and_grad(lambda x: ops.sum(cosine([x, y])), [np.zeros((1, 3), "float32")])
    assert np.isfinite(ops.convert_to_numpy(dx)).all()


@pytest.mark.parametrize(
    ("make", "inputs", "message"),
    [
        (layers.Add, (2, 3), "list of at least 1 input"),
        (layers.Add, [(2, 3), (2, 4)], "incompatible shapes"),
        (layers.Add, [(2, 3), (4, 3)], "different batch sizes"),
        (layers.Subtract, [(2, 3)] * 3, "exactly 2 inputs"),
        (layers.Concatenate, [(2, 3, 4), (2, 4, 5)], "except for the concatenation axis"),
        (lambda: layers.Concatenate(axis=3), [(2, 3)] * 2, "`axis` of a `Concatenate` layer"),
        (lambda: layers.Dot(axes=1), [(2, 3)] * 3, "list of 2 inputs"),
        (lambda: layers.Dot(axes=1), [(2, 3), (2, 4)], "Incompatible input shapes"),
        (lambda: layers.Dot(axes=0), [(2, 3)] * 2, "behind the batch"),
        (lambda: layers.Dot(axes=(1, 2, 3)), [(2, 3)] * 2, "two elements"),
    ],
)
def test_errors(make, inputs, message):
    with pytest.raises(ValueError, match=message):
        make()([np.ones(s) for s in inputs] if isinstance(inputs, list) else np.ones(inputs))
