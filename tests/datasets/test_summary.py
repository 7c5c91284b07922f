import numpy as np

from kerasdl import datasets
from kerasdl.datasets import summary


def objects(*rows):
    array = np.empty(len(rows), object)
    for index, row in enumerate(rows):
        array[index] = row
    return array


MAILS = {"text": objects("Tea\nat four", "word " * 100), "label": np.array([0, 1])}
SENTENCE = {
    "words": objects(["Dogs", "bark"], ["Run"]),
    "tags": objects(["NNS", "VB"], ["VB-HL"]),
    "document": objects("ca01", "ca02"),
}
SCENES = {"classes": objects(np.array([1, 1]), np.array([9])), "caption": objects("a b c", "a b")}


def test_lengths():
    assert summary.lengths("texts", MAILS)["words"].tolist() == [3, 100]
    assert summary.lengths("tagged", SENTENCE)["words"].tolist() == [2, 1]
    lengths = summary.lengths("scenes", SCENES)
    assert {what: n.tolist() for what, n in lengths.items()} == {
        "items": [2, 1],
        "words of the caption": [3, 2],
    }
    assert summary.lengths("images", {}) == {}


def test_class_counts():
    counts = dict(summary.class_counts(datasets.info("brown"), SENTENCE))
    assert (counts["NOUN"], counts["VERB"], counts["ADJ"]) == (1, 2, 0)
    counts = dict(summary.class_counts(datasets.info("scenes"), SCENES))
    assert (counts["Trouser"], counts["Ankle boot"], counts["Bag"]) == (2, 1, 0)
    assert summary.class_counts(datasets.info("cmudict"), {}) == []


def test_lines():
    short, long = summary.lines(datasets.info("spam_assassin"), MAILS, 5)
    assert short == ("ham", "Tea at four")
    assert long[0] == "spam"
    assert len(long[1]) == 200
    assert long[1].endswith("…")
    assert summary.lines(datasets.info("brown"), SENTENCE, 1) == [("ca01", "Dogs/NNS bark/VB")]
