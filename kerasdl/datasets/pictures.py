"""Images as files: a grid to look at, and PNG bytes to send."""

import io
import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kerasdl.datasets.storage import check_integer
from kerasdl.errors import InputError


def save_grid(
    path: str | os.PathLike[str],
    images: np.ndarray,
    titles: Sequence[str] | None = None,
    *,
    columns: int | None = None,
    heading: str | None = None,
) -> Path:
    """Draw images side by side, each under its title, and save the picture as PNG.

    Args:
        path: File to write; it appears whole or not at all. Missing folders are made.
        images: (N, H, W), (N, H, W, 1) or (N, H, W, 3); uint8 from 0 to 255, or floats in [0, 1].
        titles: One text for each image, for example its class name; it may have several lines.
        columns: Images per row; None for a grid a little wider than high.
        heading: A line above the grid.

    Returns:
        The path.

    Raises:
        InputError: If the images or titles cannot be drawn, or the path does not end in ".png".

    Example:
        >>> import tempfile
        >>> images = np.arange(4 * 8 * 8, dtype=np.uint8).reshape(4, 8, 8)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_grid(f"{folder}/grid.png", images, ["a", "b", "c", "d"]).name
        'grid.png'
    """
    path, images = Path(path), _as_images(images)
    if path.suffix.lower() != ".png":
        raise InputError(f"`path` must end in '.png', received {str(path)!r}.")
    if titles is not None and len(titles) != len(images):
        raise InputError(
            f"`titles` must hold one text per image, {len(images)}; received {len(titles)}."
        )
    if columns is not None:
        columns = check_integer("columns", columns, minimum=1)
    # A Figure of its own draws without a display and leaves pyplot's global state alone.
    from matplotlib.figure import Figure

    columns = min(columns or math.ceil(math.sqrt(1.6 * len(images))), len(images))
    rows = math.ceil(len(images) / columns)
    title_space = 0.0
    if titles is not None:
        title_space = 0.05 + 0.13 * max(str(title).count("\n") + 1 for title in titles)
    cell, top = 1.1, 0.36 if heading else 0.1
    width, height = columns * cell + 0.2, rows * (cell + title_space) + top + 0.1  # inches
    figure = Figure(figsize=(width, height), dpi=150, facecolor="white")
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        axes = figure.add_axes(
            (
                (0.1 + column * cell + 0.06) / width,
                1 - (top + (row + 1) * (cell + title_space) - 0.06) / height,
                (cell - 0.12) / width,
                (cell - 0.12) / height,
            )
        )
        # Fixed limits, so that a dark image looks dark; "nearest" keeps the pixels sharp.
        axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest", aspect="equal")
        axes.set_xticks([])
        axes.set_yticks([])
        for edge in axes.spines.values():
            edge.set(color="0.8", linewidth=0.6)
        if titles is not None:
            axes.set_title(str(titles[index]), fontsize=8, pad=3, color="0.15")
    if heading:
        figure.text(0.16 / width, 1 - 0.15 / height, heading, fontsize=10, weight="bold", va="top")

    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        figure.savefig(partial, format="png")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def to_png_bytes(image: np.ndarray) -> bytes:
    r"""Encode one image as PNG, without loss, for example to send it over HTTP.

    Args:
        image: (H, W), (H, W, 1) or (H, W, 3) uint8.

    Returns:
        The bytes of a PNG file.

    Raises:
        InputError: If it is not such an image.

    Example:
        >>> to_png_bytes(np.zeros((8, 8, 1), np.uint8))[:4]
        b'\x89PNG'
    """
    from PIL import Image

    image = np.asarray(image)
    if image.ndim == 3 and image.shape[-1] == 1:
        image = image[..., 0]
    if (
        image.dtype != np.uint8
        or 0 in image.shape
        or not (image.ndim == 2 or (image.ndim == 3 and image.shape[-1] == 3))
    ):
        raise InputError(
            "`image` must be uint8 of shape (height, width), (height, width, 1) or "
            f"(height, width, 3); received {image.dtype} of shape {image.shape}."
        )
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG")
    return buffer.getvalue()


def _as_images(images: np.ndarray) -> np.ndarray:
    """Return (N, H, W) or (N, H, W, 3) uint8."""
    images = np.asarray(images)
    if images.ndim == 4 and images.shape[-1] == 1:
        images = images[..., 0]
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[-1] != 3):
        raise InputError(
            "`images` must have the shape (N, H, W), (N, H, W, 1) or (N, H, W, 3), "
            f"received {images.shape}."
        )
    if 0 in images.shape:
        raise InputError(f"`images` must hold at least one pixel, received shape {images.shape}.")
    if np.issubdtype(images.dtype, np.floating):
        # Written so that NaN fails as well.
        if not (images.min() >= 0 and images.max() <= 1):
            raise InputError(
                "`images` of a float type must lie in [0, 1], received "
                f"{images.min()} to {images.max()}."
            )
        images = np.rint(images * 255).astype(np.uint8)
    if images.dtype != np.uint8:
        raise InputError(f"`images` must be uint8 or float, received {images.dtype}.")
    return images
