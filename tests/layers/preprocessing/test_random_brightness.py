import numpy as np
import pytest
from keras import ops

from kerasdl.layers import RandomBrightness


def test_amounts_are_shares_of_the_range():
    images = np.full((2000, 1, 1, 1), 0.5, "float32")
    layer = RandomBrightness((-0.2, 0.4), value_range=(0, 1), seed=1)
    delta = ops.convert_to_numpy(layer(images)).ravel() - 0.5
    assert -0.2 - 1e-6 <= delta.min() < -0.19 < 0.39 < delta.max() <= 0.4 + 1e-6
    assert abs(delta.mean() - 0.1) < 4 * 0.6 / 12**0.5 / 2000**0.5  # four standard errors


def test_bytes_do_not_wrap_around():
    """Where Keras errs: 100 − 127.5 comes out as 229."""
    images = np.full((1, 2, 2, 1), 100, "uint8")
    out = ops.convert_to_numpy(RandomBrightness((-0.5, -0.5))(images))
    np.testing.assert_array_equal(out, np.zeros((1, 2, 2, 1)))


def test_the_input_is_left_alone():
    """Where Keras errs: on PyTorch it adds to the caller's tensor."""
    images = ops.ones((1, 2, 2, 1))
    RandomBrightness((0.5, 0.5))(images)
    np.testing.assert_array_equal(ops.convert_to_numpy(images), np.ones((1, 2, 2, 1)))


@pytest.mark.parametrize("value_range", ["all", [1], (0, 1, 2)])
def test_bad_value_range(value_range):
    with pytest.raises(ValueError, match="`value_range` argument should be a list of two numbers"):
        RandomBrightness(0.1, value_range=value_range)
