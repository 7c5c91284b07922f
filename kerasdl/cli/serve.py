"""`kerasdl serve`: put exported models behind TF Serving's REST API."""

from pathlib import Path
from typing import Annotated

import typer

from kerasdl.cli import app


@app.command()
def serve(
    model_dir: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Folder laid out as <name>/<version>/saved_model.pb."),
    ],
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8501,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    poll_seconds: Annotated[
        float, typer.Option(help="Seconds between two looks for new versions.")
    ] = 2.0,
) -> None:
    """Serve the models below DIR over HTTP, as TF Serving does, until Ctrl-C.

    The highest version of a model answers by default; each is addressed by /versions/N. Versions
    that are added while the server runs are picked up.
    """
    from kerasdl import server

    try:
        server.serve(model_dir, host, port, poll_seconds=poll_seconds)
    except KeyboardInterrupt:  # while the models were still being loaded
        raise typer.Exit(130) from None
