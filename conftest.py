"""Settings that every test and doctest shares; they must stand before Keras or JAX is imported."""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("JAX_ENABLE_X64", "1")  # parity is proven in float64
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _fresh_seed():
    keras.utils.set_random_seed(0)
    yield
    keras.config.set_dtype_policy("float32")


@pytest.fixture(autouse=True, scope="session")
def _data_folder(tmp_path_factory):
    """Prepare data sets in a folder of the test run, not in the user's."""
    folder = str(tmp_path_factory.mktemp("tfds"))
    before = os.environ.get("TFDS_DATA_DIR")
    os.environ["TFDS_DATA_DIR"] = folder
    yield folder
    if before is None:
        del os.environ["TFDS_DATA_DIR"]
    else:
        os.environ["TFDS_DATA_DIR"] = before


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# Files that take a minute or more begin first: the last one would keep one process alone.
LONG = ("tests/training/", "tests/server/", "tests/inspection/", "tests/cli/")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))
