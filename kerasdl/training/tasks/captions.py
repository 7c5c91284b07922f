"""A picture in, a sentence out."""

import collections
import functools
from typing import ClassVar

from kerasdl import models
from kerasdl.datasets.sequences import fill_up
from kerasdl.inspection.captions import save_captions
from kerasdl.models.decoding import START, STOP, TARGET_RESERVED
from kerasdl.training.examples import Examples
from kerasdl.training.tasks.base import Baseline, Task
from kerasdl.training.tasks.writing import BEAM, error_shares, generate, in_words

PICTURED = 12


class Caption(Task):
    """A picture in, a sentence out."""

    kind = "scenes"
    networks: ClassVar = {"captioner": models.Captioner}

    def what_the_data_say(self):
        """Return the shape of a picture and the words of the captions."""
        self.refuse_augmentation()
        words = {word for caption in self.captions("train") for word in caption}
        return self.info.image_shape, sorted(words)

    @functools.lru_cache(maxsize=3)  # noqa: B019  a task lives as long as its run
    def _data(self, split):
        return self.load(split)

    def captions(self, split: str) -> list[list[str]]:
        """Return the captions of a split as words; a comma is one."""
        return [caption.replace(",", " ,").split() for caption in self._data(split)["caption"]]

    def examples(self, model, split):
        """Return a split as pictures and previous words, words and weights."""
        number = {word: k + TARGET_RESERVED for k, word in enumerate(model.target_vocabulary)}
        captions = [[number.get(word, 0) for word in one] for one in self.captions(split)]
        targets = fill_up([[*one, STOP] for one in captions])
        previous = fill_up([[START, *one] for one in captions])
        return Examples((self._data(split)["image"], previous), targets, targets > 0)

    def measure(self, model, split="test"):
        """Measure also what the network writes on its own."""
        measured = super().measure(model, split)
        images = self._data(split)["image"].astype("float32") / 255  # as in `datasets.pipeline`
        errors = {}
        for name, width in (("", 1), ("beam_", BEAM)):
            said = in_words(generate(model, images, width), model.target_vocabulary)
            errors |= {name + key: value for key, value in self._errors(said, split).items()}
        return measured._replace(errors=errors)

    def _errors(self, said, split):
        shares = error_shares(said, [[one] for one in self.captions(split)])
        return {"word_error": shares["phoneme_error"], "caption_error": shares["word_error"]}

    def baseline(self, model):
        """Say always what is said most often."""
        counts = collections.Counter(map(tuple, self.captions("train")))
        usual = list(counts.most_common(1)[0][0])
        said = [usual] * len(self.captions("test"))
        return Baseline("always the most frequent caption", self._errors(said, "test"))

    def report(self, run, model, measured):
        """Show some test pictures with what the network says and what would be right."""
        images = self._data("test")["image"][:PICTURED]
        said = in_words(generate(model, images.astype("float32") / 255), model.target_vocabulary)
        truth = self.captions("test")[:PICTURED]
        save_captions(
            run.samples_path, images, list(map(_sentence, said)), list(map(_sentence, truth))
        )


def _sentence(words):
    return " ".join(words).replace(" ,", ",")
