"""How good found boxes are: average precision."""

import numpy as np


def average_precision(found, truth, num_classes: int, overlap: float = 0.5) -> float:
    r"""Return the mean over the classes of the average precision.

    The boxes of a class are taken in the order of their scores, over all pictures. One is right if
    it covers an object of its class that none before it has taken: intersection over union of at
    least `overlap`. With $P_i$ and $R_i$ precision and recall after i boxes,

    $$\mathrm{AP} = \sum_i (R_i - R_{i-1}) \max_{j \ge i} P_j$$

    Args:
        found: For each picture boxes (n, 4), classes (n,) and scores (n,).
        truth: For each picture boxes (m, 4) and classes (m,).
        num_classes: How many there are; those without an object do not count.
        overlap: 0.5 for what is called AP50.

    Source:
        Everingham et al., 2010, The PASCAL Visual Object Classes Challenge, section 4.2, with the
        area under the whole curve, as since VOC 2010.

    Example:
        >>> box = np.array([[0, 0, 4, 4]])
        >>> average_precision([(box, np.array([1]), np.array([0.9]))], [(box, np.array([1]))], 2)
        1.0
    """
    averages = []
    for k in range(num_classes):
        objects = [boxes[classes == k] for boxes, classes in truth]
        total = sum(map(len, objects))
        if total:
            averages.append(_of_class(*_candidates(found, k), objects, total, overlap))
    return float(np.mean(averages))


def _candidates(found, k):
    """Return the boxes of a class and their pictures, the most probable first."""
    pictures, boxes, scores = [], [], []
    for i, (b, classes, s) in enumerate(found):
        of_class = classes == k
        pictures += [i] * int(of_class.sum())
        boxes.append(b[of_class])
        scores.append(s[of_class])
    order = np.argsort(-np.concatenate(scores), kind="stable")
    return np.concatenate(boxes)[order], np.array(pictures, int)[order]


def _of_class(boxes, pictures, objects, total, overlap):
    taken = [np.zeros(len(there), bool) for there in objects]
    right = np.zeros(len(boxes))
    for i, (box, picture) in enumerate(zip(boxes, pictures, strict=True)):
        shares = iou(box[np.newaxis], objects[picture])[0]
        if len(shares) and shares.max() >= overlap:
            best = shares.argmax()
            right[i] = not taken[picture][best]
            taken[picture][best] = True
    hits = np.cumsum(right)
    precision = hits / np.arange(1, len(hits) + 1)
    best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
    return float((right * best_from_here).sum() / total)


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the intersection over union (n, m) of boxes y0, x0, y1, x1; see `ops.box_iou`.

    In NumPy: there are thousands of small sets of boxes, of as many sizes.
    """
    a, b = a[:, np.newaxis], b[np.newaxis]
    size = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    both = np.maximum(size, 0).prod(axis=-1)
    either = (a[..., 2:] - a[..., :2]).prod(axis=-1) + (b[..., 2:] - b[..., :2]).prod(axis=-1)
    return both / np.maximum(either - both, 1e-9)
