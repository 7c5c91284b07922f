"""Fixtures: no test here reads or writes the data of the person who runs it."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from kerasdl import datasets
from kerasdl.datasets import brown_sources, fashion_mnist_sources, spam_assassin_sources


@pytest.fixture(scope="session")
def digits_dir(tmp_path_factory) -> Path:
    """A data folder in which the digits are prepared."""
    data_dir = tmp_path_factory.mktemp("digits")
    datasets.prepare("digits", data_dir)
    return data_dir


@pytest.fixture(autouse=True)
def own_machine(tmp_path, monkeypatch) -> Path:
    """An empty default data folder, and a machine without any copy of the data."""
    data_dir = tmp_path / "tfds"
    monkeypatch.setenv("TFDS_DATA_DIR", str(data_dir))
    for sources in (fashion_mnist_sources, spam_assassin_sources, brown_sources):
        monkeypatch.delenv(sources.FOLDER_VARIABLE, raising=False)
    monkeypatch.setattr(brown_sources, "NLTK_FOLDER", tmp_path / "nltk_data/corpora")
    monkeypatch.setattr(fashion_mnist_sources, "DEBIAN_FOLDER", tmp_path / "debian")
    return data_dir


@pytest.fixture
def make_official():
    """Make a tiny stand-in for the official arrays: `per_class` images of each class."""

    def make(seed=0, train_per_class=20, test_per_class=5):
        random = np.random.default_rng(seed)
        official = {}
        for split, per_class in (("train", train_per_class), ("test", test_per_class)):
            labels = random.permutation(np.repeat(np.arange(10, dtype=np.uint8), per_class))
            images = random.integers(0, 256, (len(labels), 28, 28, 1), dtype=np.uint8)
            official[split] = images, labels
        return official

    return make


@pytest.fixture
def write_files():
    """Write official arrays as the four published idx files."""

    def write(folder: Path, official) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        names = fashion_mnist_sources.FILES
        for split, (images, labels) in official.items():
            write_idx(folder / names[f"{split}_images"], images[..., 0])
            write_idx(folder / names[f"{split}_labels"], labels)
        return folder

    return write


def write_idx(path: Path, array: np.ndarray) -> None:
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    path.write_bytes(gzip.compress(header + array.tobytes()))
