"""The perceptron as a layer."""

import keras
import numpy as np
import pytest
import tolerances as tol
from keras import ops

from kerasdl import layers
from kerasdl.backend import value_and_grad
from kerasdl.parity import relative_error, scramble


@pytest.mark.parametrize("dtype", ["float32", "float64", "mixed_bfloat16"])
def test_equals_numpy(dtype, rng):
    x = rng.normal(size=(4, 5, 3))
    layer = layers.Perceptron(2, dtype=dtype)
    layer(x)
    scramble(layer)
    W, b = layer.get_weights()
    z = x @ W + b
    decided = np.abs(z) > 0.1  # where rounding cannot turn the sign
    y = ops.convert_to_numpy(ops.cast(layer(x), "float64"))
    assert np.array_equal(y[decided], (z >= 0)[decided])
    assert set(np.unique(y)) <= {0.0, 1.0}
    assert layer.compute_output_shape(x.shape) == (4, 5, 2)
    assert [w.path.split("/")[-1] for w in layer.weights] == ["kernel", "bias"]
    if dtype == "float32":
        assert relative_error(layer.weighted_sum(ops.cast(x, "float32")), z) <= tol.FORWARD_32


def test_the_gradient_is_zero(rng):
    layer = layers.Perceptron(2)
    x = rng.normal(size=(4, 3)).astype("float32")
    layer(x)
    scramble(layer)
    _, gradients = value_and_grad(lambda x, *_: ops.sum(layer(x)), [x, *layer.trainable_variables])
    assert all(not ops.convert_to_numpy(g).any() for g in gradients)


def test_file_round_trip(tmp_path, rng):
    x = rng.normal(size=(4, 3)).astype("float32")
    model = keras.Sequential([keras.Input((3,)), layers.Perceptron(2, "random_normal")])
    scramble(model)
    model.save(tmp_path / "p.keras")
    again = keras.saving.load_model(tmp_path / "p.keras")
    assert type(again.layers[0]) is layers.Perceptron
    assert again.layers[0].get_config() == model.layers[0].get_config()
    assert relative_error(again(x), model(x)) == 0


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="`units` must be a positive integer"):
        layers.Perceptron(0)
    with pytest.raises(ValueError, match="min_ndim=2"):
        layers.Perceptron()(np.ones(3))
