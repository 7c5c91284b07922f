"""Prepared datasets on disk: prepare each once, safely, and read it back as arrays."""

import contextlib
import io
import operator
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from kerasdl.datasets import catalog
from kerasdl.datasets.records import read_examples
from kerasdl.errors import InputError


def default_data_dir() -> Path:
    """Return the folder where TensorFlow Datasets keeps prepared data.

    Returns:
        What the environment variable TFDS_DATA_DIR names, else `~/tensorflow_datasets`.
    """
    return Path(os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser()


def is_complete(folder: Path) -> bool:
    """Tell whether a folder holds a prepared version; TFDS writes these two files last.

    Args:
        folder: `data_dir/builder_name/version`.

    Returns:
        True if it can be read.
    """
    return (folder / "dataset_info.json").is_file() and (folder / "features.json").is_file()


def is_prepared(name: str, data_dir: str | os.PathLike[str] | None = None) -> bool:
    """Tell whether a dataset is prepared here; quick, imports nothing.

    Args:
        name: Name of the dataset, one of `available()`.
        data_dir: Root folder of prepared datasets; None for TFDS's default.

    Returns:
        True if reading it needs no further work.

    Raises:
        InputError: If there is no such dataset.
    """
    return is_complete(catalog.info(name).folder(_root(data_dir)))


def prepare(name: str, data_dir: str | os.PathLike[str] | None = None) -> Path:
    """Make a dataset ready to be read; nothing happens if it already is.

    TFDS writes into a folder of another name and renames it at the end, so a prepared folder is
    always whole. A lock lets one process prepare while the others wait for the result; what a
    killed process left behind is swept away.

    Args:
        name: Name of the dataset, one of `available()`.
        data_dir: Root folder of prepared datasets; None for TFDS's default.

    Returns:
        The folder with the prepared files.

    Raises:
        InputError: If there is no such dataset, if its source cannot be had or is damaged, or if
            the folder cannot be written.
    """
    entry, root = catalog.info(name), _root(data_dir)
    folder = entry.folder(root)
    if is_complete(folder):
        return folder
    builder = entry.builder(root)  # first of all, for the error if packages are missing
    import filelock

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder.parent / "prepare.lock"):
            if not is_complete(folder):
                _sweep(folder)
                builder = entry.builder(root)  # another process may have changed what is there
                with _quiet():
                    builder.download_and_prepare()
    except OSError as error:
        raise InputError(
            f"The dataset {name!r} cannot be prepared in {root}: {error}. "
            "Give another folder with `data_dir` or the environment variable TFDS_DATA_DIR."
        ) from error
    return folder


def load_arrays(
    name: str, split: str, data_dir: str | os.PathLike[str] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Read a split of images into memory, preparing the dataset first if need be.

    Args:
        name: Name of a dataset of the kind "images".
        split: "train", "validation" or "test".
        data_dir: Root folder of prepared datasets; None for TFDS's default.

    Returns:
        Images (N, H, W, C) uint8 from 0 to 255 and labels (N,) int32, always in the same order.

    Raises:
        InputError: If there is no such dataset or split, if it is of another kind, or the data
            cannot be had.

    Example:
        >>> images, labels = load_arrays("digits", "test")
        >>> images.shape, images.dtype.name, labels[:3].tolist()
        ((360, 8, 8, 1), 'uint8', [1, 4, 8])
    """
    catalog.check_images("name", catalog.info(name), "Read it with `datasets.load_examples`.")
    examples = load_examples(name, split, data_dir)
    return examples["image"], examples["label"]


def load_examples(
    name: str, split: str, data_dir: str | os.PathLike[str] | None = None
) -> dict[str, np.ndarray]:
    """Read a split of any dataset into memory, preparing the dataset first if need be.

    Args:
        name: Name of the dataset, one of `available()`.
        split: "train", "validation" or "test".
        data_dir: Root folder of prepared datasets; None for TFDS's default.

    Returns:
        Feature to its values, always in the same order; the features are those of
        `info(name).features`. What has one shape in all examples is one array with the examples
        in front: images and masks uint8, labels (N,) int32. The rest is an array (N,) of objects:
        texts as str, sequences of texts as lists of str (nested where they are), sequences of
        numbers as arrays, e.g. the boxes (n, 4) int32 of a scene.

    Raises:
        InputError: If there is no such dataset or split, or the data cannot be had.

    Example:
        >>> examples = load_examples("digits", "test")
        >>> examples["image"].shape, examples["label"][:3].tolist()
        ((360, 8, 8, 1), [1, 4, 8])
    """
    entry = catalog.info(name)
    catalog.check_split(entry, split)
    prepare(name, data_dir)
    return read_examples(entry.builder(_root(data_dir)), split, entry.features)


def check_integer(argument: str, value: Any, minimum: int) -> int:
    """Return an argument as an int if it is a whole number that is large enough.

    Args:
        argument: Name of the argument, for the error.
        value: What came.
        minimum: The smallest value allowed.

    Returns:
        The value as an int.

    Raises:
        InputError: If it is not an integer or too small.

    Example:
        >>> check_integer("batch_size", 0, minimum=1)
        Traceback (most recent call last):
        ...
        kerasdl.errors.InputError: `batch_size` must be an integer of at least 1, received 0.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or number < minimum:
        raise InputError(
            f"`{argument}` must be an integer of at least {minimum}, received {value!r}."
        )
    return number


def _root(data_dir: str | os.PathLike[str] | None) -> Path:
    text = os.fspath(default_data_dir() if data_dir is None else data_dir)
    if "://" in text or text.startswith("gs:/"):
        raise InputError(f"`data_dir` must be a folder on this machine, received {text!r}.")
    return Path(text).expanduser()


def _sweep(folder: Path) -> None:
    """Remove what a killed preparation left; called with the lock held."""
    for left in folder.parent.glob(f"incomplete.*_{folder.name}"):
        shutil.rmtree(left, ignore_errors=True)
    if folder.exists():
        raise InputError(
            f"{folder} exists but is no complete dataset: dataset_info.json or features.json is "
            "missing. Remove the folder, or copy all of its files again."
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep TFDS's announcements and its nest of progress bars off the terminal."""
    from tensorflow_datasets.core.utils import tqdm_utils

    # TFDS has a switch for its bars but no way to ask how it stands.
    active = getattr(tqdm_utils, "_active", True)
    tqdm_utils.display_progress_bar(False)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        tqdm_utils.display_progress_bar(active)
