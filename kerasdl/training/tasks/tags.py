"""A sentence in, a tag for each word out."""

import collections
import functools
from typing import ClassVar

import numpy as np

from kerasdl import models
from kerasdl.datasets.brown_tags import UNIVERSAL_TAGS, universal
from kerasdl.datasets.sentences import ending, numbering, word_key
from kerasdl.datasets.sequences import fill_up
from kerasdl.datasets.words import most_frequent
from kerasdl.errors import InputError
from kerasdl.training.examples import Examples
from kerasdl.training.reports import save_confusion_matrix
from kerasdl.training.tasks.base import Baseline, Task

# Sentences of the Brown corpus have 20 words on average; the longest has 180.
BOUNDARIES = (8, 16, 24, 32, 48, 80)
SHOWN = 20  # classes that a confusion matrix has room for


class TagWords(Task):
    """A sentence in, a tag for each word out."""

    kind = "tagged"
    networks: ClassVar = {"tagger": models.RecurrentTagger}
    data_arguments: ClassVar = {
        "tags": "universal",
        "vocabulary_size": 20_000,
        "endings_size": 4_000,
    }

    def what_the_data_say(self):
        """Return the words, the endings and the names of the tags."""
        self.refuse_augmentation()
        words = _flat(self._train["words"])
        return (
            most_frequent(_strings(word_key(words)), self.size("vocabulary_size")),
            most_frequent(_strings(ending(words)), self.size("endings_size")),
            self.class_names,
        )

    @functools.cached_property
    def _train(self):
        return self.load("train")

    @functools.cached_property
    def class_names(self):
        """The universal parts of speech, or all tags of the corpus."""
        if self.argument("tags") == "universal":
            return UNIVERSAL_TAGS
        if self.argument("tags") == "full":
            splits = [self._train, self.load("validation"), self.load("test")]
            return tuple(sorted({tag for data in splits for tag in _flat(data["tags"])}))
        raise InputError(
            f"`tags` must be 'universal' or 'full', received {self.argument('tags')!r}."
        )

    def examples(self, model, split):
        """Return a split as numbers of words and endings (N, T), tags and weights (N, T)."""
        data = self._train if split == "train" else self.load(split)
        lengths = np.array([len(words) for words in data["words"]])
        words = _flat(data["words"])
        inputs = [
            _rows(numbering(known)(key(words)), lengths)
            for known, key in ((model.vocabulary, word_key), (model.endings, ending))
        ]
        tags = _rows(self._tag_numbers(data["tags"]), lengths)
        longest = int(lengths.max())
        weights = np.arange(tags.shape[1]) < lengths[:, None]
        return Examples(
            tuple(inputs),
            tags,
            weights,
            lengths,
            (*(b for b in BOUNDARIES if b < longest), longest),
        )

    def _tag_numbers(self, tags):
        """Return the tags' numbers one after the other."""
        if self.argument("tags") == "universal":
            number = {tag: UNIVERSAL_TAGS.index(universal(tag)) for tag in set(_flat(tags))}
        else:
            number = {tag: i for i, tag in enumerate(self.class_names)}
        return np.array([number[tag] for tag in _flat(tags)])

    def baseline(self, model):
        """Give each word its most frequent tag; the most frequent of all to a word never seen."""
        train, test = self._train, self.load("test")
        seen = collections.defaultdict(collections.Counter)
        numbers = self._tag_numbers(train["tags"]).tolist()
        for word, tag in zip(_strings(word_key(_flat(train["words"]))), numbers, strict=True):
            seen[word][tag] += 1
        usual = {word: counts.most_common(1)[0][0] for word, counts in seen.items()}
        otherwise = collections.Counter(numbers).most_common(1)[0][0]
        words = _strings(word_key(_flat(test["words"])))
        said = np.array([usual.get(word, otherwise) for word in words])
        right = said == self._tag_numbers(test["tags"])
        return Baseline("each word's most frequent tag", {"accuracy": float(right.mean())})

    def report(self, run, model, measured):
        """Draw which tags are taken for which; of very many the most frequent."""
        shown = np.sort(np.argsort(-measured.confusion.sum(axis=1), kind="stable")[:SHOWN])
        confusion = measured.confusion[np.ix_(shown, shown)]
        names = tuple(self.class_names[i] for i in shown)
        save_confusion_matrix(run.confusion_matrix_path, confusion, names)


def _flat(sequences):
    return [item for sequence in sequences for item in sequence]


def _strings(tensor):
    return [text.decode("utf-8", "replace") for text in tensor.numpy()]


def _rows(flat, lengths):
    """Write what stands one after the other into rows (N, T), 0 behind their ends."""
    return fill_up(np.split(np.asarray(flat), np.cumsum(lengths)[:-1]))
