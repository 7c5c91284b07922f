import keras
import numpy as np
import pytest
from keras import ops

from kerasdl.layers import RandomRotation


def test_angles_are_uniform_between_the_bounds():
    layer = RandomRotation((-0.25, 0.5), seed=1)
    drawn = layer.get_random_transformation(np.zeros((4000, 2, 2, 1), "float32"))
    angles = np.sort(ops.convert_to_numpy(drawn["angle"])) / 360
    assert angles[0] >= -0.25
    assert angles[-1] <= 0.5
    # Kolmogorov and Smirnov: the distance from the uniform distribution, at 0.1 %
    distance = np.abs((angles + 0.25) / 0.75 - np.arange(4000) / 4000).max()
    assert distance < 1.95 / 4000**0.5


def test_a_quarter_turn_is_counter_clockwise():
    image = np.arange(9, dtype="float32").reshape(1, 3, 3, 1)
    out = ops.convert_to_numpy(RandomRotation((0.25, 0.25))(image))
    np.testing.assert_allclose(out[0, :, :, 0], np.rot90(image[0, :, :, 0]), atol=1e-5)


def test_boxes_of_every_format_turn_with_the_image():
    """Keras takes every format for "xyxy" here."""
    layer = RandomRotation((0.5, 0.5), bounding_box_format="xywh")
    data = {
        "images": np.zeros((1, 8, 16, 1), "float32"),
        "bounding_boxes": {"boxes": np.array([[[2, 3, 4, 2]]], "float32"), "labels": [[1]]},
    }
    data["bounding_boxes"]["labels"] = np.array([[1]])
    out = ops.convert_to_numpy(layer(data)["bounding_boxes"]["boxes"])
    # 2 … 6 of 16 columns, 3 … 5 of 8 rows, about the centre of the outermost pixels
    np.testing.assert_allclose(out[0, 0], [15 - 6, 7 - 5, 4, 2], atol=1e-4)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's kernel")
def test_keras_gradient_on_tensorflow_is_not_that_of_the_equation():
    """Where Keras errs: its kernel's gradient is another interpolation. Ours is exact."""
    from kerasdl.backend import value_and_grad
    from kerasdl.layers import RandomZoom

    rng = np.random.default_rng(0)
    image, weights = rng.normal(size=(2, 1, 6, 6, 1)).astype("float32")

    def error(layer):
        def loss(f):
            return ops.sum(layer(f) * weights)

        _, (gradient,) = value_and_grad(loss, [image])
        exact = [float(loss(e.reshape(image.shape))) for e in np.eye(36, dtype="float32")]
        return np.abs(ops.convert_to_numpy(gradient).ravel() - exact).max()

    arguments = dict(height_factor=(0.5, 0.5), fill_mode="constant")  # the layer is linear
    assert error(RandomZoom(**arguments)) < 1e-5
    assert error(keras.layers.RandomZoom(**arguments)) > 0.1
