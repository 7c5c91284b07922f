"""How good a trained model is on images it never saw."""

from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from kerasdl import datasets
from kerasdl.losses import sparse_categorical_crossentropy
from kerasdl.training.run import Run


class Evaluation(NamedTuple):
    """What was measured on a split."""

    accuracy: float
    loss: float
    confusion: np.ndarray  # (classes, classes): true class down, predicted across
    images: int


def evaluate_model(model: keras.Model, images: np.ndarray, labels: np.ndarray) -> Evaluation:
    """Measure accuracy, loss and confusion matrix.

    Args:
        model: Network that gives logits.
        images: uint8 (N, H, W, C).
        labels: int (N,).
    """
    logits = model.predict(images.astype("float32") / 255, batch_size=256, verbose=0)
    predicted = logits.argmax(axis=-1)
    classes = logits.shape[-1]
    confusion = np.zeros((classes, classes), dtype=int)
    np.add.at(confusion, (labels, predicted), 1)
    losses = sparse_categorical_crossentropy(labels, ops.convert_to_tensor(logits), True)
    return Evaluation(
        accuracy=float((predicted == labels).mean()),
        loss=float(ops.mean(losses)),
        confusion=confusion,
        images=len(labels),
    )


def evaluate(run: Run, split: str = "test", data_dir=None) -> Evaluation:
    """Measure a finished run on a split of its data set.

    Args:
        run: A complete run.
        split: "train", "validation" or "test".
        data_dir: Folder of prepared data sets.
    """
    model = keras.saving.load_model(run.model_path, compile=False)
    return evaluate_model(model, *datasets.load_arrays(run.config.dataset, split, data_dir))
