"""TFDS builder of the handwritten digits that scikit-learn carries: 1,797 images, no download."""

import numpy as np
import sklearn.datasets
import sklearn.model_selection
import tensorflow_datasets as tfds

from kerasdl.datasets import catalog
from kerasdl.datasets.pictures import to_png_bytes

# The splits are part of the dataset: another seed is another version of it.
_SPLIT_SEED = 0


class Builder(tfds.core.GeneratorBasedBuilder):
    """`kerasdl_digits`: image (8, 8, 1) uint8 and label, in three fixed stratified splits."""

    name = catalog.DIGITS.builder_name
    VERSION = tfds.core.Version(catalog.DIGITS.version)

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=catalog.DIGITS.description,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=catalog.DIGITS.image_shape),
                    "label": tfds.features.ClassLabel(names=catalog.DIGITS.class_names),
                }
            ),
            supervised_keys=("image", "label"),
            homepage="https://archive.ics.uci.edu/dataset/80",
            citation=catalog.DIGITS.citation,
            disable_shuffling=True,  # keep the order written: it is part of what is promised
        )

    def _split_generators(self, dl_manager):
        images, labels = load_images()
        return {
            split: self._generate_examples(images[index], labels[index])
            for split, index in split_indices(labels).items()
        }

    def _generate_examples(self, images, labels):
        for index, (image, label) in enumerate(zip(images, labels, strict=True)):
            yield index, {"image": to_png_bytes(image), "label": int(label)}


def load_images() -> tuple[np.ndarray, np.ndarray]:
    """Read the digits from scikit-learn and spread their 17 grey values over a byte.

    Returns:
        Images (1797, 8, 8, 1) uint8 from 0 to 255, and labels (1797,) int64.
    """
    bunch = sklearn.datasets.load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)  # (N, 8, 8), 0..16 -> 0..255
    return images[..., np.newaxis], bunch.target


def split_indices(labels: np.ndarray) -> dict[str, np.ndarray]:
    """Choose the images of each split: a fifth for test, a tenth of the rest for validation.

    Args:
        labels: (N,) the class of every image; each split holds every class in its share.

    Returns:
        Split name to the ascending indices of its images; every index is in one split.
    """
    everything = np.arange(len(labels))
    rest, test = sklearn.model_selection.train_test_split(
        everything, test_size=0.2, stratify=labels, random_state=_SPLIT_SEED
    )
    train, validation = sklearn.model_selection.train_test_split(
        rest, test_size=0.1, stratify=labels[rest], random_state=_SPLIT_SEED
    )
    return {"train": np.sort(train), "validation": np.sort(validation), "test": np.sort(test)}
