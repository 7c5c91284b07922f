"""The one right English sentence for a scene: kinds, counts and where they lie.

Items of one kind are one group. Of two groups, or of three single items, the axis on which their
centres lie further apart decides: left to right, or top to bottom. The grammar:

    one item             a dress
    two of a kind        two bags side by side | two bags one above the other
    three of a kind      three pairs of trousers
    two groups           a bag to the left of two coats | two coats above a bag
    three kinds          a shirt, a bag and a dress from left to right | … from top to bottom
"""

import itertools

import numpy as np

# In the order of the labels of Fashion-MNIST: one, several.
_NOUNS = (
    ("a T-shirt", "T-shirts"),
    ("a pair of trousers", "pairs of trousers"),
    ("a pullover", "pullovers"),
    ("a dress", "dresses"),
    ("a coat", "coats"),
    ("a sandal", "sandals"),
    ("a shirt", "shirts"),
    ("a sneaker", "sneakers"),
    ("a bag", "bags"),
    ("an ankle boot", "ankle boots"),
)
_COUNTS = {2: "two", 3: "three"}
# Of less than this, in pixels, nobody would say "above" or "more to the left than below".
CLEAR = 8.0


def arrange(boxes: np.ndarray, classes: np.ndarray) -> tuple[int, list[list[int]], bool]:
    """Find the axis that a caption speaks of and the order in which it names the groups.

    Args:
        boxes: (n, 4) y0, x0, y1, x1 of each item.
        classes: (n,) the label of each item.

    Returns:
        The axis (0 from top to bottom, 1 from left to right); the indices of the items of each
        group, in the caption's order; and whether all of that is clear to the eye: the axes differ
        by `CLEAR` pixels and every item of a group lies so far before every item of the next.
    """
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2  # (n, 2): y, x
    groups = [np.flatnonzero(classes == kind) for kind in dict.fromkeys(classes.tolist())]
    # The items of the one group, or the groups' middles, are what is compared.
    middles = centres if len(groups) == 1 else np.stack([centres[g].mean(0) for g in groups])
    spread = np.ptp(middles, axis=0)  # (2,)
    axis = int(spread[1] >= spread[0])
    groups.sort(key=lambda group: centres[group, axis].mean())
    ordered = [sorted(group.tolist(), key=lambda item: centres[item, axis]) for group in groups]
    clear = len(classes) == 1 or abs(spread[1] - spread[0]) >= CLEAR
    for first, second in itertools.pairwise(ordered):
        clear &= centres[second, axis].min() - centres[first, axis].max() >= CLEAR
    return axis, ordered, bool(clear)


def caption(boxes: np.ndarray, classes: np.ndarray) -> str:
    """Describe a scene.

    Args:
        boxes: (n, 4) y0, x0, y1, x1 of each of one to three items.
        classes: (n,) the label of each item, as in Fashion-MNIST.

    Returns:
        The caption, without a full stop.

    Example:
        >>> boxes = np.array([[0, 30, 28, 58], [2, 0, 30, 20], [34, 28, 62, 56]])
        >>> caption(boxes[:2], np.array([8, 3])), caption(boxes[[0, 2]], np.array([9, 9]))
        ('a dress to the left of a bag', 'two ankle boots one above the other')
    """
    axis, groups, _ = arrange(boxes, classes)
    names = []
    for group in groups:
        one, several = _NOUNS[classes[group[0]]]
        names.append(one if len(group) == 1 else f"{_COUNTS[len(group)]} {several}")
    if len(names) == 2:
        return f"{names[0]} {('above', 'to the left of')[axis]} {names[1]}"
    if len(names) == 3:
        direction = ("from top to bottom", "from left to right")[axis]
        return f"{names[0]}, {names[1]} and {names[2]} {direction}"
    if len(classes) == 2:
        return f"{names[0]} {('one above the other', 'side by side')[axis]}"
    return names[0]
