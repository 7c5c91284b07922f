"""Where the images of Fashion-MNIST can be found on a machine, and how each source is read.

In this order: TFDS's own prepared `fashion_mnist`, a folder named by the environment variable
KERASDL_FASHION_MNIST_DIR, the files of Debian's package `dataset-fashion-mnist`, a download.
"""

import os
from pathlib import Path

import numpy as np

from kerasdl.datasets import catalog
from kerasdl.datasets.idx import read_idx
from kerasdl.datasets.records import read_examples
from kerasdl.datasets.storage import default_data_dir, is_complete
from kerasdl.errors import InputError

FOLDER_VARIABLE = "KERASDL_FASHION_MNIST_DIR"
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")

# The names under which the four files are published, and which Debian keeps.
FILES = {
    "train_images": "train-images-idx3-ubyte.gz",
    "train_labels": "train-labels-idx1-ubyte.gz",
    "test_images": "t10k-images-idx3-ubyte.gz",
    "test_labels": "t10k-labels-idx1-ubyte.gz",
}
_STOCK_NAME = "fashion_mnist"

# Images (N, 28, 28, 1) uint8 and labels (N,) uint8 of the official splits "train" and "test".
Official = dict[str, tuple[np.ndarray, np.ndarray]]


def find_stock(data_dir: Path) -> Path | None:
    """Look for TFDS's own `fashion_mnist`, already prepared.

    Args:
        data_dir: Root folder of prepared datasets; TFDS's default folder is looked at as well.

    Returns:
        The newest version's folder, or None.
    """
    for root in (data_dir, default_data_dir()):
        versions = {
            tuple(map(int, folder.name.split("."))): folder
            for folder in (root / _STOCK_NAME).glob("*.*.*")
            if folder.name.replace(".", "").isdigit() and is_complete(folder)
        }
        if versions:
            return versions[max(versions)]
    return None


def read_stock(folder: Path) -> Official:
    """Read TFDS's own prepared `fashion_mnist`.

    Args:
        folder: The folder of one prepared version.

    Returns:
        The official splits, in no particular order.

    Raises:
        InputError: If the files are damaged.
    """
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(folder)
    official = {}
    for split in ("train", "test"):
        examples = read_examples(builder, split, ("image", "label"))
        images, labels = examples["image"], examples["label"]
        _check(images, labels, f"the split {split!r} in {folder}")
        official[split] = images, labels.astype(np.uint8)
    return official


def find_folder() -> Path | None:
    """Look for the published idx files.

    Returns:
        The folder that holds them, or None.

    Raises:
        InputError: If the environment variable is set and the files are not where it points:
            who sets it means it, so nothing else is tried.
    """
    wanted = os.environ.get(FOLDER_VARIABLE)
    if not wanted:
        return DEBIAN_FOLDER if not _missing(DEBIAN_FOLDER) else None
    folder = Path(wanted).expanduser()
    # `dpkg -x` keeps the package's own path below the folder it unpacks to.
    unpacked = folder / DEBIAN_FOLDER.relative_to("/")
    for candidate in (folder, unpacked):
        if not _missing(candidate):
            return candidate
    raise InputError(
        f"The environment variable {FOLDER_VARIABLE} must name a folder that holds "
        f"{', '.join(FILES.values())}; received {wanted!r}, where "
        f"{', '.join(_missing(folder))} {'is' if len(_missing(folder)) == 1 else 'are'} missing."
    )


def files_in(folder: Path) -> dict[str, Path]:
    """Name the four files in a folder.

    Args:
        folder: The folder.

    Returns:
        Key of `FILES` to path.
    """
    return {key: folder / name for key, name in FILES.items()}


def read_files(files: dict[str, Path]) -> Official:
    """Read the four idx files.

    Args:
        files: Key of `FILES` to path.

    Returns:
        The official splits, as many images as the files hold.

    Raises:
        InputError: If a file is damaged or does not hold what its name says.
    """
    official = {}
    for split in ("train", "test"):
        images = read_idx(files[f"{split}_images"], dimensions=3)[..., np.newaxis]
        labels = read_idx(files[f"{split}_labels"], dimensions=1)
        _check(images, labels, f"{files[f'{split}_images']} with {files[f'{split}_labels']}")
        official[split] = images, labels
    return official


def ways_to_get_it(url: str, trouble: str) -> str:
    """Word the error for a machine that has no copy of Fashion-MNIST and cannot download one.

    Args:
        url: Where the download was tried.
        trouble: What went wrong.

    Returns:
        The message, with one line for each way to get the data.
    """
    stock = f"{_STOCK_NAME} or {catalog.FASHION_MNIST.builder_name}"
    return f"""Fashion-MNIST is not on this machine and cannot be downloaded from {url} ({trouble}).
Ways to get it:
  - with a network: run the same command again; the files are downloaded (30 MB);
  - on Debian or Ubuntu, as root: apt install dataset-fashion-mnist
  - the same without root: apt-get download dataset-fashion-mnist &&
    dpkg -x dataset-fashion-mnist_*.deb DIR && export {FOLDER_VARIABLE}=DIR
  - from a machine that has it: copy the four .gz files into a folder and set {FOLDER_VARIABLE}
    to it, or copy the prepared folder {stock} into ~/tensorflow_datasets
    (or into the folder that TFDS_DATA_DIR names)."""


def _missing(folder: Path) -> list[str]:
    return [name for name in FILES.values() if not (folder / name).is_file()]


def _check(images: np.ndarray, labels: np.ndarray, where: str) -> None:
    shape, classes = catalog.FASHION_MNIST.image_shape, catalog.FASHION_MNIST.num_classes
    if images.shape[1:] != shape:
        raise InputError(f"Images of shape {images.shape[1:]} in {where}; expected {shape}.")
    if len(images) != len(labels):
        raise InputError(f"{len(images)} images but {len(labels)} labels in {where}.")
    if len(labels) and labels.max() >= classes:
        raise InputError(f"Label {labels.max()} in {where}; expected 0 to {classes - 1}.")
