"""Sentences and words as they come from people."""

import pytest

from kerasdl.datasets.edit_distance import edit_distances
from kerasdl.datasets.sentences import ending, letters, numbering, split_sentence, word_key


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Time flies.", "Time flies ."),
        ("He paid $1,000 at 3:30, didn't he?", "He paid $1,000 at 3:30 , didn't he ?"),
        ("Mr. Smith's dog (old) barked...", "Mr. Smith's dog ( old ) barked..."),
        ('"Stop!" she said.', '" Stop ! " she said .'),
        ("“No,” he said.”", "“ No , ” he said . ”"),
        ("well-known -- and liked", "well-known -- and liked"),
        ("  spaces\tand\nlines  ", "spaces and lines"),
        ("", ""),
        (".", "."),
        ("naïve Äpfel", "naïve Äpfel"),
    ],
)
def test_sentences(text, words):
    assert [w.decode() for w in split_sentence([text])[0].numpy()] == words.split()


def test_keys_and_endings():
    words = ["Straße", "ÄRGER", "3.14", "``", "”", "", "A"]
    assert [k.decode() for k in word_key(words).numpy()] == [
        "straße",
        "ärger",
        "0",
        '"',
        '"',
        "",
        "a",
    ]
    assert [k.decode() for k in ending(words).numpy()] == ["^aße", "^ger", "0", '"', '"', "", "^a"]


def test_letters_of_anything():
    split = letters(["Hé ", "", b"\xff"]).to_list()
    assert [[c.decode() for c in word] for word in split] == [["h", "é"], [], ["\ufffd"]]


def test_numbers():
    assert numbering(["b", "a"])([["a", "x", ""]]).numpy().tolist() == [[3, 1, 0]]


def test_edit_distance_of_known_pairs():
    pairs = [
        ("kitten", "sitting"),
        ("", "abc"),
        ("abc", ""),
        ("same", "same"),
        ("ab", "ba"),
        ("", ""),
    ]
    said, truth = zip(*[(list(a), list(b)) for a, b in pairs], strict=True)
    assert edit_distances(said, truth) == [3, 3, 3, 0, 2, 0]
