"""Boxes y0, x0, y1, x1: how much they overlap, and which of several stays."""

from keras import ops


def box_iou(a, b):
    r"""Return the intersection over union of boxes, each with each.

    $$\mathrm{IoU}(a, b) = \frac{|a \cap b|}{|a \cup b|}$$

    Args:
        a: Boxes y0, x0, y1, x1, (…, n, 4).
        b: Boxes (…, m, 4).

    Returns:
        Tensor (…, n, m); 0 where both boxes are empty.

    Example:
        >>> float(box_iou(ops.array([[0.0, 0, 2, 2]]), ops.array([[0.0, 1, 2, 3]]))[0, 0])
        0.333...
    """
    a, b = a[..., :, None, :], b[..., None, :, :]
    # Not `ops.maximum`, which returns float32 for float64 on PyTorch.
    lower = ops.where(a[..., :2] > b[..., :2], a[..., :2], b[..., :2])  # (…, n, m, 2)
    upper = ops.where(a[..., 2:] < b[..., 2:], a[..., 2:], b[..., 2:])
    intersection = _area(upper - lower)
    union = _area(a[..., 2:] - a[..., :2]) + _area(b[..., 2:] - b[..., :2]) - intersection
    some = union > 0
    return ops.where(some, intersection / ops.where(some, union, ops.ones_like(union)), 0 * union)


def _area(size):
    size = ops.where(size > 0, size, ops.zeros_like(size))
    return size[..., 0] * size[..., 1]


def non_max_suppression(boxes, overlap):
    r"""Say which boxes stay: each that no better one, which stays itself, covers too much of.

    $$s_i = \neg\, \exists\, j < i:\; s_j \wedge \mathrm{IoU}(b_j, b_i) > \text{overlap}$$

    Args:
        boxes: y0, x0, y1, x1, the best first, (B, n, 4). n is known.
        overlap: The largest intersection over union that both may stay at.

    Returns:
        Booleans (B, n).

    Example:
        >>> boxes = ops.array([[[0.0, 0, 2, 2], [0, 0, 2, 3], [5, 5, 6, 6]]])
        >>> [bool(s) for s in non_max_suppression(boxes, 0.5)[0]]
        [True, False, True]
    """
    covered = box_iou(boxes, boxes) > overlap  # (B, n, n)
    stays = [ops.ones_like(covered[:, 0, 0])]
    for i in range(1, boxes.shape[1]):
        before = ops.stack(stays, axis=1)  # (B, i)
        hidden = ops.any(ops.logical_and(before, covered[:, :i, i]), axis=1)
        stays.append(ops.logical_not(hidden))
    return ops.stack(stays, axis=1)
