"""A picture in, boxes and what is in them out."""

import functools
from typing import ClassVar

import keras
import numpy as np
from keras import ops

from kerasdl import losses, models
from kerasdl.datasets.scene_composition import THRESHOLD
from kerasdl.errors import InputError
from kerasdl.inspection.scenes import SURE, save_boxes, sure
from kerasdl.ops.boxes import box_iou
from kerasdl.training.average_precision import average_precision, iou
from kerasdl.training.evaluation import Evaluation
from kerasdl.training.examples import Examples
from kerasdl.training.tasks.base import Baseline, Task

PICTURED = 8


class Detect(Task):
    """A picture in, boxes and what is in them out."""

    kind = "scenes"
    networks: ClassVar = {"detector": models.ViTDetector}

    def what_the_data_say(self):
        """Return the shape of a picture and the number of classes."""
        self.refuse_augmentation()
        if self.config.label_smoothing:
            raise InputError("`label_smoothing` does not go with the detector's loss.")
        return self.info.image_shape, self.info.num_classes

    @property
    def class_names(self):
        """Nothing, and the items."""
        return ("nothing", *self.info.class_names)

    @functools.lru_cache(maxsize=3)  # noqa: B019  a task lives as long as its run
    def _data(self, split):
        data = self.load(split)
        return {name: data[name] for name in ("image", "boxes", "classes")}

    def examples(self, model, split):
        """Return a split as pictures and what each patch is to say, (N, patches, 5)."""
        data = self._data(split)
        said = [
            answers_of_patches(boxes, classes, model.grid, model.patch_size)
            for boxes, classes in zip(data["boxes"], data["classes"], strict=True)
        ]
        return Examples(data["image"], np.array(said, "int32"))

    def loss(self, library):
        """Return the loss of the patches; Keras has none."""
        return losses.PatchDetection()

    def accuracy(self):
        """Return the share of objects whose patch names them and covers half of them or more."""
        return ObjectsFound(name="accuracy")

    def measure(self, model, split="test"):
        """Measure average precision, and the share of objects that are surely found and named."""
        data = self._data(split)
        found = found_in(model, data["image"])
        truth = list(zip(data["boxes"], data["classes"], strict=True))
        confusion = confusion_of(found, truth, len(self.info.class_names))
        examples = self.examples(model, split)
        pixels = examples.inputs.astype("float32") / 255
        total = 0.0
        for start in range(0, len(pixels), 256):
            answers = model.predict_on_batch(pixels[start : start + 256])
            targets = examples.targets[start : start + 256]
            value = losses.PatchDetection()(targets, ops.convert_to_tensor(answers))
            total += float(value) * len(targets)
        return Evaluation(
            accuracy=float(confusion.trace() / confusion.sum()),
            loss=total / len(pixels),
            examples=len(pixels),
            confusion=confusion,
            scores={"ap50": average_precision(found, truth, self.info.num_classes)},
        )

    def baseline(self, model):
        """Take each bright region for an object of the class most frequent in training."""
        from scipy import ndimage

        classes = np.concatenate(list(self._data("train")["classes"]))
        usual = np.bincount(classes).argmax()
        data, found = self._data("test"), []
        for image in data["image"][..., 0]:
            regions = ndimage.find_objects(ndimage.label(image > THRESHOLD)[0])
            boxes = np.array([[y.start, x.start, y.stop, x.stop] for y, x in regions])
            areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=-1)
            found.append((boxes, np.full(len(boxes), usual), areas / image.size))
        truth = list(zip(data["boxes"], data["classes"], strict=True))
        nameless = [(boxes, 0 * classes) for boxes, classes in truth]
        return Baseline(
            "bright regions are the most frequent class",
            {
                "ap50": average_precision(found, truth, self.info.num_classes),
                "ap50_of_boxes_alone": average_precision(
                    [(boxes, 0 * classes, scores) for boxes, classes, scores in found], nameless, 1
                ),
            },
        )

    def report(self, run, model, measured):
        """Draw which classes are taken for which, and some test pictures with their boxes."""
        super().report(run, model, measured)
        data = self._data("test")
        images = data["image"][:PICTURED]
        found = sure(found_in(model, images))
        truth = list(zip(data["boxes"], data["classes"], strict=True))[:PICTURED]
        save_boxes(
            run.samples_path, images.astype("float32") / 255, found, truth, self.info.class_names
        )


@keras.saving.register_keras_serializable(package="kerasdl")
class ObjectsFound(keras.metrics.Mean):
    """The share of objects whose patch names them and whose box covers them.

    Args:
        overlap: The least intersection over union.
        **kwargs: `name`, `dtype`.
    """

    def __init__(self, overlap=0.5, **kwargs):
        super().__init__(**kwargs)
        self.overlap = overlap

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch: targets (B, N, 5), answers (B, N, 1 + K + 4)."""
        k = ops.cast(y_true[..., 0], "int32")
        b = ops.cast(y_true[..., 1:], y_pred.dtype)
        named = ops.equal(k, ops.cast(ops.argmax(y_pred[..., :-4], axis=-1), "int32"))
        share = box_iou(b[..., None, :], y_pred[..., None, -4:])[..., 0, 0]
        right = ops.cast(ops.logical_and(named, share >= self.overlap), "float32")
        return super().update_state(right, sample_weight=ops.cast(k > 0, "float32"))

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "overlap": self.overlap}


def answers_of_patches(boxes, classes, grid, patch_size) -> np.ndarray:
    """Return what each patch is to say: class + 1 and box where an object's centre lies, else 0.

    Args:
        boxes: (n, 4) y0, x0, y1, x1.
        classes: (n,).
        grid: Rows and columns of patches.
        patch_size: Height and width of a patch.

    Returns:
        Array (patches, 5). Of two objects with their centres in one patch the later one counts.

    Example:
        >>> answers_of_patches(np.array([[0, 4, 2, 8]]), np.array([2]), (2, 2), (4, 4)).tolist()
        [[0, 0, 0, 0, 0], [3, 0, 4, 2, 8], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]]
    """
    rows, columns = grid
    said = np.zeros((rows * columns, 5), "int32")
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    r, c = (centres // np.array(patch_size)).astype(int).T
    said[r * columns + c] = np.column_stack([classes + 1, boxes])
    return said


def found_in(model, images, batch_size=256):
    """Return boxes, classes and scores of each picture (uint8); what was found twice, once."""
    found = []
    for start in range(0, len(images), batch_size):
        pixels = images[start : start + batch_size].astype("float32") / 255
        answer = [ops.convert_to_numpy(part) for part in model.detect(pixels)]
        found += [tuple(part[s > 0] for part in (b, c, s)) for b, c, s in zip(*answer)]
    return found


def confusion_of(found, truth, num_classes) -> np.ndarray:
    """Count what each object was taken for, nothing first.

    An answer of at least `SURE` belongs to the object that it covers most, if half of it or more,
    and that no surer one has taken. Answers without an object are no part of it; they lower the
    average precision.

    Returns:
        Counts (1 + K, 1 + K), truth down, answer across.
    """
    confusion = np.zeros((num_classes + 1, num_classes + 1), int)
    for (boxes, classes, scores), (there, names) in zip(found, truth, strict=True):
        left = np.ones(len(there), bool)
        for box, said in zip(boxes[scores >= SURE], classes[scores >= SURE], strict=True):
            shares = iou(box[np.newaxis], there)[0] * left
            best = shares.argmax()
            if shares[best] >= 0.5:
                left[best] = False
                confusion[1 + names[best], 1 + said] += 1
        np.add.at(confusion, (1 + names[left], 0), 1)
    return confusion
