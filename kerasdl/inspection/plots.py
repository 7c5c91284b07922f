"""Pictures of what was seen inside."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from kerasdl.files import written_whole


def save_attention(path: Path, images, attention, titles) -> None:
    """Draw each picture and, below it, the same picture under its attention map.

    Args:
        path: PNG to write.
        images: Pixels in [0, 1], (B, H, W, C).
        attention: (B, rows, columns).
        titles: One for each picture.
    """
    figure = Figure(figsize=(1.6 * len(images), 3.9), layout="constrained")
    draw_attention(figure, images, attention, titles)
    with written_whole(path) as part:
        figure.savefig(part, dpi=130)


def draw_attention(figure, images, attention, titles) -> None:
    """Draw into a given matplotlib figure; see `save_attention`."""
    axes = figure.subplots(2, len(images), squeeze=False)
    _, H, W, C = images.shape
    for column, (image, weights, title) in enumerate(zip(images, attention, titles, strict=True)):
        picture = image[..., 0] if C == 1 else image
        grey = {"cmap": "gray", "vmin": 0, "vmax": 1} if C == 1 else {}
        heat = np.kron(weights, np.ones((H // weights.shape[0], W // weights.shape[1])))
        axes[0, column].imshow(picture, interpolation="nearest", **grey)
        axes[0, column].set_title(title, fontsize=10)
        axes[1, column].imshow(picture, interpolation="nearest", **grey)
        shown = axes[1, column].imshow(
            heat, cmap="inferno", alpha=0.65, interpolation="nearest", vmin=0, vmax=weights.max()
        )
    for axis in axes.flat:
        axis.set_axis_off()
    figure.colorbar(
        shown, ax=axes[1, :], location="bottom", ticks=[], shrink=0.4, pad=0.04
    ).set_label("attention of the class token, from none to most", fontsize=9)
