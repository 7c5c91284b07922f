import http.server
import threading
import time

import numpy as np
import pytest

from kerasdl import datasets
from kerasdl.datasets import fashion_mnist_sources
from kerasdl.errors import InputError

SPLITS = ("train", "validation", "test")
VARIABLE = fashion_mnist_sources.FOLDER_VARIABLE


def load(data_dir):
    return {split: datasets.load_arrays("fashion_mnist", split, data_dir) for split in SPLITS}


def pairs(*arrays):
    """The images and labels of some splits as a sorted list, whatever their order was."""
    return sorted(
        (image.tobytes(), int(label))
        for images, labels in arrays
        for image, label in zip(images, labels, strict=True)
    )


def prepare_stock(data_dir, official):
    """Prepare what TFDS's own builder would have, from arrays instead of a download."""
    import tensorflow_datasets as tfds
    from tensorflow_datasets.image_classification import mnist

    class FashionMNIST(mnist.FashionMNIST, skip_registration=True):
        def _split_generators(self, dl_manager):
            return {split: self._generate_examples(*official[split]) for split in official}

        def _generate_examples(self, images, labels):
            for index, (image, label) in enumerate(zip(images, labels, strict=True)):
                yield index, {"image": image, "label": int(label)}

    assert FashionMNIST.name == mnist.FashionMNIST.name == "fashion_mnist"
    builder = FashionMNIST(data_dir=data_dir)
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(try_download_gcs=False)
    )
    return builder


@pytest.fixture
def serve_folder(monkeypatch):
    """Serve a folder over HTTP on the loopback, in the place of the original source."""
    servers = []

    def serve(folder):
        from tensorflow_datasets.image_classification import mnist

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *args):
                super().__init__(*args, directory=str(folder))

            def log_message(self, *args):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        monkeypatch.setattr(
            mnist.FashionMNIST, "URL", f"http://127.0.0.1:{server.server_address[1]}/"
        )

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def unreachable(monkeypatch):
    """An address on which nothing listens."""
    import socket

    from tensorflow_datasets.image_classification import mnist

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr(mnist.FashionMNIST, "URL", f"http://127.0.0.1:{port}/")


def test_splits(tmp_path, monkeypatch, make_official, write_files):
    official = make_official(train_per_class=20, test_per_class=5)
    monkeypatch.setenv(VARIABLE, str(write_files(tmp_path / "files", official)))
    arrays = load(tmp_path)
    # The sizes come from the files; validation is a tenth of every class.
    assert np.bincount(arrays["train"][1]).tolist() == [18] * 10
    assert np.bincount(arrays["validation"][1]).tolist() == [2] * 10
    assert np.bincount(arrays["test"][1]).tolist() == [5] * 10
    # Nothing is lost, doubled or mislabelled, and the official test images stay test images.
    assert pairs(arrays["train"], arrays["validation"]) == pairs(official["train"])
    assert pairs(arrays["test"]) == pairs(official["test"])


def test_tfds_own_copy_gives_the_same_splits_in_the_same_order(
    tmp_path, monkeypatch, make_official, write_files
):
    official = make_official()
    stock = prepare_stock(tmp_path / "stock", official)
    # TFDS shuffled them, so the original order is truly gone.
    shuffled = [int(label) for _, label in stock.as_dataset(split="train", as_supervised=True)]
    assert shuffled != official["train"][1].tolist()

    from_stock = load(tmp_path / "stock")
    monkeypatch.setenv(VARIABLE, str(write_files(tmp_path / "files", official)))
    from_files = load(tmp_path / "other")
    for split in SPLITS:
        for ours, theirs in zip(from_stock[split], from_files[split], strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_order_of_the_sources(
    tmp_path, own_machine, monkeypatch, make_official, write_files, serve_folder
):
    """Every source holds other images; take the preferred one away, and the next is used."""
    by_tfds, by_variable, by_debian, by_download = (make_official(seed) for seed in range(4))
    prepare_stock(own_machine, by_tfds)
    variable_folder = write_files(tmp_path / "variable", by_variable)
    monkeypatch.setenv(VARIABLE, str(variable_folder))
    debian_folder = write_files(fashion_mnist_sources.DEBIAN_FOLDER, by_debian)
    serve_folder(write_files(tmp_path / "served", by_download))

    def test_images(folder):
        return pairs(datasets.load_arrays("fashion_mnist", "test", tmp_path / folder))

    # The default data folder is looked at too, when another one is given.
    assert test_images("one") == pairs(by_tfds["test"])
    (own_machine / "fashion_mnist").rename(tmp_path / "gone")
    assert test_images("two") == pairs(by_variable["test"])
    monkeypatch.delenv(VARIABLE)
    assert test_images("three") == pairs(by_debian["test"])
    debian_folder.rename(tmp_path / "gone_too")
    assert test_images("four") == pairs(by_download["test"])
    # What is already prepared comes before all of them.
    assert test_images("one") == pairs(by_tfds["test"])


def test_variable_may_name_the_folder_that_dpkg_unpacked_to(
    tmp_path, monkeypatch, make_official, write_files
):
    official = make_official()
    monkeypatch.setattr(
        fashion_mnist_sources,
        "DEBIAN_FOLDER",
        fashion_mnist_sources.Path("/usr/share/datasets/fashion-mnist"),
    )
    write_files(tmp_path / "unpacked/usr/share/datasets/fashion-mnist", official)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "unpacked"))
    images_and_labels = datasets.load_arrays("fashion_mnist", "test", tmp_path)
    assert pairs(images_and_labels) == pairs(official["test"])


