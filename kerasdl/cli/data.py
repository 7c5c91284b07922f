"""`kerasdl data`: what there is to train on, prepared and looked at."""

import textwrap
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from kerasdl import datasets
from kerasdl.cli import app
from kerasdl.datasets import catalog, summary
from kerasdl.errors import InputError

data_app = typer.Typer(help="List the datasets, prepare one, look at its examples.")
_TITLE_WIDTH = 18  # as many letters fit above a picture
app.add_typer(data_app, name="data", no_args_is_help=True)

_Name = Annotated[str, typer.Argument(help="Name of the dataset; see `kerasdl data list`.")]
_DataDir = Annotated[
    Path | None,
    typer.Option(
        help="Folder of prepared datasets.",
        show_default="TFDS_DATA_DIR, else ~/tensorflow_datasets",
    ),
]


@data_app.command("list")
def list_datasets(data_dir: _DataDir = None) -> None:
    """List the datasets: examples, what they are, classes, and whether each is prepared here."""
    table = Table(title="Datasets", title_justify="left")
    table.add_column("dataset", no_wrap=True)
    for split in ("train", "validation", "test"):
        table.add_column(split, justify="right")
    table.add_column("what")
    table.add_column("classes", justify="right")
    table.add_column("prepared")
    for name, info in datasets.available().items():
        table.add_row(
            name,
            *(f"{info.split_sizes[split]:,}" for split in ("train", "validation", "test")),
            "×".join(map(str, info.image_shape)) if info.kind == "images" else info.kind,
            str(info.num_classes or "–"),
            "yes" if datasets.is_prepared(name, data_dir) else "no",
        )
    console = Console()
    console.print(table)
    console.print(f"Prepared data: {data_dir or datasets.default_data_dir()}", soft_wrap=True)


@data_app.command("prepare")
def prepare_dataset(name: _Name, data_dir: _DataDir = None) -> None:
    """Prepare a dataset now, so that training and a machine without a network find it."""
    already = datasets.is_prepared(name, data_dir)
    with _busy(f"Preparing {name} …"):
        folder = datasets.prepare(name, data_dir)
    typer.echo(f"{name} {'was already' if already else 'is now'} prepared in {folder}")


@data_app.command("show")
def show_dataset(
    name: _Name,
    out: Annotated[
        Path | None,
        typer.Option(help="PNG file to write; for pictures only.", show_default="NAME-SPLIT.png"),
    ] = None,
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "train",
    count: Annotated[
        int | None,
        typer.Option(help="How many examples to show.", show_default="40 pictures or 10 texts"),
    ] = None,
    data_dir: _DataDir = None,
) -> None:
    """Show the first examples of a split, pictures as a PNG file and texts as a table; count."""
    info = datasets.info(name)
    pictured = info.image_shape is not None
    catalog.check_split(info, split)
    count = (40 if pictured else 10) if count is None else count
    if count < 1:
        raise InputError(f"`--count` must be at least 1, received {count}.")
    if not pictured and out is not None:
        raise InputError(
            f"`--out` must be left out for {name!r}, of the kind {info.kind!r}: there is no "
            f"picture to write, the examples are printed; received {str(out)!r}."
        )
    out = Path(f"{name}-{split}.png") if out is None else out
    if out.suffix.lower() != ".png":
        raise InputError(f"`--out` must end in '.png', received {str(out)!r}.")
    with _busy(f"Reading {name} …"):
        examples = datasets.load_examples(name, split, data_dir)
    number = len(examples[info.features[0]])
    heading = f"{name}, {split}: the first {min(count, number)} of {number:,} "
    console = Console()
    if pictured:
        _draw(info, examples, count, heading + "images", out)
    else:
        _print_lines(console, summary.lines(info, examples, count), heading + "examples")
    unit = {"tagged": "words", "scenes": "items"}.get(info.kind, info.kind)
    title = f"{name}, {split}: {number:,} {info.kind if info.kind != 'tagged' else 'sentences'}"
    if counts := summary.class_counts(info, examples):
        _print_counts(console, counts, title, unit)
    if lengths := summary.lengths(info.kind, examples):
        _print_lengths(console, lengths, title)
    console.print(f"{info.description}\nSource: {info.source}\nCite: {info.citation}")
    if pictured:
        typer.echo(f"Picture: {out}")


def _draw(info: datasets.DatasetInfo, examples: dict, count: int, heading: str, out: Path) -> None:
    from kerasdl.datasets import pictures

    if info.kind == "scenes":
        titles = [textwrap.fill(text, _TITLE_WIDTH) for text in examples["caption"][:count]]
    else:
        titles = [info.class_names[label] for label in examples["label"][:count]]
    pictures.save_grid(out, examples["image"][:count], titles, heading=heading)


def _print_lines(console: Console, lines: list[tuple[str, str]], title: str) -> None:
    # Not as the table's title, which would be broken to the width of short lines.
    console.print(title, style="italic")
    table = Table(show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in lines:
        table.add_row(*map(Text, row))  # as it is: "[ILUG]" in a mail is no markup
    console.print(table)


def _print_counts(console: Console, counts: list[tuple[str, int]], title: str, unit: str) -> None:
    table = Table(title=title, title_justify="left")
    table.add_column("label", justify="right")
    table.add_column("class")
    table.add_column(unit, justify="right")
    table.add_column("share", justify="right")
    total = sum(number for _, number in counts)
    for label, (class_name, number) in enumerate(counts):
        table.add_row(str(label), class_name, f"{number:,}", f"{number / total:.1%}")
    console.print(table)


def _print_lengths(console: Console, lengths: dict[str, np.ndarray], title: str) -> None:
    table = Table(title=f"{title}, how long", title_justify="left")
    table.add_column("of each")
    for column in ("mean", "median", "95 of 100 up to", "longest"):
        table.add_column(column, justify="right")
    for what, numbers in lengths.items():
        table.add_row(
            what,
            f"{numbers.mean():,.1f}",
            *(f"{np.quantile(numbers, q, method='lower'):,}" for q in (0.5, 0.95, 1)),
        )
    console.print(table)


def _busy(message: str) -> Status:
    """Show on a terminal that work goes on; stdout stays free for the answer."""
    return Console(stderr=True).status(message)
