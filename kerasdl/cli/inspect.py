"""`kerasdl inspect`: where a trained network looks, as pictures."""

from pathlib import Path
from typing import Annotated

import typer

from kerasdl.cli import app
from kerasdl.cli.quiet import quiet_start
from kerasdl.errors import InputError


@app.command()
def inspect(
    run: Annotated[Path, typer.Argument(help="Run folder of `kerasdl train`.")],
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE...]", help="More files for --input.")
    ] = None,
    inputs: Annotated[
        list[Path] | None,
        typer.Option(
            "--input",
            metavar="FILE...",
            help="PNG or JPEG files; for a network that reads, text files, one text a line.",
        ),
    ] = None,
    texts: Annotated[
        list[str] | None, typer.Option("--text", help="A text, in place of files. Once for each.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the PNGs.", show_default="RUN/inspection")
    ] = None,
) -> None:
    """Draw where a network looks: attention, rollout, Grad-CAM, saliency, alignment.

    Of a Vision Transformer the attention of every layer and head, and the rollout over the picture;
    of it and a CNN Grad-CAM and saliency; of seq2seq which letters each phoneme looked at; of the
    captioner which pixels each word hangs on.
    """
    given = [*(inputs or []), *(files or [])]
    if bool(given) == bool(texts):
        raise InputError("Give --input with files or --text, one of the two.")
    for path in given:  # before anything is loaded
        if not path.is_file():
            raise InputError(f"No such file: {path}")
    with quiet_start():
        from kerasdl import training
        from kerasdl.export.inspect_run import inspect_run

        opened = training.Run.open(run)
        folder = opened.folder / "inspection" if out is None else out
        paths = inspect_run(opened, given, texts or [], folder)
    for path in paths:
        typer.echo(path)
