"""From the tags of the Brown corpus to the twelve universal parts of speech.

Source: S. Petrov, D. Das and R. McDonald, A Universal Part-of-Speech Tagset, LREC 2012, with the
mapping published for Brown, en-brown. Some of its choices surprise: every contraction of a pronoun
or noun with a verb ("it's") is a particle (PRT), and so are "there is", "all" and interjections.
"""

import re

from kerasdl.errors import InputError

# Where a word stands says nothing about its part of speech: -TL in a title, -HL in a headline, -NC
# cited. The corpus has two of them cut short, -T and -N.
_SUFFIXES = re.compile(r"(?:-(?:TL|HL|NC|T|N))+$")
_FOREIGN = "FW-"

# Every tag that occurs in the corpus, without these suffixes and without the foreign words.
_TABLE = {
    ".": ". , : ( ) -- `` '' '",
    "ADJ": "AP AP+AP JJ JJ+JJ JJR JJR+CS JJS JJT OD",
    "ADP": "CS IN IN+IN IN+PPO",
    "ADV": "* QL QLP RB RB+CS RBR RBR+CS RBT RN WQL WRB",
    "CONJ": "CC",
    "DET": "ABX AT DT DT$ DTI DTS DTX PP$ WDT WP$",
    "NOUN": "CD$ NN NN$ NN+IN NN+NN NNS NNS$ NP NP$ NPS NPS$ NR NR$ NRS PN PN$",
    "NUM": "CD",
    "PRON": "PP$$ PPL PPLS PPO PPS PPSS WPO WPS",
    "PRT": """ABL ABN AP$ EX JJ$ RB$ RP RP+IN TO TO+VB UH
        DT+BEZ DT+MD DTS+BEZ EX+BEZ EX+HVD EX+HVZ EX+MD
        NN+BEZ NN+HVD NN+HVZ NN+MD NNS+MD NP+BEZ NP+HVZ NP+MD NR+MD PN+BEZ PN+HVD PN+HVZ PN+MD
        PPS+BEZ PPS+HVD PPS+HVZ PPS+MD
        PPSS+BEM PPSS+BER PPSS+BEZ PPSS+BEZ* PPSS+HV PPSS+HVD PPSS+MD PPSS+VB RB+BEZ
        WDT+BER WDT+BEZ WDT+DOD WDT+HVZ WPS+BEZ WPS+HVD WPS+HVZ WPS+MD
        WRB+BER WRB+BEZ WRB+DO WRB+DOD WRB+DOD* WRB+DOZ WRB+IN WRB+MD""",
    "VERB": """BE BED BED* BEDZ BEDZ* BEG BEM BEM* BEN BER BER* BEZ BEZ*
        DO DO* DOD DOD* DOZ DOZ* HV HV* HV+TO HVD HVD* HVG HVN HVZ HVZ*
        MD MD* MD+HV MD+PPSS MD+TO
        VB VB+AT VB+IN VB+JJ VB+PPO VB+RP VB+TO VB+VB VBD VBG VBG+TO VBN VBN+TO VBZ""",
    "X": "DO+PPSS NIL WDT+BER+PP WDT+DO+PPS",
}
_UNIVERSAL = {tag: target for target, tags in _TABLE.items() for tag in tags.split()}

UNIVERSAL_TAGS = tuple(sorted(_TABLE))


def universal(tag: str) -> str:
    """Return the universal part of speech of a Brown tag.

    Args:
        tag: A full tag, for example "NN-TL" or "FW-AT+NN", in either case.

    Returns:
        One of `UNIVERSAL_TAGS`.

    Raises:
        InputError: If it is no tag of the Brown corpus.

    Example:
        >>> [universal(tag) for tag in ("NN-TL", "PP$", "MD*", "FW-IN", "---HL", "PPS+BEZ")]
        ['NOUN', 'DET', 'VERB', 'X', '.', 'PRT']
    """
    if not isinstance(tag, str):
        raise InputError(f"`tag` must be a tag of the Brown corpus as str, received {tag!r}.")
    base = tag.upper()
    if base.startswith(_FOREIGN) and len(base) > len(_FOREIGN):
        return "X"
    base = _SUFFIXES.sub("", base)
    if base not in _UNIVERSAL:
        raise InputError(
            f"`tag` must be a tag of the Brown corpus, for example 'NN-TL'; received {tag!r}."
        )
    return _UNIVERSAL[base]
