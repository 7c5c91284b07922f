"""How good a trained model is on examples it never saw."""

from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from kerasdl.losses import sparse_categorical_crossentropy
from kerasdl.training.examples import Examples, compiled_by_length, in_order


class Evaluation(NamedTuple):
    """What was measured on a split.

    Attributes:
        accuracy: Share of the targets that were recognised; of sequences, each step given the true
            steps before it.
        loss: Mean cross-entropy of a target, in nats.
        examples: How many examples there were.
        confusion: (classes, classes): true class down, predicted across.
        errors: Further shares, by name, that are better the smaller they are.
        scores: Further shares, by name, that are better the larger they are.
    """

    accuracy: float
    loss: float
    examples: int
    confusion: np.ndarray
    errors: dict[str, float] = {}  # noqa: RUF012  nothing writes into it
    scores: dict[str, float] = {}  # noqa: RUF012  nor into this

    @property
    def balanced_accuracy(self) -> float:
        """Mean over the classes of the share that was recognised; chance is 1 / classes."""
        seen = self.confusion.sum(axis=1)
        return float((self.confusion.diagonal() / np.maximum(seen, 1))[seen > 0].mean())

    @property
    def results(self) -> dict[str, float]:
        """All numbers by name."""
        return {
            "accuracy": self.accuracy,
            "balanced_accuracy": self.balanced_accuracy,
            **self.errors,
            **self.scores,
            "loss": self.loss,
            "examples": self.examples,
        }


def evaluate_examples(model: keras.Model, examples: Examples) -> Evaluation:
    """Measure accuracy, loss and confusion matrix.

    Args:
        model: Network that gives logits (B, …, classes).
        examples: Inputs and targets; of the targets only those count that have a weight.
    """
    classes = model.output_shape[-1]
    confusion, loss = np.zeros((classes, classes), dtype=int), 0.0
    for inputs, targets, *weights in in_order(examples).as_numpy_iterator():
        with compiled_by_length(examples):
            logits = model.predict_on_batch(inputs)
        counts = weights[0] > 0 if weights else np.ones(targets.shape, bool)
        np.add.at(confusion, (targets[counts], logits.argmax(axis=-1)[counts]), 1)
        losses = sparse_categorical_crossentropy(targets, ops.convert_to_tensor(logits), True)
        loss += float(ops.convert_to_numpy(losses)[counts].sum(dtype="float64"))
    return Evaluation(
        accuracy=float(confusion.trace() / confusion.sum()),
        loss=loss / confusion.sum(),
        examples=len(examples.targets),
        confusion=confusion,
    )
