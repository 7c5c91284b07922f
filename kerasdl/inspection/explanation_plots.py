"""Pictures of where a network looked: from the numbers alone, whether of a model or over HTTP."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from kerasdl.files import written_whole

# In the order of the columns: name of the numbers, what stands above them.
MAPS = {"rollout": "attention rollout", "grad_cam": "Grad-CAM", "saliency": "saliency"}
PICTURES = 8  # rows of one PNG


def save_explanation(
    folder: Path, seen: Mapping[str, np.ndarray], names: Sequence[str], titles: Sequence[str]
) -> list[Path]:
    """Draw what `explain` gave, or the signature of that name.

    Args:
        folder: Where the PNGs go; made if it is not there.
        seen: Numbers by name, see `kerasdl.inspection.explain`.
        names: Of the pictures, for file names.
        titles: What the network says of each picture.

    Returns:
        The files: one with a row for each picture, several if there are many; and for each picture
        one with the attention of every layer and head.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for start in range(0, len(names), PICTURES):
        part = slice(start, start + PICTURES)
        number = "" if len(names) <= PICTURES else f"-{start // PICTURES + 1}"
        path = folder / f"overview{number}.png"
        paths.append(path)
        save_maps(path, {name: values[part] for name, values in seen.items()}, titles[part])
    if "attention" in seen:
        for i, name in enumerate(names):
            path = folder / f"attention-{name}.png"
            paths.append(path)
            grid = seen["rollout"].shape[1:]
            save_heads_over_picture(path, seen["image"][i], seen["attention"][i], grid, titles[i])
    return paths


def save_maps(path: Path, seen: Mapping[str, np.ndarray], titles: Sequence[str]) -> None:
    """Draw each picture and, beside it, every map of it.

    Args:
        path: PNG to write.
        seen: `image` (B, H, W, C), and any of `rollout`, `grad_cam` and `saliency`.
        titles: One for each picture.
    """
    shown = [name for name in MAPS if name in seen]
    B, columns = len(titles), 1 + len(shown)
    figure = Figure(figsize=(1.9 * columns + 0.4, 1.95 * B + 0.9), layout="constrained")
    axes = figure.subplots(B, columns, squeeze=False)
    for i, (row, image) in enumerate(zip(axes, seen["image"], strict=True)):
        draw_picture(row[0], image)
        row[0].set_ylabel(titles[i], fontsize=9)
        for axis, name in zip(row[1:], shown, strict=True):
            heat = draw_map(axis, image, seen[name][i])
    axes[0, 0].set_title("picture", fontsize=10)
    for axis, name in zip(axes[0, 1:], shown, strict=True):
        axis.set_title(MAPS[name], fontsize=10)
    if shown:
        bar = figure.colorbar(
            heat, ax=axes, location="bottom", ticks=[], aspect=40, fraction=0.03, pad=0.02
        )
        bar.set_label("none … most of this map", fontsize=9)
    _write(figure, path)


def save_heads_over_picture(
    path: Path, image: np.ndarray, attention: np.ndarray, grid: tuple[int, int], title: str
) -> None:
    """Draw the attention of every layer and head.

    Args:
        path: PNG to write.
        image: (H, W, C).
        attention: (layers, heads, T, T). Where T is one more than there are patches, what the class
            token takes is drawn, else the mean over what all patches take.
        grid: Rows and columns of patches.
        title: Of the whole.
    """
    layers, heads, T, _ = attention.shape
    first = T - grid[0] * grid[1]
    taken = attention[:, :, 0, first:] if first else attention.mean(axis=2)
    who = "class token" if first else "mean patch"
    figure = Figure(figsize=(1.5 * (heads + 1) + 0.4, 1.68 * layers + 0.8), layout="constrained")
    axes = figure.subplots(layers, heads + 1, squeeze=False)
    for axis in axes[1:, 0]:
        axis.set_axis_off()
    draw_picture(axes[0, 0], image)
    axes[0, 0].set_title("picture", fontsize=9)
    for layer in range(layers):
        for head in range(heads):
            axis, weights = axes[layer, head + 1], taken[layer, head].reshape(grid)
            draw_map(axis, image, weights)
            axis.set_title(f"head {head + 1}, up to {weights.max():.2f}", fontsize=8)
        axes[layer, 1].set_ylabel(f"layer {layer + 1}", fontsize=9)
    figure.suptitle(f"{title}: attention of the {who}, each map from 0 to its most", fontsize=10)
    _write(figure, path)


def draw_picture(axis, image: np.ndarray) -> None:
    """Draw pixels in [0, 1], (H, W, C), without ticks."""
    grey = image.shape[-1] == 1
    axis.imshow(
        image[..., 0] if grey else image,
        interpolation="nearest",
        **({"cmap": "gray", "vmin": 0, "vmax": 1} if grey else {}),
    )
    axis.set(xticks=[], yticks=[])


def draw_map(axis, image: np.ndarray, weights: np.ndarray):
    """Draw a map (rows, columns) over the extent of a picture, with the outline of what it shows.

    Returns:
        What a colour bar needs.
    """
    H, W, _ = image.shape
    heat = axis.imshow(
        weights,
        cmap="inferno",
        vmin=0,
        vmax=max(float(weights.max()), 1e-12),
        extent=(-0.5, W - 0.5, H - 0.5, -0.5),
    )
    outline = image.mean(axis=-1)
    if outline.min() < 0.5 < outline.max():
        axis.contour(outline, [0.5], colors="white", linewidths=0.8, alpha=0.8)
    axis.set(xticks=[], yticks=[])
    return heat


def _write(figure, path):
    with written_whole(path) as part:
        figure.savefig(part, dpi=120)
