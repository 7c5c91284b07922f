import subprocess
import sys
import threading

import numpy as np
import pytest

from kerasdl import datasets
from kerasdl.datasets import digits, storage
from kerasdl.errors import InputError


def test_default_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    assert datasets.default_data_dir() == tmp_path
    monkeypatch.delenv("TFDS_DATA_DIR")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert datasets.default_data_dir() == tmp_path / "tensorflow_datasets"


def test_prepare_writes_to_the_default_folder_and_is_silent(own_machine, capfd):
    assert not datasets.is_prepared("digits")
    folder = datasets.prepare("digits")
    assert folder == own_machine / "kerasdl_digits" / "1.0.0"
    assert datasets.is_prepared("digits")
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "examples" not in captured.err  # TFDS's progress bars


def test_prepare_twice_does_nothing(digits_dir):
    folder = datasets.prepare("digits", digits_dir)
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert datasets.prepare("digits", str(digits_dir)) == folder
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_load_arrays_is_the_same_every_time(digits_dir):
    first, second = (datasets.load_arrays("digits", "validation", digits_dir) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


def test_load_examples_holds_what_load_arrays_holds(digits_dir):
    examples = datasets.load_examples("digits", "validation", digits_dir)
    images, labels = datasets.load_arrays("digits", "validation", digits_dir)
    assert tuple(examples) == datasets.info("digits").features
    np.testing.assert_array_equal(examples["image"], images)
    np.testing.assert_array_equal(examples["label"], labels)
    assert labels.dtype == np.int32


def test_two_at_once_prepare_once(tmp_path, monkeypatch):
    started = []
    original = digits.Builder.download_and_prepare

    def counted(self, **kwargs):
        started.append(threading.get_ident())
        return original(self, **kwargs)

    monkeypatch.setattr(digits.Builder, "download_and_prepare", counted)
    barrier, folders = threading.Barrier(2), []

    def work():
        barrier.wait()
        folders.append(datasets.prepare("digits", tmp_path))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(started) == 1
    assert len(set(folders)) == 1
    assert len(folders) == 2
    assert len(datasets.load_arrays("digits", "test", tmp_path)[1]) == 360


KILLED = """
import os, sys, time
from kerasdl import datasets
from kerasdl.datasets import digits

original = digits.Builder._generate_examples

def stuck(self, images, labels):
    for index, example in original(self, images, labels):
        if index == 100:
            os.write(1, b"half way\\n")  # sys.stdout is TFDS's while it prepares
            time.sleep(600)
        yield index, example

digits.Builder._generate_examples = stuck
datasets.prepare("digits", sys.argv[1])
"""


def test_kill_during_preparation_leaves_nothing_half_written(tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert child.stdout.readline() == "half way\n"
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    left = [path.name for path in (tmp_path / "kerasdl_digits").iterdir()]
    assert any(name.startswith("incomplete.") for name in left)  # it was killed in the midst
    assert not datasets.is_prepared("digits", tmp_path)

    assert len(datasets.load_arrays("digits", "train", tmp_path)[1]) == 1293
    names = sorted(path.name for path in (tmp_path / "kerasdl_digits").iterdir())
    assert names == ["1.0.0", "prepare.lock"]


def test_failure_during_preparation_leaves_nothing_behind(tmp_path, monkeypatch):
    def failing(self, images, labels):
        yield 0, {"image": images[0], "label": 0}
        raise KeyboardInterrupt

    monkeypatch.setattr(digits.Builder, "_generate_examples", failing)
    with pytest.raises(KeyboardInterrupt):
        datasets.prepare("digits", tmp_path)
    names = [path.name for path in (tmp_path / "kerasdl_digits").iterdir()]
    assert names in ([], ["prepare.lock"])


def test_folder_copied_in_part_is_not_overwritten(tmp_path):
    folder = tmp_path / "kerasdl_digits" / "1.0.0"
    folder.mkdir(parents=True)
    (folder / "kerasdl_digits-train.tfrecord-00000-of-00001").write_bytes(b"precious")
    with pytest.raises(InputError, match=r"no complete dataset.*is missing.*Remove the folder"):
        datasets.prepare("digits", tmp_path)
    assert (folder / "kerasdl_digits-train.tfrecord-00000-of-00001").read_bytes() == b"precious"


@pytest.mark.parametrize("keep", [0, 1000, None], ids=["empty", "cut", "changed"])
def test_damaged_records(tmp_path, keep):
    folder = datasets.prepare("digits", tmp_path)
    (records,) = folder.glob("*-test.tfrecord*")
    data = bytearray(records.read_bytes())
    if keep is None:
        data[5000] ^= 0xFF
    records.write_bytes(data[:keep])
    with pytest.raises(InputError, match=r"split 'test' in .* cannot be read.*Remove that folder"):
        datasets.load_arrays("digits", "test", tmp_path)


def test_data_dir_that_is_a_file(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(InputError, match=r"cannot be prepared in .*file.*TFDS_DATA_DIR"):
        datasets.prepare("digits", file)


@pytest.mark.parametrize("data_dir", ["gs://bucket/data", "s3://bucket"])
def test_data_dir_elsewhere(data_dir):
    with pytest.raises(InputError, match=f"folder on this machine, received '{data_dir}'"):
        datasets.prepare("digits", data_dir)


@pytest.mark.parametrize("value", [0, -1, 1.0, "2", None, True])
def test_check_integer_refuses(value):
    with pytest.raises(InputError, match=f"`size` must be an integer of at least 1.*{value!r}"):
        storage.check_integer("size", value, minimum=1)


def test_check_integer_takes_numpy_integers():
    assert storage.check_integer("size", np.int64(3), minimum=1) == 3
