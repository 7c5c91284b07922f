import numpy as np
import pytest
from keras import ops

from kerasdl.layers import RandomContrast


@pytest.mark.parametrize(
    ("factor", "low", "high"), [(0.4, 0.6, 1.4), ((0.1, 0.3), 0.9, 1.3), ((0.3, 0.1), 0.7, 1.1)]
)
def test_factors_are_drawn_as_documented(factor, low, high):
    """Where Keras errs: one number f is taken for (0, f), and a pair is sorted."""
    layer = RandomContrast(factor, seed=1)
    drawn = layer.get_random_transformation(np.zeros((2000, 2, 2, 1), "float32"))
    c = ops.convert_to_numpy(drawn["contrast_factor"])
    margin = (high - low) / 50
    assert low <= c.min() < low + margin < high - margin < c.max() <= high


def test_every_channel_keeps_its_mean():
    images = np.random.default_rng(0).uniform(100, 150, (4, 5, 6, 3)).astype("float32")
    out = ops.convert_to_numpy(RandomContrast(0.5, seed=1)(images))
    np.testing.assert_allclose(out.mean(axis=(1, 2)), images.mean(axis=(1, 2)), rtol=1e-5)
    ratio = out.std(axis=(1, 2)) / images.std(axis=(1, 2))
    np.testing.assert_allclose(ratio, np.tile(ratio[:, :1], (1, 3)), rtol=1e-3)  # one c an image
    assert len(np.unique(np.round(ratio[:, 0], 3))) == 4


@pytest.mark.parametrize("factor", [-0.1, 1.5, (0.1,), "0.1"])
def test_bad_factor(factor):
    with pytest.raises(ValueError, match="The `factor` argument should be a number"):
        RandomContrast(factor)
