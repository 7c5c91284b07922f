"""`kerasdl verify`."""

import logging
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from kerasdl.cli import app
from kerasdl.cli.quiet import quiet_start
from kerasdl.errors import InputError

PAGE = Path("docs/results/parity.md")


class Backend(StrEnum):
    """Backends of Keras."""

    tensorflow = "tensorflow"
    jax = "jax"
    torch = "torch"


@app.command()
def verify(
    pattern: Annotated[
        str | None, typer.Argument(help="Regular expression, e.g. 'layers.(Dense|Conv.*)'.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="Compare a .keras file of yours with its swapped twin.")
    ] = None,
    backend: Annotated[
        Backend | None, typer.Option(help="Default: KERAS_BACKEND or tensorflow.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Also write every check to this file.")] = None,
    processes: Annotated[
        int,
        typer.Option(
            min=1, help="How many run side by side.", show_default="one a core, at most 8"
        ),
    ] = min(8, os.cpu_count() or 1),
    list_only: Annotated[bool, typer.Option("--list", help="Only list the names.")] = False,
) -> None:
    """Prove our symbols equal to Keras' own, or your model to its twin built from ours."""
    # Both must be set before Keras or JAX is imported; the child processes inherit them.
    os.environ["KERAS_BACKEND"] = backend or os.environ.get("KERAS_BACKEND", Backend.tensorflow)
    os.environ["JAX_ENABLE_X64"] = "1"
    # Each would take three quarters of a GPU's memory at once, and leave too little for the others.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    if model is not None:
        _verify_model(model, json)
        return
    with quiet_start():
        from kerasdl.parity import report
        from kerasdl.parity.verify import prove_all, select

    # TensorFlow warns that functions are traced anew; to try many sizes is the point here.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    names = select(pattern)
    if list_only:
        typer.echo("\n".join(names))
        return
    console, rows = _console(), []
    with Progress(
        TextColumn("verify"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[name]}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        task = progress.add_task("verify", total=len(names), name="")
        for row in prove_all(names, processes):
            rows.append(row)
            progress.update(task, advance=1, name=row.name)
            if not row.passed:  # at once: the rest of the run may take many minutes
                progress.console.print(f"FAILED {row.name}", style="red", markup=False)
    console.print(report.table(rows))
    for line in report.failures(rows):
        console.print(line, style="red", markup=False, soft_wrap=True)
    console.print(report.summary(rows), soft_wrap=True)
    if json is not None:
        report.write_json(rows, json)
    if pattern is None and PAGE.parent.is_dir():
        report.write_page(rows, PAGE)
        console.print(f"Written: {PAGE}")
    if not all(row.passed for row in rows):
        raise typer.Exit(1)


def _verify_model(path: Path, json: Path | None) -> None:
    if not path.is_file():
        raise InputError(f"--model must name a .keras file, {path} is not there.")
    with quiet_start():
        from kerasdl.parity import report
        from kerasdl.parity.model import verify_file

    console = _console()
    twin = verify_file(path)
    console.print(twin.table())
    console.print(report.table([twin.row]))
    for line in report.failures([twin.row]):
        console.print(line, style="red", markup=False, soft_wrap=True)
    if json is not None:
        report.write_json([twin.row], json)
    if not twin.row.passed:
        raise typer.Exit(1)


def _console() -> Console:
    console = Console()
    if not console.is_terminal:  # a file or a pipe has no width of its own
        console.width = 130
    return console
