"""Pictures with what a network says of them."""

import textwrap
from pathlib import Path

from matplotlib.figure import Figure

from kerasdl.files import written_whole

COLUMNS, WIDTH = 4, 30  # pictures in a row, characters in a line below one


def save_captions(path: Path, images, said: list[str], truth: list[str]) -> None:
    """Draw pictures with their captions; where a caption is wrong, the right one below it.

    Args:
        path: PNG to write.
        images: (B, H, W, C).
        said: What the network says of each.
        truth: What would be right.
    """
    rows = -(-len(images) // COLUMNS)
    figure = Figure(figsize=(2.9 * COLUMNS, 3.5 * rows), layout="constrained")
    axes = figure.subplots(rows, COLUMNS, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, image, one, right in zip(axes.flat, images, said, truth, strict=False):
        axis.imshow(image.squeeze(), cmap="gray", interpolation="nearest")
        text, colour = _lines(one), "black"
        if one != right:
            text, colour = f"{text}\n(right: {_lines(right)})", "firebrick"
        axis.set_title(text, fontsize=9, color=colour, y=-0.03, va="top")
    with written_whole(path) as part:
        figure.savefig(part, dpi=110)


def _lines(text):
    return textwrap.fill(text, WIDTH)
