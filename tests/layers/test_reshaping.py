"""What the cases of reshaping cannot show: integers, errors."""

import numpy as np
import pytest
from keras import ops

from kerasdl import layers


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "lanczos3"])
def test_interpolated_integers_are_rounded_within_their_range(interpolation):
    x = np.array([[0, 255, 255, 0, 3]], dtype="uint8").reshape(1, 1, 5, 1)
    layer = layers.UpSampling2D((1, 2), interpolation=interpolation)
    y = layer(ops.convert_to_tensor(x))
    exact = ops.convert_to_numpy(layer(ops.convert_to_tensor(x, dtype="float32")))
    assert np.array_equal(ops.convert_to_numpy(y), np.clip(np.round(exact), 0, 255).astype("uint8"))


def test_a_constant_picture_stays_constant():
    for interpolation in ("bilinear", "bicubic", "lanczos3", "lanczos5"):
        y = layers.UpSampling2D((3, 2), interpolation=interpolation)(ops.ones((1, 2, 3, 1)))
        assert np.allclose(ops.convert_to_numpy(y), 1, atol=1e-6)  # float32


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.UpSampling2D(interpolation="area"), "`interpolation` must be one of"),
        (lambda: layers.UpSampling2D(size=(1, 2, 3)), "`size` argument must be a tuple of 2"),
        (lambda: layers.Reshape((-2, 3)), "non-negative integer"),
        (lambda: layers.Reshape((-1, -1)), "at most one unknown dimension"),
        (lambda: layers.Reshape((5,))(ops.ones((2, 3, 4))), "must be unchanged"),
        (lambda: layers.Reshape((5, -1))(ops.ones((2, 3, 4))), "must be unchanged"),
        (lambda: layers.AdaptiveMaxPooling2D((1, 2, 3)), "must be a tuple of 2 integers"),
        (lambda: layers.AdaptiveAveragePooling1D(0), "`value > 0`"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
