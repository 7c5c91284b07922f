"""What a network is trained for: which data it takes, as what arrays, and how it is built."""

import functools
import os
from typing import Any, ClassVar

import keras
import numpy as np

from kerasdl import datasets, models
from kerasdl.datasets.words import learn_vocabulary, word_numbers
from kerasdl.errors import InputError
from kerasdl.training.config import TrainConfig


class ClassifyPictures:
    """Pictures in, a class out."""

    kind = "images"
    networks: ClassVar = {"vit": models.ViT, "cnn": models.CNN, "mlp": models.MLP}

    def __init__(self, config: TrainConfig, data_dir: str | os.PathLike | None):
        self.config = config
        self.data_dir = data_dir
        self.info = datasets.info(config.dataset)

    def what_the_data_say(self) -> tuple[Any, int]:
        """Return the first arguments of the network's constructor: shape and number of classes."""
        return self.info.image_shape, self.info.num_classes

    def build(self) -> keras.Model:
        """Return the untrained network.

        Raises:
            InputError: If it does not take the arguments.
        """
        config, given = self.config, self.what_the_data_say()
        name = f"{config.model}_{config.dataset}"
        try:
            return self.networks[config.model](*given, name=name, **self.model_arguments())
        except (TypeError, ValueError) as error:
            raise InputError(f"`model_arguments` do not fit {config.model!r}: {error}") from error

    def model_arguments(self) -> dict[str, Any]:
        """Return those of the config's arguments that are the network's own."""
        return self.config.model_arguments

    def arrays(self, model: keras.Model, split: str) -> tuple[np.ndarray, np.ndarray]:
        """Return a split as the network's inputs, pixels still uint8, and labels."""
        return datasets.load_arrays(self.config.dataset, split, self.data_dir)


class ClassifyTexts(ClassifyPictures):
    """Texts in, a class out; the words that the network knows are learned from the data."""

    kind = "texts"
    networks: ClassVar = {"rnn": models.RecurrentClassifier}

    def what_the_data_say(self):
        """Return the first arguments of the network's constructor: words and number of classes."""
        for name in ("max_shift", "flip"):
            if getattr(self.config, name):
                raise InputError(f"`{name}` is for pictures; {self.config.dataset!r} holds texts.")
        return self.vocabulary, self.info.num_classes

    @functools.cached_property
    def vocabulary(self) -> list[str]:
        """The words of the training split, learned once."""
        size = self.config.model_arguments.get("vocabulary_size", 10_000)
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise InputError(f"`vocabulary_size` must be a positive integer, received {size!r}.")
        texts = datasets.load_examples(self.config.dataset, "train", self.data_dir)["text"]
        return learn_vocabulary(texts, size)

    def model_arguments(self):
        """Return those of the config's arguments that are the network's own."""
        given = self.config.model_arguments
        return {name: value for name, value in given.items() if name != "vocabulary_size"}

    def arrays(self, model, split):
        """Return a split as numbers of words (N, T) and labels."""
        examples = datasets.load_examples(self.config.dataset, split, self.data_dir)
        numbers = word_numbers(model.vocabulary, model.length)(list(examples["text"]))
        return np.asarray(keras.ops.convert_to_numpy(numbers), "int32"), examples["label"]


TASKS = (ClassifyPictures, ClassifyTexts)


def task_of(config: TrainConfig, data_dir: str | os.PathLike | None = None) -> ClassifyPictures:
    """Return the task of a config.

    Args:
        config: The settings.
        data_dir: Folder of prepared data sets; default TFDS's own.

    Raises:
        InputError: If there is no such network, or it does not take such data.

    Example:
        >>> task_of(TrainConfig(model="mlp", dataset="digits")).kind
        'images'
        >>> task_of(TrainConfig(model="mlp", dataset="brown"))
        Traceback (most recent call last):
        ...
        kerasdl.errors.InputError: `dataset` must be of the kind 'images' for the network 'mlp';
        received 'brown', of the kind 'tagged'.
    """
    for task in TASKS:
        if config.model in task.networks:
            kind = datasets.info(config.dataset).kind
            if kind != task.kind:
                raise InputError(
                    f"`dataset` must be of the kind {task.kind!r} for the network "
                    f"{config.model!r}; received {config.dataset!r}, of the kind {kind!r}."
                )
            return task(config, data_dir)
    known = ", ".join(name for task in TASKS for name in task.networks)
    raise InputError(f"`model` must be one of {known}, received {config.model!r}.")
