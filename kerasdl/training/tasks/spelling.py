"""A spelling in, phonemes out."""

import collections
import functools
from typing import ClassVar

import numpy as np
from keras import ops

from kerasdl import models
from kerasdl.datasets.sentences import letters, numbering
from kerasdl.datasets.sequences import fill_up
from kerasdl.datasets.words import most_frequent
from kerasdl.errors import InputError
from kerasdl.inspection.alignment import save_alignments, save_heads
from kerasdl.models.decoding import START, STOP, TARGET_RESERVED
from kerasdl.training.examples import Examples
from kerasdl.training.tasks.base import Baseline, Task
from kerasdl.training.tasks.writing import BEAM, error_shares, generate, in_words

BOUNDARIES = (6, 8, 10, 13, 18)
PICTURED = 6


class Pronounce(Task):
    """A spelling in, phonemes out."""

    kind = "pairs"
    networks: ClassVar = {"seq2seq": models.Seq2Seq, "transformer": models.Transformer}
    data_arguments: ClassVar = {"stress": False}

    def what_the_data_say(self):
        """Return the letters and the phonemes."""
        self.refuse_augmentation()
        phonemes = sorted({p for word in self.pronunciations("train") for one in word for p in one})
        return self._letters, phonemes

    @functools.cached_property
    def _letters(self):
        letter = (c for word in self._data("train")["spelling"] for c in word)
        return sorted(most_frequent(letter, 1000))

    @functools.lru_cache(maxsize=3)  # noqa: B019  a task lives as long as its run
    def _data(self, split):
        return self.load(split)

    def pronunciations(self, split: str) -> list[list[list[str]]]:
        """Return all pronunciations of each word, without stress unless asked for."""
        stress = self.argument("stress")
        if not isinstance(stress, bool):
            raise InputError(f"`stress` must be true or false, received {stress!r}.")
        words = self._data(split)["phonemes"]
        if stress:
            return list(words)
        return [
            _different([phoneme.rstrip("012") for phoneme in one] for one in word) for word in words
        ]

    def examples(self, model, split):
        """Return a split as letters, previous phonemes, phonemes and weights, all (N, T).

        A word with several pronunciations is as many examples in training and one, with the first
        of them, elsewhere.
        """
        number = {p: k + TARGET_RESERVED for k, p in enumerate(model.target_vocabulary)}
        pairs = [
            (spelling, [number.get(p, 0) for p in one])
            for spelling, word in zip(
                self._data(split)["spelling"], self.pronunciations(split), strict=True
            )
            for one in (word if split == "train" else word[:1])
        ]
        source = self.source(model, [spelling for spelling, _ in pairs])
        targets = fill_up([[*one, STOP] for _, one in pairs])
        previous = fill_up([[START, *one] for _, one in pairs])
        width = max(source.shape[1], targets.shape[1])
        source, previous, targets = (
            np.pad(array, [(0, 0), (0, width - array.shape[1])])
            for array in (source, previous, targets)
        )
        lengths = np.maximum((source > 0).sum(axis=1), (targets > 0).sum(axis=1))
        longest = int(lengths.max())
        boundaries = (*(b for b in BOUNDARIES if b < longest), longest)
        loops = not isinstance(model, models.Transformer)
        return Examples((source, previous), targets, targets > 0, lengths, boundaries, loops=loops)

    def source(self, model, spellings) -> np.ndarray:
        """Return spellings as numbers of letters (N, S)."""
        numbers = numbering(model.source_vocabulary)(letters(list(spellings)))
        return np.asarray(numbers.to_tensor(), "int32")

    def measure(self, model, split="test"):
        """Measure also what the network writes on its own, against the nearest pronunciation."""
        measured = super().measure(model, split)
        data, truth = self._data(split), self.pronunciations(split)
        source, errors = self.source(model, data["spelling"]), {}
        for name, width in (("", 1), ("beam_", BEAM)):
            said = in_words(generate(model, source, width), model.target_vocabulary)
            shares = error_shares(said, truth)
            errors |= {name + key: value for key, value in shares.items()}
        return measured._replace(errors=errors)

    def baseline(self, model):
        """Read letter by letter: each says what it says most often in words of equal length."""
        votes = collections.defaultdict(collections.Counter)
        for spelling, word in zip(
            self._data("train")["spelling"], self.pronunciations("train"), strict=True
        ):
            if len(spelling) == len(word[0]):
                for letter, phoneme in zip(spelling, word[0], strict=True):
                    votes[letter][phoneme] += 1
        usual = {letter: counts.most_common(1)[0][0] for letter, counts in votes.items()}
        said = [
            [usual[letter] for letter in spelling if letter in usual]
            for spelling in self._data("test")["spelling"]
        ]
        return Baseline("letter by letter", error_shares(said, self.pronunciations("test")))

    def report(self, run, model, measured):
        """Draw which letters the network looked at for each phoneme of some test words."""
        some = self._data("test")["spelling"][:100]
        spellings = sorted(some, key=lambda spelling: abs(len(spelling) - 9))[:PICTURED]
        source = self.source(model, spellings)
        tokens = generate(model, source)
        previous = np.pad(tokens, [(0, 0), (1, 0)], constant_values=START)[:, :-1]
        attention = np.asarray(model.align(source, previous))
        said = in_words(tokens, model.target_vocabulary)
        save_alignments(
            run.samples_path,
            [
                (list(spelling), phonemes, a[: len(phonemes), : len(spelling)])
                for spelling, phonemes, a in zip(spellings, said, attention, strict=True)
            ],
        )
        if isinstance(model, models.Transformer):
            maps = model.attention_maps(source[:1], previous[:1, : len(said[0]) + 1])
            read, wrote = list(spellings[0]), ["▷", *said[0]]
            save_heads(
                run.attention_path,
                [
                    (name, rows, columns, [_cut(a, rows, columns) for a in maps[name]])
                    for name, rows, columns in (
                        ("encoder", read, read),
                        ("decoder", wrote, wrote),
                        ("cross", wrote, read),
                    )
                ],
            )


def _cut(weights, rows, columns):
    """Return the weights (heads, T, S) of the first example, without padding."""
    return ops.convert_to_numpy(weights)[0, :, : len(rows), : len(columns)]


def _different(sequences):
    return [list(one) for one in dict.fromkeys(map(tuple, sequences))]
