"""`kerasdl query`: ask a model server what is on some images."""

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from kerasdl.cli import app
from kerasdl.errors import InputError


@app.command()
def query(
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", help="PNG or JPEG files to send.")
    ],
    model: Annotated[str, typer.Option(help="Name of the model to ask.")],
    url: Annotated[str, typer.Option(help="Where the server is.")] = "http://127.0.0.1:8501",
    version: Annotated[
        int | None, typer.Option(min=0, help="Version to ask; the newest without.")
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for an answer.")] = 30.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
) -> None:
    """Send images to a model server and print label, probability and latency of each.

    Works with the embedded server and with TF Serving. Exit status 1 when the server is down,
    refuses an image or does not know the model; 2 when the command itself is at fault.
    """
    from kerasdl.client import Client, ConnectionFailed, ServerError

    for image in images:  # before anything is sent
        if not image.is_file():
            raise InputError(f"No such image: {image}")
    rows, failed = [], False
    with Client(url, timeout) as client:
        for image in images:
            started = time.perf_counter()
            try:
                (prediction,) = client.predict_images(model, image, version=version)
            except ConnectionFailed as error:
                _complain(error)
                raise typer.Exit(1) from None
            except ServerError as error:
                _complain(f"{image}: {error}")
                failed = True
                if error.status == 404:  # of the model, so of all the other images too
                    break
                continue
            milliseconds = 1000 * (time.perf_counter() - started)
            rows.append((str(image), prediction, milliseconds))
    if as_json:
        _print_json(rows)
    elif rows:
        _print_table(rows)
    if failed:
        raise typer.Exit(1)


def _complain(problem: object) -> None:
    typer.echo(f"kerasdl: error: {problem}", err=True)


def _print_json(rows: list[tuple[str, Any, float]]) -> None:
    answers = [
        {"image": image, "prediction": prediction, "latency_ms": round(milliseconds, 3)}
        for image, prediction, milliseconds in rows
    ]
    typer.echo(json.dumps(answers, indent=2, ensure_ascii=False, default=_bytes_as_base64))


def _bytes_as_base64(value: bytes) -> dict:
    from kerasdl.client import to_json

    return to_json(value)


def _print_table(rows: list[tuple[str, Any, float]]) -> None:
    from rich.console import Console
    from rich.table import Table

    labelled = all(
        isinstance(prediction, dict) and {"label", "probability"} <= prediction.keys()
        for _, prediction, _ in rows
    )
    table = Table("image")
    if labelled:
        table.add_column("label")
        table.add_column("probability", justify="right")
    else:  # a model with other outputs: what it says, as it says it
        table.add_column("prediction")
    table.add_column("latency", justify="right")
    for image, prediction, milliseconds in rows:
        if labelled:
            cells = [str(prediction["label"]), f"{prediction['probability']:.3f}"]
        else:
            cells = [json.dumps(prediction, ensure_ascii=False, default=_bytes_as_base64)]
        table.add_row(image, *cells, f"{milliseconds:.1f} ms")
    Console().print(table)
