"""How good a trained model is on examples it never saw."""

from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from kerasdl.losses import sparse_categorical_crossentropy
from kerasdl.training.run import Run
from kerasdl.training.tasks import task_of


class Evaluation(NamedTuple):
    """What was measured on a split."""

    accuracy: float
    loss: float
    confusion: np.ndarray  # (classes, classes): true class down, predicted across
    examples: int

    @property
    def balanced_accuracy(self) -> float:
        """Mean over the classes of the share that was recognised; chance is 1 / classes."""
        seen = self.confusion.sum(axis=1)
        return float((self.confusion.diagonal() / np.maximum(seen, 1))[seen > 0].mean())


def evaluate_model(model: keras.Model, inputs: np.ndarray, labels: np.ndarray) -> Evaluation:
    """Measure accuracy, loss and confusion matrix.

    Args:
        model: Network that gives logits.
        inputs: Pixels, uint8 (N, H, W, C), or other numbers (N, …), as the model takes them.
        labels: int (N,).
    """
    if inputs.dtype == np.uint8:  # as in `datasets.pipeline`
        inputs = inputs.astype("float32") / 255
    logits = model.predict(inputs, batch_size=256, verbose=0)
    predicted = logits.argmax(axis=-1)
    classes = logits.shape[-1]
    confusion = np.zeros((classes, classes), dtype=int)
    np.add.at(confusion, (labels, predicted), 1)
    losses = sparse_categorical_crossentropy(labels, ops.convert_to_tensor(logits), True)
    return Evaluation(
        accuracy=float((predicted == labels).mean()),
        loss=float(ops.mean(losses)),
        confusion=confusion,
        examples=len(labels),
    )


def evaluate(run: Run, split: str = "test", data_dir=None) -> Evaluation:
    """Measure a finished run on a split of its data set.

    Args:
        run: A complete run.
        split: "train", "validation" or "test".
        data_dir: Folder of prepared data sets.
    """
    model = keras.saving.load_model(run.model_path, compile=False)
    return evaluate_model(model, *task_of(run.config, data_dir).arrays(model, split))
