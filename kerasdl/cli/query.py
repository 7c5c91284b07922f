"""`kerasdl query`: ask a model server what is on some images, or what some texts are."""

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from kerasdl.cli import app
from kerasdl.errors import InputError


@app.command()
def query(
    model: Annotated[str, typer.Option(help="Name of the model to ask.")],
    images: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[IMAGE...]", help="PNG or JPEG files to send.", show_default=False),
    ] = None,
    texts: Annotated[
        list[str] | None,
        typer.Option("--text", help="Text to send, in place of images. Once for each."),
    ] = None,
    url: Annotated[str, typer.Option(help="Where the server is.")] = "http://127.0.0.1:8501",
    version: Annotated[
        int | None, typer.Option(min=0, help="Version to ask; the newest without.")
    ] = None,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Ask also where the model looked: attention, saliency …"),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="With --explain: folder for pictures of what it says.")
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for an answer.")] = 30.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
) -> None:
    """Send images or texts to a model server and print label, probability and latency of each.

    Works with the embedded server and with TF Serving. Exit status 1 when the server is down,
    refuses one of them or does not know the model; 2 when the command itself is at fault. With
    --explain, --json prints the numbers and --out draws them.
    """
    from kerasdl.client import Client, ConnectionFailed, ServerError

    if bool(images) == bool(texts):
        raise InputError("Give images or --text, one of the two.")
    if out is not None and not (explain and images):
        raise InputError("`--out` is for images with --explain.")
    how = {"version": version, "signature_name": "explain" if explain else None}
    for image in images or []:  # before anything is sent
        if not image.is_file():
            raise InputError(f"No such image: {image}")
    rows, failed = [], False
    with Client(url, timeout) as client:
        for item in images or texts:
            started = time.perf_counter()
            try:
                if images:
                    (prediction,) = client.predict_images(model, item, **how)
                else:
                    (prediction,) = client.predict(model, [item], **how)
            except ConnectionFailed as error:
                _complain(error)
                raise typer.Exit(1) from None
            except ServerError as error:
                reason = error.message.splitlines()[0]  # the rest names nodes of the graph
                _complain(f"{item}: {reason} (HTTP status {error.status})")
                if error.hint:
                    typer.echo(error.hint, err=True)
                failed = True
                if error.status == 404:  # of the model, so of all the others too
                    break
                continue
            milliseconds = 1000 * (time.perf_counter() - started)
            rows.append((str(item), prediction, milliseconds))
    if as_json:
        _print_json(rows, "image" if images else "text")
    elif rows:
        _print_table(rows, "image" if images else "text")
    if out is not None and rows:
        _draw(out, rows)
    if failed:
        raise typer.Exit(1)


def _draw(folder: Path, rows: list[tuple[str, Any, float]]) -> None:
    from kerasdl.cli.quiet import quiet_start

    with quiet_start():
        from kerasdl.inspection.answers import draw_answers

    names, answers = [item for item, *_ in rows], [prediction for _, prediction, _ in rows]
    for path in draw_answers(folder, names, answers):
        typer.echo(path, err=True)


def _complain(problem: object) -> None:
    typer.echo(f"kerasdl: error: {problem}", err=True)


def _print_json(rows: list[tuple[str, Any, float]], what: str) -> None:
    answers = [
        {what: item, "prediction": prediction, "latency_ms": round(milliseconds, 3)}
        for item, prediction, milliseconds in rows
    ]
    typer.echo(_json(answers, indent=2))


def _json(value: Any, **options) -> str:
    from kerasdl.client import to_json

    text = json.dumps(value, ensure_ascii=False, default=to_json, **options)
    # A model may give bytes that are not UTF-8 as text; no terminal takes these.
    return text.encode("utf-8", "replace").decode()


def _is_labelled(prediction: Any) -> bool:
    return (
        isinstance(prediction, dict)
        and "label" in prediction
        and isinstance(prediction.get("probability"), (int, float))
    )


def _in_words(prediction: Any) -> str:
    """Return what a reader wants of an answer: tagged words, what was written, else all of it."""
    if isinstance(prediction, dict):
        if {"words", "tags"} <= prediction.keys():
            pairs = zip(prediction["words"], prediction["tags"], strict=False)
            return " ".join(f"{word}/{tag}" for word, tag in pairs if word)
        if {"labels", "scores", "boxes"} <= prediction.keys():
            found = zip(prediction["labels"], prediction["scores"], strict=False)
            return ", ".join(f"{label} {score:.2f}" for label, score in found if label) or "nothing"
        if {"labels", "shares"} <= prediction.keys():
            seen = zip(prediction["labels"], prediction["shares"], strict=False)
            return ", ".join(f"{label} {share:.0%}" for label, share in seen if share >= 0.005)
        if {"neighbours", "similarities"} <= prediction.keys():
            return ", ".join(prediction["neighbours"])
        if {"continuation", "text"} <= prediction.keys():
            return prediction["text"]
        for written in ("phonemes", "caption"):
            if isinstance(prediction.get(written), str):
                return prediction[written]
            if isinstance(prediction.get(written), list):  # one by one, "" behind the last
                return " ".join(filter(None, prediction[written]))
    return _json(prediction)


def _print_table(rows: list[tuple[str, Any, float]], what: str) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    labelled = all(_is_labelled(prediction) for _, prediction, _ in rows)
    table = Table(what)
    if labelled:
        table.add_column("label")
        table.add_column("probability", justify="right")
    else:  # a model with other outputs: what it says, as it says it
        table.add_column("prediction")
    table.add_column("latency", justify="right")
    for item, prediction, milliseconds in rows:
        if labelled:
            cells = [str(prediction["label"]), f"{prediction['probability']:.3f}"]
        else:
            cells = [_in_words(prediction)]
        cells = [escape(cell) for cell in (item, *cells)]  # brackets are no mark-up here
        table.add_row(*cells, f"{milliseconds:.1f} ms")
    Console().print(table)
