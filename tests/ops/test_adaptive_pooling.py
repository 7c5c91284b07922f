"""What the cases of adaptive pooling cannot show: which windows, ties, one window in a model."""

import itertools
import math

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import ops as K

from kerasdl import layers, ops
from kerasdl.backend import value_and_grad
from kerasdl.ops.adaptive_pooling import Windows


def members(n, m):
    """Which numbers are in which window, (m, n), by the definition."""
    inside = np.zeros((m, n), dtype="bool")
    for i in range(m):
        inside[i, math.floor(i * n / m) : math.ceil((i + 1) * n / m)] = True
    return inside


def found(windows, n):
    """The same from the positions to gather."""
    inside = np.zeros((len(windows.at), n), dtype="bool")
    for row, at in zip(inside, windows.at, strict=True):
        row[at] = True
    return inside


@given(st.integers(1, 40), st.integers(1, 40))
def test_windows_and_their_way_back(n, m):
    windows = Windows.over(n, m)
    assert np.array_equal(found(windows, n), members(n, m))
    assert np.array_equal(found(Windows.over(m, n), m), members(n, m).T)
    assert np.array_equal(windows.size[:, 0], members(n, m).sum(axis=1))


@pytest.mark.parametrize("m", [(2, 3), (3, 5), (7, 8)])
def test_the_first_of_equal_maxima_gets_the_gradient(m, rng):
    x = rng.integers(0, 3, size=(2, 6, 7, 2)).astype("float32")
    dy = rng.integers(1, 9, size=(2, *m, 2)).astype("float32")
    expected = np.zeros_like(x)
    inside = [members(n, k) for n, k in zip(x.shape[1:3], m)]
    for b, i, j, c in itertools.product(*map(range, dy.shape)):
        rows, columns = (np.flatnonzero(w) for w in (inside[0][i], inside[1][j]))
        window = x[b, :, :, c][np.ix_(rows, columns)]
        at = np.unravel_index(np.argmax(window), window.shape)
        expected[b, rows[at[0]], columns[at[1]], c] += dy[b, i, j, c]
    weights = K.convert_to_tensor(dy)
    _, (dx,) = value_and_grad(lambda x: K.sum(ops.adaptive_max_pooling(x, m) * weights), [x])
    assert np.array_equal(K.convert_to_numpy(dx), expected)


@pytest.mark.parametrize("name", ["Average", "Max"])
def test_one_window_in_a_model(name, rng):
    """Keras refuses this on TensorFlow: its larger window does not fit the input."""
    x = rng.normal(size=(2, 5, 6, 3)).astype("float32")
    pool = getattr(layers, f"Adaptive{name}Pooling2D")(1)
    y = keras.Sequential([keras.Input((5, 6, 3)), pool]).predict(x, verbose=0)
    join = {"Average": np.mean, "Max": np.max}[name]
    assert np.allclose(y[:, 0, 0], join(x, axis=(1, 2)), atol=1e-6)  # float32


def test_integers_are_averaged_as_numbers():
    y = ops.adaptive_average_pooling(K.reshape(K.arange(4, dtype="int32"), (1, 4, 1)), 2)
    assert K.convert_to_numpy(y)[0, :, 0].tolist() == [0.5, 2.5]
