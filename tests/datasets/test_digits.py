import hashlib

import numpy as np
import pytest
import sklearn.datasets

from kerasdl import datasets

SPLITS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def arrays(digits_dir):
    return {split: datasets.load_arrays("digits", split, digits_dir) for split in SPLITS}


def test_sizes_are_those_announced(arrays):
    info = datasets.info("digits")
    assert {split: len(labels) for split, (_, labels) in arrays.items()} == info.split_sizes
    for images, labels in arrays.values():
        assert images.shape == (len(labels), *info.image_shape)
        assert images.dtype == np.uint8
        assert labels.dtype == np.int32


def test_every_image_of_scikit_learn_is_in_exactly_one_split(arrays):
    # The 1,797 images are all different, so an image is known by its pixels.
    bunch = sklearn.datasets.load_digits()
    scale = {value: int(value * 255 / 16 + 0.5) for value in range(17)}  # written independently
    theirs = sorted(
        (bytes(scale[int(pixel)] for pixel in image.ravel()), int(label))
        for image, label in zip(bunch.images, bunch.target, strict=True)
    )
    ours = sorted(
        (image.tobytes(), int(label))
        for images, labels in arrays.values()
        for image, label in zip(images, labels, strict=True)
    )
    assert ours == theirs
    assert len({pixels for pixels, _ in ours}) == 1797


def test_splits_are_stratified(arrays):
    total = np.bincount(np.concatenate([labels for _, labels in arrays.values()]))
    for _, labels in arrays.values():
        expected = total * len(labels) / total.sum()
        # A stratified split can miss a class's share by rounding only: once or twice 1/2.
        assert np.abs(np.bincount(labels) - expected).max() <= 1.0


def test_splits_are_fixed(arrays):
    """Whoever compares two results must have had the same images: a change is a new version."""
    digests = {
        split: hashlib.sha256(images.tobytes() + labels.astype("<i4").tobytes()).hexdigest()[:16]
        for split, (images, labels) in arrays.items()
    }
    assert digests == {
        "train": "0a4a74a2c02dacbf",
        "validation": "43b6e225e16b2130",
        "test": "e9f6989af7d2850e",
    }


def test_label_names_are_in_the_prepared_data(digits_dir):
    builder = datasets.info("digits").builder(digits_dir)
    assert tuple(builder.info.features["label"].names) == datasets.info("digits").class_names
