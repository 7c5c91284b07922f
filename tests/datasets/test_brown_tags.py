import re

import pytest

from kerasdl.datasets import brown_tags
from kerasdl.datasets.brown_tags import UNIVERSAL_TAGS, universal
from kerasdl.errors import InputError


def test_the_twelve():
    twelve = "NOUN VERB ADJ ADV PRON DET ADP NUM CONJ PRT . X"
    assert UNIVERSAL_TAGS == tuple(sorted(twelve.split()))


@pytest.mark.parametrize(
    ("target", "tags"),
    [
        ("NOUN", "NN NN-TL NN$ NNS$-TL-HL NP NP$ NR PN PN$ CD$"),
        ("VERB", "VB VBD BEZ BEZ* MD MD* MD*-HL HVD DOZ VBG+TO MD+HV VB+PPO"),
        ("ADJ", "JJ JJ-TL-HL JJR JJT AP OD"),
        ("ADV", "RB RBR QL QLP WRB * *-HL RN"),
        ("PRON", "PPS PPSS PPO PP$$ WPS WPO PPL PPLS"),
        ("DET", "AT DT DTI PP$ WP$ WDT ABX"),
        ("ADP", "IN IN-NC CS IN+IN"),
        ("NUM", "CD CD-TL"),
        ("CONJ", "CC CC-TL-HL"),
        ("PRT", "RP TO UH EX ABN AP$ EX+BEZ PPS+BEZ PPSS+BER-N NNS+MD WRB+DOD* WDT+BEZ-NC"),
        (".", ". , : ( ) -- ---HL `` '' ' .-HL (-HL ,-TL"),
        ("X", "FW-NN FW-*-TL FW-AT+NN-TL FW-IN+AT-T NIL DO+PPSS"),
    ],
)
def test_mapping(target, tags):
    assert {tag: universal(tag) for tag in tags.split()} == dict.fromkeys(tags.split(), target)


def test_either_case():
    assert universal("nn-tl") == universal("NN-TL") == "NOUN"


def test_no_tag_stands_in_two_rows():
    tags = " ".join(brown_tags._TABLE.values()).split()
    assert len(tags) == len(set(tags))
    assert not [tag for tag in tags if re.search(r"-(TL|HL|NC)|^FW-", tag)]


@pytest.mark.parametrize("tag", ["", "NOUN", "FW-", "NN-", "-TL", "NN+XX", None, 3])
def test_unknown_tag(tag):
    with pytest.raises(InputError, match=re.escape(f"received {tag!r}")):
        universal(tag)
