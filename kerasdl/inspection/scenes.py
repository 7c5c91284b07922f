"""Pictures of what was found in scenes: masks and boxes."""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from kerasdl.files import written_whole
from kerasdl.inspection.explanation_plots import draw_picture

SURE = 0.5  # from which probability on an object counts as found


def save_masks(path: Path, images, said, truth, class_names) -> None:
    """Draw pictures, what a network takes each pixel for, and what it is.

    Args:
        path: PNG to write.
        images: (B, H, W, C), pixels in [0, 1].
        said: (B, H, W), numbers of classes.
        truth: The same, or None where it is not known.
        class_names: Of all classes, the background first.
    """
    rows = [("picture", None), ("network", said)] + (
        [("truth", truth)] if truth is not None else []
    )
    B = len(images)
    figure = Figure(figsize=(1.45 * B + 0.4, 1.5 * len(rows) + 0.7), layout="constrained")
    axes = figure.subplots(len(rows), B, squeeze=False)
    colours = _colours(len(class_names) - 1)
    table = np.array([(0.0, 0.0, 0.0), *colours])
    for (label, masks), line in zip(rows, axes, strict=True):
        line[0].set_ylabel(label, fontsize=10)
        for i, axis in enumerate(line):
            draw_picture(axis, images[i] if masks is None else table[masks[i]])
    figure.legend(
        handles=[Patch(color=c, label=n) for c, n in zip(colours, class_names[1:], strict=True)],
        loc="outside lower center",
        ncols=min(10, len(colours)),
        fontsize=8,
        frameon=False,
    )
    with written_whole(path) as part:
        figure.savefig(part, dpi=120)


def save_boxes(path: Path, images, found, truth, class_names) -> None:
    """Draw pictures with the boxes that a network found, and below with the true ones.

    Args:
        path: PNG to write.
        images: (B, H, W, C), pixels in [0, 1].
        found: For each picture boxes (n, 4) y0, x0, y1, x1 in pixels, classes (n,) and scores (n,).
        truth: For each picture boxes and classes, or None where they are not known.
        class_names: Of the classes.
    """
    lines = 1 if truth is None else 2
    B = len(images)
    figure = Figure(figsize=(2.0 * B + 0.4, 2.05 * lines + 0.3), layout="constrained")
    axes = figure.subplots(lines, B, squeeze=False)
    colours = _colours(len(class_names))
    for i in range(B):
        boxes, classes, scores = found[i]
        texts = [f"{class_names[k]} {s:.2f}" for k, s in zip(classes, scores, strict=True)]
        _draw_boxes(axes[0, i], images[i], boxes, [colours[k] for k in classes], texts)
        if truth is not None:
            boxes, classes = truth[i]
            texts = [class_names[k] for k in classes]
            _draw_boxes(axes[1, i], images[i], boxes, [colours[k] for k in classes], texts)
    for line, label in zip(axes, ("network", "truth"), strict=False):
        line[0].set_ylabel(label, fontsize=10)
    with written_whole(path) as part:
        figure.savefig(part, dpi=120)


def sure(found):
    """Leave the objects out that are less probable than not.

    Args:
        found: For each picture boxes (n, 4), classes (n,) and scores (n,).

    Returns:
        The same, as a list.
    """
    return [tuple(part[one[2] >= SURE] for part in one) for one in found]


def _draw_boxes(axis, image, boxes, colours, texts):
    draw_picture(axis, image)
    W = image.shape[1]
    for (y0, x0, y1, x1), colour, text in zip(boxes, colours, texts, strict=True):
        size = {"width": x1 - x0, "height": y1 - y0}
        axis.add_patch(
            Rectangle((x0 - 0.5, y0 - 0.5), **size, fill=False, edgecolor=colour, linewidth=1.3)
        )
        axis.text(
            min(x0, 0.55 * W),
            max(y0 - 1.5, 4),
            text,
            fontsize=6.5,
            color="white",
            bbox={"facecolor": colour, "edgecolor": "none", "pad": 0.8},
        )


def _colours(count):
    """Return colours that are told apart easily, the same for a class everywhere."""
    return [matplotlib.colormaps["tab10"](k % 10)[:3] for k in range(count)]
