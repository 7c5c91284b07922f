"""What a network is trained for: which data it takes, as what arrays, and how it is judged."""

import os
from typing import Any, ClassVar, NamedTuple

import keras
import numpy as np

from kerasdl import datasets
from kerasdl.errors import InputError
from kerasdl.losses import SmoothedSparseCategoricalCrossentropy
from kerasdl.training.config import TrainConfig
from kerasdl.training.evaluation import Evaluation, evaluate_examples
from kerasdl.training.examples import Examples
from kerasdl.training.reports import save_confusion_matrix
from kerasdl.training.run import Run


class Baseline(NamedTuple):
    """What a rule without a network reaches on the test split."""

    rule: str
    results: dict[str, float]  # named as those of `Evaluation.results`


class Task:
    """What the tasks have in common.

    Args:
        config: The settings.
        data_dir: Folder of prepared data sets; default TFDS's own.
    """

    kind = ""
    networks: ClassVar[dict[str, type]] = {}
    #: Those of `model_arguments` that say how the data are prepared: name to default.
    data_arguments: ClassVar[dict[str, Any]] = {}

    def __init__(self, config: TrainConfig, data_dir: str | os.PathLike | None = None):
        self.config = config
        self.data_dir = data_dir
        self.info = datasets.info(config.dataset)

    def what_the_data_say(self) -> tuple:
        """Return the first arguments of the network's constructor."""
        raise NotImplementedError

    def examples(self, model: keras.Model, split: str) -> Examples:
        """Return a split as the network's inputs and targets."""
        raise NotImplementedError

    def loss(self, library: Any) -> keras.Loss:
        """Return what is minimised.

        Args:
            library: `kerasdl`, or `keras` for the built-ins.
        """
        # The mean over what counts: padding must not make the loss of a short sentence small.
        mean = {"reduction": "mean_with_sample_weight"}
        if self.config.label_smoothing:  # Keras has no such loss of integer labels
            return SmoothedSparseCategoricalCrossentropy(self.config.label_smoothing, **mean)
        return library.losses.SparseCategoricalCrossentropy(from_logits=True, **mean)

    def accuracy(self) -> keras.metrics.Metric:
        """Return the metric "accuracy", by which the best epoch is chosen."""
        return keras.metrics.SparseCategoricalAccuracy(name="accuracy")

    def baseline(self, model: keras.Model) -> Baseline:
        """Measure on the test split what needs no network."""
        raise NotImplementedError

    def measure(self, model: keras.Model, split: str = "test") -> Evaluation:
        """Measure how good the network is on a split."""
        return evaluate_examples(model, self.examples(model, split))

    def report(self, run: Run, model: keras.Model, measured: Evaluation) -> None:
        """Draw what there is to see on the test split into the run folder."""
        save_confusion_matrix(run.confusion_matrix_path, measured.confusion, self.class_names)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Name of each class that the network tells apart."""
        return self.info.class_names

    def build(self) -> keras.Model:
        """Return the untrained network.

        Raises:
            InputError: If it does not take the arguments.
        """
        config = self.config
        given = {
            name: value
            for name, value in config.model_arguments.items()
            if name not in self.data_arguments
        }
        first, name = self.what_the_data_say(), f"{config.model}_{config.dataset}"
        try:
            return self.networks[config.model](*first, name=name, **given)
        except (TypeError, ValueError) as error:
            raise InputError(f"`model_arguments` do not fit {config.model!r}: {error}") from error

    def argument(self, name: str) -> Any:
        """Return one of the `data_arguments`, from the config or by default."""
        return self.config.model_arguments.get(name, self.data_arguments[name])

    def size(self, name: str) -> int:
        """Return one of the `data_arguments` that must be a positive integer.

        Raises:
            InputError: If it is none.
        """
        value = self.argument(name)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InputError(f"`{name}` must be a positive integer, received {value!r}.")
        return value

    def load(self, split: str) -> dict[str, np.ndarray]:
        """Read a split of the data set."""
        return datasets.load_examples(self.config.dataset, split, self.data_dir)

    def refuse_augmentation(self) -> None:
        """Refuse settings that are for pictures alone.

        Raises:
            InputError: Naming the setting.
        """
        for name in ("max_shift", "flip"):
            if getattr(self.config, name):
                raise InputError(
                    f"`{name}` is for networks that classify pictures; received the network "
                    f"{self.config.model!r}."
                )


def most_frequent_class(train: np.ndarray, test: np.ndarray) -> Baseline:
    """Say always what is most frequent in the training split.

    Args:
        train: Labels of the training split.
        test: Labels of the test split.

    Example:
        >>> most_frequent_class(np.array([1, 1, 0]), np.array([1, 0])).results["accuracy"]
        0.5
    """
    answer = np.bincount(train).argmax()
    return Baseline(
        "always the most frequent class",
        {
            "accuracy": float((test == answer).mean()),
            "balanced_accuracy": 1 / len(np.unique(test)),
        },
    )
