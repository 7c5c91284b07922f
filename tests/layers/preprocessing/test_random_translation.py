import keras
import numpy as np
import pytest
from keras import ops

from kerasdl.layers import RandomTranslation


def test_distances_are_shares_of_height_and_width():
    layer = RandomTranslation((-0.5, 0.0), 0.25, seed=1)
    drawn = layer.get_random_transformation(np.zeros((2000, 4, 8, 1), "float32"))
    dx, dy = ops.convert_to_numpy(drawn["translations"]).T
    assert -2 <= dy.min() < -1.98 < -0.02 < dy.max() <= 0
    assert -2 <= dx.min() < -1.98 < 1.98 < dx.max() <= 2


@pytest.mark.parametrize(
    ("fill_mode", "beyond"),
    [("constant", [9, 9]), ("nearest", [0, 0]), ("reflect", [1, 0]), ("wrap", [2, 3])],
)
def test_what_moves_in(fill_mode, beyond):
    layer = RandomTranslation(0.0, (0.5, 0.5), fill_mode=fill_mode, fill_value=9)
    out = layer(np.arange(4, dtype="float32").reshape(1, 1, 4, 1))
    np.testing.assert_allclose(ops.convert_to_numpy(out).ravel(), [*beyond, 0, 1])


def test_wrap_has_the_period_of_the_image_also_far_beyond_the_edge():
    """Where Keras errs: TensorFlow's kernel counts n − 1 pixels a period."""
    row = np.arange(10, dtype="float32").reshape(1, 1, 10, 1)
    arguments = (0.0, (-0.9, -0.9), "wrap", "nearest")
    out = ops.convert_to_numpy(RandomTranslation(*arguments)(row)).ravel()
    np.testing.assert_array_equal(out, np.roll(np.arange(10), -9))
    if keras.backend.backend() == "tensorflow":
        theirs = ops.convert_to_numpy(keras.layers.RandomTranslation(*arguments)(row)).ravel()
        assert theirs[-1] == 0  # and not 8
