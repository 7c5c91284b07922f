"""Scenes composed from items: which ones, where, and what results."""

import dataclasses
import itertools

import numpy as np

from kerasdl.datasets import scene_captions

SIZE = 64
_SEED = 20_160_829
_SPLITS = {"train": 0, "validation": 1, "test": 2}
_MOST_ITEMS = 3
# Chance that an item is of the kind of the one before it: else captions hardly ever count.
_SAME_KIND = 1 / 3
# Fashion-MNIST has faint noise around its items; what is brighter belongs to the item.
THRESHOLD = 10
# Boxes may overlap by so many pixels, along the axis on which they overlap less.
OVERLAP = 3
_TRIES = 64


@dataclasses.dataclass(frozen=True)
class Items:
    """The items that the scenes of a split are made of.

    Attributes:
        images: (N, 28, 28) uint8.
        labels: (N,) the class of each.
        boxes: (N, 4) y0, x0, y1, x1 of the pixels above `THRESHOLD`; the ends are exclusive.
        by_class: For each class the indices of its items.
    """

    images: np.ndarray
    labels: np.ndarray
    boxes: np.ndarray
    by_class: dict[int, np.ndarray]

    @classmethod
    def of(cls, images: np.ndarray, labels: np.ndarray) -> "Items":
        """Measure items; those without a bright pixel are left out.

        Args:
            images: (N, 28, 28, 1) uint8.
            labels: (N,) integers.

        Returns:
            The items.
        """
        images = images[..., 0]
        keep = (images > THRESHOLD).any(axis=(1, 2))
        images, labels = images[keep], labels[keep]
        shape = images > THRESHOLD
        boxes = np.zeros((len(images), 4), np.int32)
        for axis in (0, 1):
            line = shape.any(axis=2 - axis)  # (N, 28): rows, then columns, with a bright pixel
            boxes[:, axis] = line.argmax(1)
            boxes[:, axis + 2] = line.shape[1] - line[:, ::-1].argmax(1)
        by_class = {int(label): np.flatnonzero(labels == label) for label in np.unique(labels)}
        return cls(images, labels, boxes, by_class)


def compose(items: Items, split: str, index: int) -> dict[str, np.ndarray | str]:
    """Compose one scene; a pure function of the items, the split and the index.

    Args:
        items: The items of this split.
        split: "train", "validation" or "test".
        index: Number of the scene in its split.

    Returns:
        image (64, 64, 1) uint8; caption; boxes (n, 4) int32 as y0, x0, y1, x1 with exclusive
        ends; classes (n,) int32; mask (64, 64) uint8, 0 on the background and label + 1 on an
        item. Boxes and classes stand in the order in which the caption names them.
    """
    random = np.random.default_rng([_SEED, _SPLITS[split], index])
    chosen = _choose(items, random)
    corners = _place(items.boxes[chosen], items.labels[chosen], items.images.shape[1], random)
    boxes = items.boxes[chosen] + np.tile(corners, 2)
    classes = items.labels[chosen].astype(np.int32)
    image, mask = np.zeros((2, SIZE, SIZE), np.uint8)
    for item, (y, x), kind in zip(chosen, corners, classes):
        pixels = items.images[item]
        window = np.s_[y : y + pixels.shape[0], x : x + pixels.shape[1]]
        # Where two meet, the brighter pixel is seen, and the mask says whose it is.
        mask[window][(pixels > THRESHOLD) & (pixels > image[window])] = kind + 1
        image[window] = np.maximum(image[window], pixels)
    order = list(itertools.chain(*scene_captions.arrange(boxes, classes)[1]))
    return {
        "image": image[..., np.newaxis],
        "caption": scene_captions.caption(boxes, classes),
        "boxes": boxes[order].astype(np.int32),
        "classes": classes[order],
        "mask": mask,
    }


def _choose(items: Items, random: np.random.Generator) -> np.ndarray:
    """Draw one to three items."""
    chosen = [int(random.integers(len(items.labels)))]
    for _ in range(int(random.integers(_MOST_ITEMS))):
        alike = items.by_class[int(items.labels[chosen[-1]])]
        if random.random() < _SAME_KIND:
            chosen.append(int(alike[random.integers(len(alike))]))
        else:
            chosen.append(int(random.integers(len(items.labels))))
    return np.array(chosen)


def _place(
    boxes: np.ndarray, classes: np.ndarray, side: int, random: np.random.Generator
) -> np.ndarray:
    """Draw the corners (n, 2) of the items until they fit and their caption is beyond doubt."""
    while True:
        corners = random.integers(0, SIZE - side + 1, (_TRIES, len(boxes), 2))
        placed = boxes + np.tile(corners, 2)  # (tries, n, 4)
        fits = np.ones(_TRIES, bool)
        for a, b in itertools.combinations(range(len(boxes)), 2):
            low = np.maximum(placed[:, a, :2], placed[:, b, :2])
            high = np.minimum(placed[:, a, 2:], placed[:, b, 2:])
            fits &= (high - low).min(axis=1) <= OVERLAP
        for one in np.flatnonzero(fits):
            if scene_captions.arrange(placed[one], classes)[2]:
                return corners[one]
