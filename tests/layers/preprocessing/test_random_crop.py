import keras
import numpy as np
import pytest
from keras import ops

from kerasdl.layers import RandomCrop


def test_every_place_occurs_and_is_a_window_of_the_image():
    images = np.arange(2 * 4 * 5, dtype="float32").reshape(2, 4, 5, 1)
    layer = RandomCrop(3, 3, seed=1)
    seen = {}
    for _ in range(60):
        out = ops.convert_to_numpy(layer(images))
        top, left = divmod(int(out[0, 0, 0, 0]), 5)
        np.testing.assert_array_equal(out, images[:, top : top + 3, left : left + 3])
        seen[top, left] = seen.get((top, left), 0) + 1
    assert (
        len(seen) == 2 * 3
    )  # one is missing with probability 6 (5/6)^60 = 1e-4; the seed is fixed


def test_as_high_as_the_image_still_moves_along_the_width():
    """Keras takes the middle then."""
    images = np.arange(3 * 9, dtype="float32").reshape(1, 3, 9, 1)
    layer = RandomCrop(3, 3, seed=1)
    assert len({float(layer(images)[0, 0, 0, 0]) for _ in range(20)}) > 2


@pytest.mark.parametrize(("training", "size"), [(False, (4, 4)), (True, (9, 9))])
def test_the_largest_window_is_resized(training, size):
    """As Keras documents it; its own returns the image as it is at inference."""
    images = np.random.default_rng(0).normal(size=(2, 6, 8, 3)).astype("float32")
    out = RandomCrop(*size)(images, training=training)
    expected = ops.image.resize(images[:, :, 1:7], size, data_format="channels_last")
    np.testing.assert_allclose(ops.convert_to_numpy(out), ops.convert_to_numpy(expected), atol=1e-5)
    if not training:
        assert keras.layers.RandomCrop(*size)(images, training=False).shape != out.shape


def test_boxes_move_by_left_and_top():
    """Keras moves x by top and y by left."""
    layer = RandomCrop(4, 4, bounding_box_format="xyxy")
    boxes = {"boxes": np.array([[[6, 0, 8, 2], [0, 0, 2, 2]]], "float32"), "labels": [[1, 2]]}
    out = layer.transform_bounding_boxes({**boxes, "labels": np.array([[1, 2]])}, (0, 6, 8, 16))
    np.testing.assert_array_equal(
        ops.convert_to_numpy(out["boxes"]), [[[0, 0, 2, 2], [0, 0, 0, 2]]]
    )


def test_bad_size():
    with pytest.raises(ValueError, match="`height` must be a positive integer, received 0"):
        RandomCrop(0, 3)


def test_unknown_sizes_are_refused():
    import tensorflow as tf

    specification = tf.TensorSpec((None, None, 3))
    dataset = tf.data.Dataset.from_generator(lambda: iter(()), output_signature=specification)
    with pytest.raises(ValueError, match="fully defined height and width"):
        dataset.map(RandomCrop(2, 2))
