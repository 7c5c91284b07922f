"""TFDS builder of Fashion-MNIST that prefers what is already on this machine to a download.

The images are the same whatever the source, but TFDS's own prepared copy no longer knows their
original order. So the order here is made from the images themselves: ascending SHA-256 of the
pixels. In that order, which is as good as random, every tenth image of each class of the official
training set goes into the validation split. No source, platform or random generator can change it.
"""

import hashlib
import urllib.parse
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds
from tensorflow_datasets.image_classification import mnist

from kerasdl.datasets import catalog, downloads, fashion_mnist_sources
from kerasdl.datasets.pictures import to_png_bytes
from kerasdl.errors import InputError

_VALIDATION_EVERY = 10


class Builder(tfds.core.GeneratorBasedBuilder):
    """`kerasdl_fashion_mnist`: image (28, 28, 1) uint8 and label, in three fixed splits."""

    name = catalog.FASHION_MNIST.builder_name
    VERSION = tfds.core.Version(catalog.FASHION_MNIST.version)
    # The checksums that TFDS keeps for the files of its own builder: ours downloads the same.
    url_infos = mnist.FashionMNIST.url_infos

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=catalog.FASHION_MNIST.description,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=catalog.FASHION_MNIST.image_shape),
                    "label": tfds.features.ClassLabel(names=catalog.FASHION_MNIST.class_names),
                }
            ),
            supervised_keys=("image", "label"),
            homepage=catalog.FASHION_MNIST.source,
            citation=catalog.FASHION_MNIST.citation,
            disable_shuffling=True,  # keep the order written: it is part of what is promised
        )

    def _split_generators(self, dl_manager):
        # Everything is read and checked here, before TFDS writes its first file.
        official = self._read_source(dl_manager)
        images, labels = canonical_order(*official["train"])
        held_out = validation_mask(labels)
        splits = {
            "train": (images[~held_out], labels[~held_out]),
            "validation": (images[held_out], labels[held_out]),
            "test": canonical_order(*official["test"]),
        }
        for split, (_, split_labels) in splits.items():
            if len(split_labels) == 0:
                raise InputError(
                    f"The Fashion-MNIST source holds too few images: nothing is left for the "
                    f"split {split!r}. At least two images of a class are expected."
                )
        return {split: self._generate_examples(*arrays) for split, arrays in splits.items()}

    def _generate_examples(self, images, labels):
        for index, (image, label) in enumerate(zip(images, labels, strict=True)):
            yield index, {"image": to_png_bytes(image), "label": int(label)}

    def _read_source(self, dl_manager) -> fashion_mnist_sources.Official:
        stock = fashion_mnist_sources.find_stock(Path(self.data_dir_root))
        if stock is not None:
            return fashion_mnist_sources.read_stock(stock)
        folder = fashion_mnist_sources.find_folder()
        if folder is not None:
            return fashion_mnist_sources.read_files(fashion_mnist_sources.files_in(folder))
        return fashion_mnist_sources.read_files(self._download(dl_manager))

    def _download(self, dl_manager) -> dict[str, Path]:
        url = mnist.FashionMNIST.URL
        urls = {key: urllib.parse.urljoin(url, f) for key, f in fashion_mnist_sources.FILES.items()}
        return downloads.fetch(
            dl_manager, urls, lambda trouble: fashion_mnist_sources.ways_to_get_it(url, trouble)
        )


def canonical_order(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sort images by the SHA-256 of their pixels, so that every source gives the same order.

    Args:
        images: (N, H, W, C) uint8.
        labels: (N,) integers; they break the tie between equal images.

    Returns:
        The same images and labels, sorted.
    """
    keys = [
        hashlib.sha256(image.tobytes()).digest() + bytes([label])
        for image, label in zip(images, labels, strict=True)
    ]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    return images[order], labels[order]


def validation_mask(labels: np.ndarray) -> np.ndarray:
    """Mark every tenth image of each class as validation.

    Args:
        labels: (N,) labels in canonical order.

    Returns:
        (N,) bool, True where the image belongs to the validation split.
    """
    mask = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        mask[np.flatnonzero(labels == label)[::_VALIDATION_EVERY]] = True
    return mask
