"""A word and candidates in, which of them stood beside it out."""

import collections
import functools
from typing import ClassVar

import numpy as np

from kerasdl import models
from kerasdl.datasets.brown_tags import universal
from kerasdl.datasets.sentences import numbering, word_key
from kerasdl.datasets.word_pairs import skip_grams
from kerasdl.datasets.words import most_frequent
from kerasdl.errors import InputError
from kerasdl.files import write_text
from kerasdl.models.common import RESERVED
from kerasdl.training.examples import Examples
from kerasdl.training.tasks.base import Baseline, Task

SHOWN = (
    "man",
    "city",
    "water",
    "monday",
    "said",
    "blue",
    "he",
    "three",
    "school",
    "river",
    "music",
)
JUDGED = 2000  # of the most frequent words the nearest neighbour is looked at


class PlaceWords(Task):
    """A word and candidates in, which of them stood beside it out."""

    kind = "tagged"
    networks: ClassVar = {"skipgram": models.SkipGram}
    data_arguments: ClassVar = {
        "vocabulary_size": 10_000,
        "window": 5,
        "negatives": 5,
        "subsampling": 1e-3,
    }

    def what_the_data_say(self):
        """Return the words."""
        self.refuse_augmentation()
        return (most_frequent(self._words("train")[0], self.size("vocabulary_size")),)

    @functools.lru_cache(maxsize=3)  # noqa: B019  a task lives as long as its run
    def _words(self, split):
        """Return all words of a split one after the other, the sentences' lengths, and the tags."""
        data = self.load(split)
        flat = [word for sentence in data["words"] for word in sentence]
        keys = [key.decode("utf-8", "replace") for key in word_key(flat).numpy()]
        lengths = [len(sentence) for sentence in data["words"]]
        return keys, lengths, [tag for sentence in data["tags"] for tag in sentence]

    def _sentences(self, model, split):
        words, lengths, _ = self._words(split)
        numbers = np.asarray(numbering(model.vocabulary)(words))
        return np.split(numbers, np.cumsum(lengths)[:-1])

    def examples(self, model, split):
        """Return a split as words (N,) and candidates (N, 1 + K), and which stood beside the word.

        The words at random are drawn once, by the seed, not anew in each epoch.
        """
        counts = np.bincount(
            np.concatenate(self._sentences(model, "train")),
            minlength=len(model.vocabulary) + RESERVED,
        )
        counts[:RESERVED] = 0
        subsampling = self.argument("subsampling")
        if isinstance(subsampling, bool) or not isinstance(subsampling, int | float):
            raise InputError(f"`subsampling` must be a number, received {subsampling!r}.")
        words, candidates = skip_grams(
            self._sentences(model, split),
            counts,
            window=self.size("window"),
            negatives=self.size("negatives"),
            subsampling=subsampling,
            rng=np.random.default_rng([self.config.seed, len(split)]),
        )
        beside = np.zeros(candidates.shape, "int32")
        beside[:, 0] = 1
        return Examples((words, candidates), beside)

    @property
    def class_names(self):
        """What a candidate may be."""
        return ("drawn", "beside")

    def measure(self, model, split="test"):
        """Measure also how often the nearest word has another part of speech."""
        v, tags = model.vectors[:JUDGED], self._usual_tags(model)
        cosine = v @ v.T
        np.fill_diagonal(cosine, -1)
        other = tags[cosine.argmax(axis=1)] != tags
        measured = super().measure(model, split)
        return measured._replace(errors={"neighbour_tag_error": float(other.mean())})

    def _usual_tags(self, model):
        """Return the most frequent tag of each of the most frequent words."""
        words, _, tags = self._words("train")
        seen = collections.defaultdict(collections.Counter)
        for word, tag in zip(words, tags, strict=True):
            seen[word][universal(tag)] += 1
        return np.array([seen[word].most_common(1)[0][0] for word in model.vocabulary[:JUDGED]])

    def baseline(self, model):
        """Call every candidate drawn; take any word for the nearest."""
        shares = np.array(list(collections.Counter(self._usual_tags(model)).values()), float)
        shares /= shares.sum()
        negatives = self.size("negatives")
        return Baseline(
            'every candidate is "drawn", any word is the nearest',
            {
                "accuracy": negatives / (1 + negatives),
                "balanced_accuracy": 0.5,
                "neighbour_tag_error": float(1 - (shares**2).sum()),
            },
        )

    def report(self, run, model, measured):
        """Write the nearest neighbours of some words."""
        lines = []
        for word in (word for word in SHOWN if word in model.vocabulary):
            near = ", ".join(f"{other} {cosine:.2f}" for other, cosine in model.neighbours(word, 8))
            lines.append(f"{word}: {near}")
        write_text(run.samples_text_path, "\n".join(lines) + "\n")
