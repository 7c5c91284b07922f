"""Texts in, a class out."""

import functools
from typing import ClassVar

import keras
import numpy as np

from kerasdl import models
from kerasdl.datasets.words import learn_vocabulary, word_numbers
from kerasdl.training.examples import Examples
from kerasdl.training.tasks.base import Task, most_frequent_class


class ClassifyTexts(Task):
    """Texts in, a class out; the words that the network knows are learned from the data."""

    kind = "texts"
    networks: ClassVar = {"rnn": models.RecurrentClassifier}
    data_arguments: ClassVar = {"vocabulary_size": 10_000}

    def what_the_data_say(self):
        """Return the words and the number of classes."""
        self.refuse_augmentation()
        return self.vocabulary, self.info.num_classes

    @functools.cached_property
    def vocabulary(self) -> list[str]:
        """The words of the training split, learned once."""
        return learn_vocabulary(self.load("train")["text"], self.size("vocabulary_size"))

    def examples(self, model, split):
        """Return a split as numbers of words (N, T) and labels."""
        examples = self.load(split)
        numbers = word_numbers(model.vocabulary, model.length)(list(examples["text"]))
        numbers = np.asarray(keras.ops.convert_to_numpy(numbers), "int32")
        return Examples(numbers, examples["label"])

    def baseline(self, model):
        """Say always what is most frequent."""
        return most_frequent_class(*(self.load(split)["label"] for split in ("train", "test")))
