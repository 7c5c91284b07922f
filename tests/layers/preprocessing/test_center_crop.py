import numpy as np
import pytest
from keras import ops

from kerasdl.layers import CenterCrop


def test_the_middle_is_kept():
    images = np.random.default_rng(0).normal(size=(2, 7, 8, 3)).astype("float32")
    out = ops.convert_to_numpy(CenterCrop(3, 4)(images))
    np.testing.assert_array_equal(out, images[:, 2:5, 2:6])


def test_sizes_known_only_when_the_graph_runs():
    """Keras cuts a window with a negative corner out of the small image."""
    import tensorflow as tf

    rng = np.random.default_rng(0)
    images = [rng.normal(size=(h, w, 2)).astype("float32") for h, w in ((7, 8), (4, 6), (3, 9))]
    specification = tf.TensorSpec((None, None, 2))
    dataset = tf.data.Dataset.from_generator(lambda: iter(images), output_signature=specification)
    layer = CenterCrop(5, 5)
    for image, out in zip(images, dataset.map(layer), strict=True):
        expected = ops.convert_to_numpy(layer(image))
        np.testing.assert_allclose(out.numpy(), expected, atol=1e-5)


def test_boxes_are_clipped_and_those_outside_get_no_label():
    data = {
        "images": np.zeros((1, 8, 8, 1), "float32"),
        "bounding_boxes": {
            "boxes": np.array([[[1, 1, 4, 4], [0, 0, 1, 1]]], "float32"),
            "labels": np.array([[5, 6]]),
        },
    }
    out = CenterCrop(4, 4, bounding_box_format="xyxy")(data)["bounding_boxes"]
    np.testing.assert_array_equal(ops.convert_to_numpy(out["boxes"])[0, 0], [0, 0, 2, 2])
    np.testing.assert_array_equal(ops.convert_to_numpy(out["labels"]), [[5, -1]])


def test_bad_shape():
    with pytest.raises(ValueError, match="`input_shape` must be a non-nested"):
        CenterCrop(2, 2).compute_output_shape((2, 2))