def test_variable_that_points_nowhere_is_an_error(
    tmp_path, monkeypatch, make_official, write_files
):
    write_files(fashion_mnist_sources.DEBIAN_FOLDER, make_official())
    folder = write_files(tmp_path / "files", make_official())
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    monkeypatch.setenv(VARIABLE, str(folder))
    with pytest.raises(InputError, match=f"{VARIABLE}.*t10k-labels-idx1-ubyte.gz is missing"):
        datasets.prepare("fashion_mnist", tmp_path / "data")


def check_clear_error(error, data_dir):
    for way in ("apt install dataset-fashion-mnist", "dpkg -x", VARIABLE, "tensorflow_datasets"):
        assert way in str(error)
    assert not datasets.is_prepared("fashion_mnist", data_dir)
    left = [path.name for path in (data_dir / "kerasdl_fashion_mnist").iterdir()]
    assert left in ([], ["prepare.lock"])


def test_without_any_source_and_without_a_network(tmp_path):
    start = time.monotonic()
    with pytest.raises(InputError) as caught:
        datasets.prepare("fashion_mnist", tmp_path)
    # The probe gives up after 6 seconds at most; TFDS alone would try for 205.
    assert time.monotonic() - start < 15
    check_clear_error(caught.value, tmp_path)


def test_nothing_listens(tmp_path, unreachable):
    with pytest.raises(InputError, match="refused") as caught:
        datasets.prepare("fashion_mnist", tmp_path)
    check_clear_error(caught.value, tmp_path)


def test_server_without_the_files(tmp_path, serve_folder):
    (tmp_path / "empty").mkdir()
    serve_folder(tmp_path / "empty")
    with pytest.raises(InputError, match="HTTP status 404") as caught:
        datasets.prepare("fashion_mnist", tmp_path)
    check_clear_error(caught.value, tmp_path)


def test_download_that_fails_after_the_probe(tmp_path, serve_folder, make_official, write_files):
    folder = write_files(tmp_path / "served", make_official())
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    serve_folder(folder)
    with pytest.raises(InputError, match="404") as caught:
        datasets.prepare("fashion_mnist", tmp_path)
    check_clear_error(caught.value, tmp_path)
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda images, labels: (images[:, :27], labels),
            r"shape \(27, 28, 1\).*expected \(28, 28",
        ),
        (lambda images, labels: (images, labels[:-1]), "50 images but 49 labels"),
        (lambda images, labels: (images, labels + 1), "Label 10.*expected 0 to 9"),
        (lambda images, labels: (images[:0], labels[:0]), "nothing is left for the split 'test'"),
    ],
)
def test_damaged_files_leave_nothing_behind(
    tmp_path, monkeypatch, make_official, write_files, damage, message
):
    official = make_official()
    official["test"] = damage(*official["test"])
    monkeypatch.setenv(VARIABLE, str(write_files(tmp_path / "files", official)))
    with pytest.raises(InputError, match=message):
        datasets.prepare("fashion_mnist", tmp_path / "data")
    left = [path.name for path in (tmp_path / "data/kerasdl_fashion_mnist").iterdir()]
    assert left in ([], ["prepare.lock"])


def test_corrupt_idx_file_is_named_and_can_be_mended(
    tmp_path, monkeypatch, make_official, write_files
):
    official = make_official()
    folder = write_files(tmp_path / "files", official)
    monkeypatch.setenv(VARIABLE, str(folder))
    broken = folder / "train-images-idx3-ubyte.gz"
    broken.write_bytes(broken.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"train-images-idx3-ubyte\.gz cannot be read"):
        datasets.prepare("fashion_mnist", tmp_path)
    write_files(folder, official)
    assert len(datasets.load_arrays("fashion_mnist", "train", tmp_path)[1]) == 180
