import numpy as np
from keras import ops

from kerasdl.layers import RandomZoom


def test_factors_lie_between_the_bounds_and_keep_the_proportions():
    images = np.zeros((2000, 2, 2, 1), "float32")
    drawn = RandomZoom((-0.5, 0.2), seed=1).get_random_transformation(images)
    z_y, z_x = (ops.convert_to_numpy(drawn[k])[:, 0] for k in ("height_zoom", "width_zoom"))
    np.testing.assert_array_equal(z_y, z_x)
    assert 0.5 <= z_y.min() < 0.51 < 1.19 < z_y.max() <= 1.2
    assert abs(z_y.mean() - 0.85) < 4 * 0.7 / 12**0.5 / 2000**0.5  # four standard errors
    drawn = RandomZoom(0.1, (0.3, 0.4), seed=1).get_random_transformation(images)
    z_y, z_x = (ops.convert_to_numpy(drawn[k])[:, 0] for k in ("height_zoom", "width_zoom"))
    assert 1.3 <= z_x.min() <= z_x.max() <= 1.4
    assert abs(np.corrcoef(z_y, z_x)[0, 1]) < 0.1


def test_zoom_in_by_two_shows_the_middle():
    row = np.arange(5, dtype="float32")
    image = np.tile(row, (5, 1)).reshape(1, 5, 5, 1)
    out = ops.convert_to_numpy(RandomZoom((-0.5, -0.5))(image))[0, :, :, 0]
    np.testing.assert_allclose(out, np.tile(1 + row / 2, (5, 1)))
