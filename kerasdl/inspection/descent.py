"""Pictures of gradient descent: curves of the loss, and the way over its landscape."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from keras import ops
from matplotlib.figure import Figure

from kerasdl.files import written_whole

if TYPE_CHECKING:
    from kerasdl.training.descend import Trace

# Told apart by colour-blind readers too: Okabe and Ito, 2008.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def save_descent(path: Path, traces: "Mapping[str, Trace]") -> None:
    """Draw loss and gradient norm over the epochs for several descents on the same data.

    Args:
        path: PNG to write.
        traces: What `kerasdl.training.descend` returned, by label.
    """
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    draw_descent(figure, traces)
    with written_whole(path) as part:
        figure.savefig(part, dpi=130)


def draw_descent(figure, traces: "Mapping[str, Trace]") -> None:
    """Draw into a given matplotlib figure; see `save_descent`.

    Strong: the loss on all data after each epoch. Pale: the loss on the batches, step by step or,
    where there are too many steps to tell apart, the range that holds four fifths of them.
    """
    left, right = figure.subplots(1, 2)
    handles = []
    for (label, trace), colour in zip(traces.items(), _colours(traces)):
        epochs = np.arange(len(trace.epoch_losses))
        handles += left.plot(
            epochs,
            trace.epoch_losses,
            color=colour,
            marker="o" if len(epochs) <= 50 else None,
            markersize=3,
            label=f"{label} ({len(trace.losses):,} steps)",
            zorder=3,
        )
        _draw_steps(left, trace, trace.losses, colour, middle=False)
        _draw_steps(right, trace, trace.gradient_norms, colour, middle=True)
    losses = np.concatenate([t.epoch_losses for t in traces.values()])
    margin = 0.1 * np.ptp(losses)
    left.set_ylim(losses.min() - 2.5 * margin, losses.max() + margin)
    left.set(xlabel="epoch", ylabel="loss", title="loss: all data (strong), batches (pale)")
    right.set(xlabel="epoch", ylabel="norm of the gradient", title="gradient of each step")
    if all((t.gradient_norms > 0).all() for t in traces.values()):
        right.set_yscale("log")
    left.legend(handles=handles, frameon=False)
    for axis in (left, right):
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)


def _draw_steps(axis, trace, values, colour, middle) -> None:
    """Draw what was measured at each step; in tenths of an epoch where steps are many."""
    at = trace.epochs - trace.epochs[0]
    steps_per_epoch = -(-trace.examples // trace.batch_size)
    together = steps_per_epoch // 10
    if together < 5:
        full = steps_per_epoch == 1
        axis.plot(
            at, values, color=colour, alpha=1 if full else 0.5, linewidth=1.5 if full else 0.8
        )
        return
    count = len(values) // together
    low, median, high = np.quantile(
        values[: count * together].reshape(count, together), [0.1, 0.5, 0.9], axis=1
    )
    at = at[: count * together].reshape(count, together).mean(axis=1)
    axis.fill_between(at, low, high, color=colour, alpha=0.15, linewidth=0)
    if middle:
        axis.plot(at, median, color=colour, linewidth=1)


def save_paths(path: Path, loss: Callable, traces: "Mapping[str, Trace]", **options) -> None:
    """Draw the ways of several descents over the landscape of a loss with two parameters.

    Args:
        path: PNG to write.
        loss: The function that was descended, of one vector (2,) or of two numbers.
        traces: What `kerasdl.training.descend` returned, by label.
        **options: See `draw_paths`.
    """
    figure = Figure(figsize=(8, 6), layout="constrained")
    draw_paths(figure.subplots(), loss, traces, **options)
    with written_whole(path) as part:
        figure.savefig(part, dpi=130)


def draw_paths(
    axis,
    loss: Callable,
    traces: "Mapping[str, Trace]",
    *,
    minimum=None,
    limits=None,
    names=("$\\theta_1$", "$\\theta_2$"),
    points: int = 121,
) -> None:
    """Draw into a given matplotlib axis; see `save_paths`.

    Args:
        axis: Where to draw.
        loss: The function that was descended.
        traces: Descents by label; all with a path of two numbers.
        minimum: The lowest point, if it is known.
        limits: `((left, right), (bottom, top))`; default what holds all paths.
        names: Of the two parameters.
        points: Points of the grid along each axis on which the loss is computed.

    Raises:
        ValueError: If a trace has no path, or not one of two numbers.
    """
    ways = {label: _way(label, trace) for label, trace in traces.items()}
    if limits is None:
        seen = [*ways.values()] + ([] if minimum is None else [np.array([minimum])])
        limits = _limits(np.concatenate(seen))
    grid = [np.linspace(*pair, points) for pair in limits]
    heights = _heights(loss, *grid, scalars=len(next(iter(traces.values())).path) == 2)
    # Lines at quantiles: as dense in the valley as on the slopes, whatever the loss' scale.
    levels = np.unique(np.quantile(heights, np.linspace(0, 1, 25) ** 1.5))
    axis.contourf(*grid, heights, levels=levels, cmap="Greys_r", alpha=0.3, norm=_rank(levels))
    axis.contour(*grid, heights, levels=levels, colors="grey", linewidths=0.4, alpha=0.7)
    for (label, way), colour in zip(ways.items(), _colours(ways)):
        steps = len(way) - 1
        axis.plot(
            *way.T,
            color=colour,
            linewidth=1.4 if steps <= 500 else 0.7,
            marker="o" if steps <= 100 else None,
            markersize=2.5,
            alpha=0.9,
            label=label,
        )
        axis.plot(*way[-1], marker="s", markersize=6, color=colour, markeredgecolor="white")
    start = next(iter(ways.values()))[0]
    axis.plot(*start, marker="o", markersize=8, color="black", markeredgecolor="white")
    axis.annotate("start", start, xytext=(7, 7), textcoords="offset points", fontsize=10)
    if minimum is not None:
        axis.plot(*minimum, marker="*", markersize=14, color="gold", markeredgecolor="black")
    axis.set(xlim=limits[0], ylim=limits[1], xlabel=names[0], ylabel=names[1])
    axis.legend(loc="best", framealpha=0.9)


def _colours(items) -> list[str]:
    return [COLOURS[i % len(COLOURS)] for i in range(len(items))]


def _way(label, trace) -> np.ndarray:
    """Return the points of a path, (steps + 1, 2)."""
    steps = None if trace.path is None else [p.reshape(len(p), -1) for p in trace.path]
    width = sum(p.shape[1] for p in steps or [])
    if width != 2:
        raise ValueError(
            f"`traces` must hold descents of two numbers with their path; {label!r} has "
            + ("no path." if steps is None else f"{width}.")
        )
    return np.concatenate(steps, axis=1)


def _limits(points) -> list[tuple[float, float]]:
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.12 * np.maximum(high - low, 0.1 * (high - low).max() + 1e-9)
    return list(zip(low - margin, high + margin))


def _heights(loss, columns, rows, scalars) -> np.ndarray:
    """Return the loss on a grid, (rows, columns)."""
    mesh = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    function = (lambda p: loss(p[0], p[1])) if scalars else loss
    heights = ops.vectorized_map(function, ops.convert_to_tensor(mesh.astype("float32")))
    return ops.convert_to_numpy(heights).reshape(len(rows), len(columns))


def _rank(levels):
    """Give each band between two levels a shade of its own."""
    from matplotlib.colors import BoundaryNorm

    return BoundaryNorm(levels, ncolors=256)
