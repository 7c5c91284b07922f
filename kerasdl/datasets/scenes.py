"""TFDS builder of scenes: composed, not photographed, from items of Fashion-MNIST.

For learning to detect, to segment and to describe where no real pictures with boxes, masks and
captions are at hand. The train scenes show items of the train split only, and so on.
"""

from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from kerasdl.datasets import catalog, scene_composition, storage
from kerasdl.datasets.pictures import to_png_bytes


class Builder(tfds.core.GeneratorBasedBuilder):
    """`kerasdl_scenes`: image, caption, boxes, classes and mask, in three fixed splits."""

    name = catalog.SCENES.builder_name
    VERSION = tfds.core.Version(catalog.SCENES.version)

    def _info(self) -> tfds.core.DatasetInfo:
        size = scene_composition.SIZE
        return tfds.core.DatasetInfo(
            builder=self,
            description=catalog.SCENES.description,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=catalog.SCENES.image_shape),
                    "caption": tfds.features.Text(),
                    "boxes": tfds.features.Tensor(shape=(None, 4), dtype=np.int32),
                    "classes": tfds.features.Sequence(
                        tfds.features.ClassLabel(names=catalog.SCENES.class_names)
                    ),
                    "mask": tfds.features.Tensor(
                        shape=(size, size), dtype=np.uint8, encoding=tfds.features.Encoding.ZLIB
                    ),
                }
            ),
            supervised_keys=("image", "caption"),
            homepage=catalog.FASHION_MNIST.source,
            citation=catalog.SCENES.citation,
            disable_shuffling=True,  # keep the order written: it is part of what is promised
        )

    def _split_generators(self, dl_manager):
        # Here, before TFDS writes its first file: Fashion-MNIST may have to be prepared first.
        root = Path(self.data_dir_root)
        return {
            split: self._generate_examples(
                split, count, *storage.load_arrays(catalog.FASHION_MNIST.name, split, root)
            )
            for split, count in catalog.info("scenes").split_sizes.items()
        }

    def _generate_examples(self, split, count, images, labels):
        items = scene_composition.Items.of(images, labels)
        for index in range(count):
            scene = scene_composition.compose(items, split, index)
            yield index, {**scene, "image": to_png_bytes(scene["image"])}
