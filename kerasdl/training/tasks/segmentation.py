"""A picture in, the class of every pixel out."""

import functools
from typing import ClassVar

import numpy as np
from keras import ops

from kerasdl import models
from kerasdl.datasets.scene_composition import THRESHOLD
from kerasdl.inspection.scenes import save_masks
from kerasdl.training.examples import Examples
from kerasdl.training.tasks.base import Baseline, Task

PICTURED = 8


class Segment(Task):
    """A picture in, the class of every pixel out."""

    kind = "scenes"
    networks: ClassVar = {"segmenter": models.ViTSegmenter}

    def what_the_data_say(self):
        """Return the shape of a picture and the number of classes, the background included."""
        return self.info.image_shape, len(self.class_names)

    @property
    def class_names(self):
        """The background, and the items."""
        return ("background", *self.info.class_names)

    @functools.lru_cache(maxsize=3)  # noqa: B019  a task lives as long as its run
    def _data(self, split):
        data = self.load(split)
        return {"image": data["image"], "mask": data["mask"]}

    def examples(self, model, split):
        """Return a split as pictures, still uint8, and masks (N, H, W)."""
        data = self._data(split)
        return Examples(data["image"], data["mask"], maps=True)

    def measure(self, model, split="test"):
        """Measure also the mean over the classes of the intersection over union."""
        measured = super().measure(model, split)
        return measured._replace(scores={"mean_iou": mean_iou(measured.confusion)})

    def baseline(self, model):
        """Take what is bright for the class that most bright pixels have in the training split."""
        mask = self._data("train")["mask"]
        usual = 1 + np.bincount(mask[mask > 0])[1:].argmax()
        test = self._data("test")
        said = np.where(test["image"][..., 0] > THRESHOLD, usual, 0)
        K = len(self.class_names)
        counts = np.bincount(K * test["mask"].astype(int).ravel() + said.ravel(), minlength=K * K)
        confusion = counts.reshape(K, K)
        return Baseline(
            "bright pixels are the most frequent class",
            {
                "accuracy": float(confusion.trace() / confusion.sum()),
                "mean_iou": mean_iou(confusion),
            },
        )

    def report(self, run, model, measured):
        """Draw which classes are taken for which, and some test pictures with their masks."""
        super().report(run, model, measured)
        data = self._data("test")
        images = data["image"][:PICTURED].astype("float32") / 255
        said = ops.convert_to_numpy(model(images, training=False)).argmax(axis=-1)
        save_masks(run.samples_path, images, said, data["mask"][:PICTURED], self.class_names)


def mean_iou(confusion: np.ndarray) -> float:
    r"""Return the mean intersection over union of the classes that are there.

    $$\frac1K \sum_k \frac{C_{kk}}{\sum_j C_{kj} + \sum_i C_{ik} - C_{kk}}$$

    Args:
        confusion: C, how many pixels of class i were taken for class j.

    Example:
        >>> mean_iou(np.array([[2, 1], [1, 0]]))
        0.25
    """
    both = confusion.diagonal()
    either = confusion.sum(axis=0) + confusion.sum(axis=1) - both
    return float((both[either > 0] / either[either > 0]).mean())
