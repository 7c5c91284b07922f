"""The beginning of a text in, its continuation out."""

import functools
import math
from typing import ClassVar

import numpy as np

from kerasdl import models
from kerasdl.datasets.running_text import documents
from kerasdl.datasets.sequences import fill_up
from kerasdl.datasets.words import most_frequent
from kerasdl.files import write_text
from kerasdl.models.decoding import START, STOP, TARGET_RESERVED
from kerasdl.training.examples import Examples
from kerasdl.training.ngrams import bits_per_token
from kerasdl.training.tasks.base import Baseline, Task
from kerasdl.training.tasks.writing import in_words

ORDER = 6  # of the n-grams that the network is measured against
BEGINNINGS = ("The jury said that ", "She looked at him and ", "In the year 1960, ", "It is not ")
DRAW = {"temperature": 0.8, "top_p": 0.95}


class ContinueText(Task):
    """The beginning of a text in, its continuation out, character by character."""

    kind = "tagged"
    networks: ClassVar = {"language_model": models.LanguageModel}

    def what_the_data_say(self):
        """Return the characters."""
        self.refuse_augmentation()
        frequent = most_frequent((c for text in self.texts("train") for c in text), 1000)
        return (sorted({" ", *frequent}),)  # a blank stands for what is not known

    @functools.lru_cache(maxsize=3)  # noqa: B019  a task lives as long as its run
    def texts(self, split: str) -> list[str]:
        """Return the documents of a split."""
        data = self.load(split)
        return documents(data["words"], data["document"])

    def numbers(self, model, split: str) -> list[np.ndarray]:
        """Return the documents as numbers, a start in front and an end behind."""
        return [
            np.array([START, *in_numbers(text, model.target_vocabulary), STOP])
            for text in self.texts(split)
        ]

    def examples(self, model, split):
        """Return a split as windows of previous characters, characters and weights, all (N, T).

        In the test split the windows overlap by half, and what counts is the second half: each
        character is foretold from at least T / 2 before it, where there are so many.
        """
        T = model.context
        step = T // 2 if split == "test" else T
        windows, weights = [], []
        for tokens in self.numbers(model, split):
            for start in range(0, len(tokens) - 1, step):
                windows.append(tokens[start : start + T + 1])
                weights.append(np.arange(T) >= (T - step if start else 0))
                if start + T + 1 >= len(tokens):
                    break
        rows = fill_up(windows, T + 1)
        targets = rows[:, 1:]
        return Examples(rows[:, :-1], targets, (targets > 0) & np.array(weights))

    def measure(self, model, split="test"):
        """Measure also the bits that a character takes."""
        measured = super().measure(model, split)
        return measured._replace(errors={"bits_per_character": measured.loss / math.log(2)})

    def baseline(self, model):
        """Count n-grams."""
        train, test = (self.numbers(model, split) for split in ("train", "test"))
        size = len(model.target_vocabulary) + TARGET_RESERVED
        bits = bits_per_token(train, test, ORDER, size)
        return Baseline(
            f"counts of up to {ORDER} characters, interpolated (Witten and Bell)",
            {"bits_per_character": bits[-1], "bits_per_character_of_single_counts": bits[0]},
        )

    def report(self, run, model, measured):
        """Write continuations of some beginnings, the most probable and drawn ones."""
        known = model.target_vocabulary
        prompts = fill_up([in_numbers(text, known) for text in BEGINNINGS])
        lines = []
        for name, tokens in (
            ("Most probable characters", model.generate(prompts)),
            ("Drawn, seed 0", model.sample(prompts, seed=0, **DRAW)),
            ("Drawn, seed 1", model.sample(prompts, seed=1, **DRAW)),
        ):
            lines += [f"# {name}", ""]
            for text, more in zip(BEGINNINGS, in_words(np.asarray(tokens), known), strict=True):
                lines += [f"[{text}]{''.join(more)}", ""]
        write_text(run.samples_text_path, "\n".join(lines))


def in_numbers(text: str, vocabulary: list[str]) -> list[int]:
    """Return the characters of a text as numbers; one that is not known counts as a blank.

    Example:
        >>> in_numbers("ab?", [" ", "a", "b"])
        [4, 5, 3]
    """
    number = {c: k + TARGET_RESERVED for k, c in enumerate(vocabulary)}
    return [number.get(c, number[" "]) for c in text]
