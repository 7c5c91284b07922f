"""The measuring instruments themselves: they must see what is wrong."""

import keras
import numpy as np

from kerasdl import layers
from kerasdl.parity import compare_layers, finite_difference, relative_error


def test_relative_error_sees_nan_shape_and_size():
    assert relative_error([1.0, 2.0], [1.0, 2.0]) == 0
    assert relative_error([1.0, np.nan], [1.0, 2.0]) == float("inf")
    assert relative_error([[1.0]], [1.0]) == float("inf")
    assert relative_error([0.0, 110.0], [0.0, 100.0]) == 0.1


def test_a_wrong_layer_is_seen(rng):
    class Wrong(layers.Dense):
        def call(self, inputs):
            return super().call(inputs) + 1e-6 * inputs[..., :1]

    x = rng.normal(size=(4, 3))
    good = compare_layers(
        layers.Dense(2, dtype="float64"), keras.layers.Dense(2, dtype="float64"), (x,)
    )
    bad = compare_layers(Wrong(2, dtype="float64"), keras.layers.Dense(2, dtype="float64"), (x,))
    assert max(good) < 1e-12
    assert bad.forward > 1e-8
    assert bad.gradients > 1e-8


def test_finite_difference_of_a_known_function(rng):
    x = rng.normal(size=(3, 2))
    estimate = finite_difference(lambda x: np.sin(x).sum(), x)
    assert relative_error(estimate, np.cos(x)) < 1e-8
