import keras
import numpy as np
import pytest
from keras import ops

from kerasdl.layers import RandomFlip


def test_half_of_the_images_are_mirrored():
    images = np.arange(2000 * 6, dtype="float32").reshape(2000, 2, 3, 1)
    for mode, mirror in (
        ("horizontal", images[:, :, ::-1]),
        ("vertical", images[:, ::-1]),
        ("horizontal_and_vertical", images[:, ::-1, ::-1]),
    ):
        out = ops.convert_to_numpy(RandomFlip(mode, seed=1)(images))
        flipped = (out == mirror).all(axis=(1, 2, 3))
        assert (flipped | (out == images).all(axis=(1, 2, 3))).all()
        assert abs(flipped.mean() - 0.5) < 4 * 0.5 / 2000**0.5  # four standard errors


@pytest.mark.parametrize("box_format", ["xyxy", "xywh", "rel_xyxy", "center_xywh"])
def test_boxes_of_every_format(box_format):
    convert = keras.utils.bounding_boxes.convert_format
    size = {"height": 10, "width": 8}

    def boxes(corners):
        corners = np.array([corners], "float32")
        return convert(corners, source="xyxy", target=box_format, **size)

    before = {"boxes": boxes([[1, 2, 4, 6]]), "labels": np.array([[1]])}
    transformation = {"flips": np.ones((1, 1, 1, 1), bool), "input_shape": (1, 10, 8, 3)}
    layer = RandomFlip("horizontal", bounding_box_format=box_format)
    after = layer.transform_bounding_boxes(before, transformation)
    expected = ops.convert_to_numpy(boxes([[4, 2, 7, 6]]))
    np.testing.assert_allclose(ops.convert_to_numpy(after["boxes"]), expected, atol=1e-6)


def test_bad_mode():
    with pytest.raises(ValueError, match=r"`mode` must be one of .*received 'diagonal'"):
        RandomFlip("diagonal")
