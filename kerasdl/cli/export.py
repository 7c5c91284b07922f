"""`kerasdl export`."""

from pathlib import Path
from typing import Annotated

import typer

from kerasdl.cli import app
from kerasdl.cli.quiet import quiet_start


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="Run folder of `kerasdl train`.")],
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder to serve: DIR/<name>/<version>/.")
    ],
    name: Annotated[
        str | None, typer.Option(help="Name in URLs.", show_default="MODEL_DATASET")
    ] = None,
    version: Annotated[
        int | None, typer.Option(help="Version number.", show_default="the next free one")
    ] = None,
) -> None:
    """Export a trained run as a SavedModel with preprocessing and labels inside."""
    with quiet_start():
        import kerasdl.layers  # noqa: F401 - registers what the file holds
        from kerasdl.export import export as export_run

    path = export_run(run, directory, name, version)
    typer.echo(f"Exported {path}")
    typer.echo(f"Next: kerasdl serve {directory}")
