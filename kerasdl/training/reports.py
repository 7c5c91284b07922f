"""Pictures of a run."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from kerasdl.files import written_whole


def save_learning_curve(path: Path, rows: list[dict], best_epoch: int) -> None:
    """Draw loss and accuracy over the epochs, training and validation, the best epoch marked.

    Args:
        path: PNG to write.
        rows: One dictionary an epoch, with `epoch`, `loss`, `accuracy` and their `val_` twins.
        best_epoch: Epoch whose weights were kept, counted from 1.
    """
    figure = Figure(figsize=(10, 4), layout="constrained")
    draw_learning_curve(figure.subplots(1, 2), rows, best_epoch)
    with written_whole(path) as part:
        figure.savefig(part, dpi=120)


def draw_learning_curve(axes, rows: list[dict], best_epoch: int | None = None) -> None:
    """Draw loss into the first and accuracy into the second of two axes."""
    epochs = [row["epoch"] for row in rows]
    markers = {"marker": "o", "markersize": 3} if len(rows) < 4 else {}
    for axis, name in zip(axes, ("loss", "accuracy"), strict=True):
        for key, label in ((name, "training"), (f"val_{name}", "validation")):
            axis.plot(epochs, [row[key] for row in rows], label=label, **markers)
        if best_epoch:
            axis.axvline(best_epoch, color="grey", linewidth=1, linestyle=":", label="kept")
        axis.set_xlabel("epoch")
        axis.set_ylabel(name)
        axis.grid(alpha=0.3)
        axis.legend(frameon=False)
        axis.xaxis.get_major_locator().set_params(integer=True)
    axes[0].set_ylim(bottom=0)


def save_confusion_matrix(path: Path, confusion: np.ndarray, class_names: tuple[str, ...]) -> None:
    """Draw how often each true class was taken for each other.

    Args:
        path: PNG to write.
        confusion: Counts (classes, classes), true class down, predicted across.
        class_names: Name of each class.
    """
    share = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    accuracy = np.trace(confusion) / confusion.sum()
    figure = Figure(figsize=(8, 6.8), layout="constrained")
    axis = figure.subplots()
    image = axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(confusion.shape):
        if confusion[row, column]:
            colour = "white" if share[row, column] > 0.5 else "black"
            axis.text(
                column,
                row,
                f"{confusion[row, column]}",
                ha="center",
                va="center",
                color=colour,
                fontsize=9,
            )
    short = max(map(len, class_names)) <= 3
    axis.set_xticks(range(len(class_names)), class_names, rotation=0 if short else 45)
    if not short:
        for label in axis.get_xticklabels():
            label.set_horizontalalignment("right")
    axis.set_yticks(range(len(class_names)), class_names)
    axis.set_xlabel("predicted")
    axis.set_ylabel("true")
    axis.set_title(f"{np.trace(confusion)} of {confusion.sum()} right ({accuracy:.2%})")
    figure.colorbar(image, ax=axis, label="share of the true class", fraction=0.046)
    with written_whole(path) as part:
        figure.savefig(part, dpi=120)
