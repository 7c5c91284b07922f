"""One picture of a search: how it went, what mattered, and where good values lie."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator, PercentFormatter

from kerasdl.files import written_whole

_BLUE, _ORANGE = "#0072B2", "#D55E00"


def save_search(
    path: Path,
    rows: list[dict],
    names: list[str],
    logarithmic: set[str],
    importances: dict[str, float],
) -> None:
    """Draw history, importance of each setting, and accuracy over each setting.

    Args:
        path: PNG to write.
        rows: One finished trial each: `trial`, `state`, `val_accuracy` and the settings by name.
        names: The settings that were varied.
        logarithmic: Those among them that have a logarithmic axis.
        importances: Share of the variance that each explains; empty where it cannot be told yet.
    """
    columns = max(3, len(names))
    figure = Figure(figsize=(2.9 * columns, 6.2), layout="constrained")
    upper, lower = figure.subfigures(2, 1)
    history, bars = upper.subplots(1, 2, width_ratios=(2, 1))
    floor = _floor([row["val_accuracy"] for row in rows if row["state"] == "complete"])
    _draw_history(history, rows, floor)
    _draw_importances(bars, names, importances)
    slices = list(lower.subplots(1, columns, squeeze=False)[0])
    for unused in slices[len(names) :]:
        unused.set_visible(False)
    slices = slices[: len(names)]
    for i, (axis, name) in enumerate(zip(slices, names, strict=True)):
        shown = _draw_slice(axis, rows, name, name in logarithmic, floor)
        axis.set_ylim(history.get_ylim())
        axis.yaxis.set_major_formatter(PercentFormatter(1))
        if i:
            axis.tick_params(labelleft=False)
        else:
            axis.set_ylabel("validation accuracy")
    if slices:
        bar = lower.colorbar(shown, ax=slices, label="trial", pad=0.01)
        bar.locator = MaxNLocator(integer=True)
    for axis in (history, bars, *slices):
        axis.spines[["top", "right"]].set_visible(False)
    with written_whole(path) as part:
        figure.savefig(part, dpi=120)


def _floor(accuracies) -> float:
    """Return where the picture ends below: a failed trial must not flatten all the others."""
    if not accuracies:
        return 0.0
    best, median = np.max(accuracies), np.median(accuracies)
    return max(np.min(accuracies), best - 4 * max(best - median, 0.01))


def _scatter(axis, x, y, floor, **options):
    """Draw points; those below the floor as arrows that point out of the picture."""
    y = np.asarray(y, dtype=float)
    below = y < floor
    x, colours = np.asarray(x), options.pop("c", None)
    for chosen, marker in ((below, "v"), (~below, options.pop("marker", "o"))):
        c = {} if colours is None else {"c": np.asarray(colours)[chosen]}
        points = np.maximum(y[chosen], floor)
        drawn = axis.scatter(x[chosen], points, marker=marker, **c, **options)
        options.pop("label", None) if chosen.any() else None
    return drawn


def _draw_history(axis, rows, floor):
    trials = np.array([row["trial"] for row in rows])
    accuracy = np.array([row["val_accuracy"] for row in rows], dtype=float)
    pruned = np.array([row["state"] == "pruned" for row in rows], dtype=bool)
    _scatter(axis, trials[~pruned], accuracy[~pruned], floor, color=_BLUE, s=24, zorder=3)
    axis.scatter([], [], color=_BLUE, s=24, label="trial")
    if pruned.any():
        _scatter(axis, trials[pruned], accuracy[pruned], floor, color="darkgrey", s=24, marker="x")
        axis.scatter([], [], color="darkgrey", s=24, marker="x", label="stopped early")
    if (accuracy < floor).any():
        axis.scatter([], [], color="darkgrey", s=24, marker="v", label="below the picture")
    best = np.maximum.accumulate(np.where(pruned, -np.inf, accuracy))
    best = np.where(best < floor, np.nan, best)
    axis.step(trials, best, where="post", color=_ORANGE, label="best so far")
    axis.set(xlabel="trial", ylabel="validation accuracy", title="history")
    axis.set_xlim(trials.min() - 0.5, trials.max() + 0.5)
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.yaxis.set_major_formatter(PercentFormatter(1))
    axis.grid(alpha=0.25)
    axis.legend(frameon=False, loc="lower right")


def _draw_importances(axis, names, importances):
    axis.set_title("what the accuracy hangs on")
    if not importances:
        axis.text(0.5, 0.5, "too few trials to tell", ha="center", va="center", color="grey")
        axis.set(xticks=[], yticks=[])
        return
    order = sorted(names, key=lambda name: importances.get(name, 0.0))
    shares = [importances.get(name, 0.0) for name in order]
    drawn = axis.barh([_plain(name) for name in order], shares, color=_BLUE, height=0.6)
    axis.bar_label(drawn, [f"{share:.0%}" for share in shares], padding=3, fontsize=9)
    axis.set(xlabel="importance (PED-ANOVA)", xlim=(0, 1.2 * max(*shares, 1e-9)), xticks=[])


def _draw_slice(axis, rows, name, logarithmic, floor):
    kept = [row for row in rows if row["state"] == "complete"]
    trials = [row["trial"] for row in rows]
    shown = _scatter(
        axis,
        [row[name] for row in kept],
        [row["val_accuracy"] for row in kept],
        floor,
        c=[row["trial"] for row in kept],
        cmap="viridis",
        vmin=min(trials, default=0),
        vmax=max(trials, default=1),
        s=28,
    )
    if not kept:
        axis.text(0.5, 0.5, "none finished", ha="center", color="grey", transform=axis.transAxes)
    else:
        best = max(kept, key=lambda row: (row["val_accuracy"], -row["val_loss"]))
        ring = {"s": 120, "facecolors": "none", "edgecolors": _ORANGE, "linewidths": 1.8}
        axis.scatter(best[name], best["val_accuracy"], **ring)
    if kept and logarithmic:
        axis.set_xscale("log")
        low, high = axis.get_xlim()
        subs = (1, 2, 5) if high < 30 * low else (1, 3) if high < 300 * low else (1,)
        axis.xaxis.set_major_locator(LogLocator(subs=subs))
        axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.xaxis.set_minor_locator(NullLocator())
    axis.set_xlabel(_plain(name))
    axis.grid(alpha=0.25)
    return shown


def _plain(name: str) -> str:
    return name.replace("_", " ")
