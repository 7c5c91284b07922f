"""`kerasdl data`: what there is to train on, prepared and looked at."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.status import Status
from rich.table import Table

from kerasdl import datasets
from kerasdl.cli import app
from kerasdl.datasets import catalog
from kerasdl.errors import InputError

data_app = typer.Typer(help="List the datasets, prepare one, look at its images.")
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
    """List the datasets: images, shape, classes, and whether each is prepared here."""
    table = Table(title="Datasets", title_justify="left")
    table.add_column("dataset", no_wrap=True)
    for split in ("train", "validation", "test"):
        table.add_column(split, justify="right")
    table.add_column("image")
    table.add_column("classes", justify="right")
    table.add_column("prepared")
    for name, info in datasets.available().items():
        table.add_row(
            name,
            *(f"{info.split_sizes[split]:,}" for split in ("train", "validation", "test")),
            "×".join(map(str, info.image_shape)),
            str(info.num_classes),
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
        Path | None, typer.Option(help="PNG file to write.", show_default="NAME-SPLIT.png")
    ] = None,
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "train",
    count: Annotated[int, typer.Option(help="How many images to draw.")] = 40,
    data_dir: _DataDir = None,
) -> None:
    """Draw the first images of a split with their class names, and count its classes."""
    info = datasets.info(name)
    out = Path(f"{name}-{split}.png") if out is None else out
    catalog.check_split(info, split)
    if count < 1:
        raise InputError(f"`--count` must be at least 1, received {count}.")
    if out.suffix.lower() != ".png":
        raise InputError(f"`--out` must end in '.png', received {str(out)!r}.")
    with _busy(f"Reading {name} …"):
        images, labels = datasets.load_arrays(name, split, data_dir)
    from kerasdl.datasets import pictures

    titles = [info.class_names[label] for label in labels[:count]]
    heading = f"{name}, {split}: the first {len(titles)} of {len(labels):,} images"
    pictures.save_grid(out, images[:count], titles, heading=heading)

    table = Table(title=f"{name}, {split}: {len(labels):,} images", title_justify="left")
    table.add_column("label", justify="right")
    table.add_column("class")
    table.add_column("images", justify="right")
    table.add_column("share", justify="right")
    counts = np.bincount(labels, minlength=info.num_classes)
    for label, (class_name, number) in enumerate(zip(info.class_names, counts, strict=True)):
        table.add_row(str(label), class_name, f"{number:,}", f"{number / len(labels):.1%}")
    console = Console()
    console.print(table)
    console.print(f"{info.description}\nSource: {info.source}\nCite: {info.citation}")
    typer.echo(f"Picture: {out}")


def _busy(message: str) -> Status:
    """Show on a terminal that work goes on; stdout stays free for the answer."""
    return Console(stderr=True).status(message)
