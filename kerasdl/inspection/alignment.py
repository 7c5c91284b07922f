"""Where a decoder looked: one picture for each pair of sequences, or for each head."""

import math
from pathlib import Path

from matplotlib.figure import Figure

from kerasdl.files import written_whole


def save_alignments(path: Path, pairs) -> None:
    """Draw the weights of the attention between pairs of sequences.

    Args:
        path: PNG to write.
        pairs: For each pair the tokens read (S strings), the tokens written (T strings) and the
            weights of the attention (T, S).
    """
    rows = math.ceil(len(pairs) / 3)
    figure = Figure(figsize=(11, 3.6 * rows + 0.5), layout="constrained")
    draw_alignments(figure, pairs)
    with written_whole(path) as part:
        figure.savefig(part, dpi=110)


def save_heads(path: Path, attentions) -> None:
    """Draw every head of every layer.

    Args:
        path: PNG to write.
        attentions: For each attention its name, the tokens that look (T strings), those that are
            looked at (S strings), and for each layer the weights (heads, T, S).
    """
    rows = [
        (f"{name} {i}", looking, looked_at, weights)
        for name, looking, looked_at, layers in attentions
        for i, weights in enumerate(layers)
    ]
    heads = max(len(weights) for *_, weights in rows)
    figure = Figure(figsize=(2.4 * heads + 0.8, 2.4 * len(rows) + 0.5), layout="constrained")
    axes = figure.subplots(len(rows), heads, squeeze=False)
    for line, (name, looking, looked_at, weights) in zip(axes, rows, strict=True):
        for axis in line[len(weights) :]:
            axis.set_axis_off()
        for n, (axis, head) in enumerate(zip(line, weights, strict=False)):
            axis.imshow(head, cmap="Blues", vmin=0, vmax=1, aspect="auto")
            axis.set_xticks(range(len(looked_at)), looked_at, fontsize=7)
            axis.set_yticks(range(len(looking)), looking, fontsize=7)
            axis.tick_params(length=0)
            axis.set_title(f"{name}, head {n}", fontsize=8)
    with written_whole(path) as part:
        figure.savefig(part, dpi=110)


def draw_alignments(figure, pairs) -> None:
    """Draw into a given matplotlib figure; see `save_alignments`."""
    columns = min(3, len(pairs))
    axes = figure.subplots(math.ceil(len(pairs) / columns), columns, squeeze=False)
    for axis in axes.flat[len(pairs) :]:
        axis.set_axis_off()
    for axis, (read, written, weights) in zip(axes.flat, pairs, strict=False):
        shown = axis.imshow(weights, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        axis.set_xticks(range(len(read)), read)
        axis.set_yticks(range(len(written)), written)
        axis.tick_params(length=0)
        axis.xaxis.tick_top()
    figure.supxlabel("read")
    figure.supylabel("written")
    figure.colorbar(shown, ax=axes, label="weight of the attention", fraction=0.025, pad=0.01)
