"""Words and signs as people write them."""

import pytest

from kerasdl.datasets.running_text import join_words
from kerasdl.datasets.sentences import split_sentence


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("Well , yes ; no : what ? !", "Well, yes; no: what?!"),
        ("`` Go '' , he said .", '"Go", he said.'),
        ("He ( and she ) went -- alone .", "He (and she) went -- alone."),
        ("", ""),
    ],
)
def test_signs_stand_where_they_belong(words, text):
    assert join_words(words.split()) == text


def test_taking_apart_is_the_way_back():
    words = ["``", "No", ",", "''", "said", "Mr.", "Li", "(", "twice", ")", "."]
    apart = [w.decode() for w in split_sentence([join_words(words)])[0].numpy()]
    assert apart == [w.replace("``", '"').replace("''", '"') for w in words]
