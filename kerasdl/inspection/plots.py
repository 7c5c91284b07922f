"""Pictures of what was seen inside."""

from pathlib import Path

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
    figure = Figure(figsize=(1.25 * len(images) + 0.3, 3.6), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.06, w_pad=0.04)
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
        axes[0, column].imshow(picture, interpolation="nearest", **grey)
        axes[0, column].set_title(title, fontsize=10)
        # The map alone, with the outline of what is pictured: blended colours cannot be read.
        shown = axes[1, column].imshow(
            weights,
            cmap="inferno",
            vmin=0,
            vmax=weights.max(),
            extent=(-0.5, W - 0.5, H - 0.5, -0.5),
        )
        outline = image.mean(axis=-1)
        axes[1, column].contour(outline, [0.5], colors="white", linewidths=1, alpha=0.8)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
    figure.colorbar(
        shown, ax=axes[1, :], location="bottom", ticks=[], shrink=0.3, aspect=30, pad=0.08
    ).set_label("attention of the class token: none … most", fontsize=9)
