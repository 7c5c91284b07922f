"""`kerasdl status`: which models and versions a server has, and in which state they are."""

import json
from typing import Annotated, Any

import typer

from kerasdl.cli import app
from kerasdl.errors import InputError

_COLORS = {"AVAILABLE": "green", "LOADING": "yellow", "UNLOADING": "yellow", "END": "red"}


@app.command()
def status(
    url: Annotated[str, typer.Argument(help="Where the server is.")] = "http://127.0.0.1:8501",
    models: Annotated[
        list[str] | None,
        typer.Option("--model", help="Model to look at; all without. Once for each."),
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for an answer.")] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
) -> None:
    """Show models, versions and their state.

    The embedded server lists its models; TF Serving does not, so name them there with --model. Exit
    status 1 when the server is down, or a model is unknown or has no version that answers.
    """
    from kerasdl.client import Client, ConnectionFailed, NotFound, ServerError

    found: dict[str, list[dict[str, Any]]] = {}
    failed = False
    with Client(url, timeout) as client:
        try:
            names = models or client.models()
        except NotFound:
            raise InputError(f"{url} does not list its models; name them with --model.") from None
        except (ConnectionFailed, ServerError) as error:
            typer.echo(f"kerasdl: error: {error}", err=True)
            raise typer.Exit(1) from None
        for name in dict.fromkeys(names):
            try:
                found[name] = client.status(name)
            except (ConnectionFailed, ServerError) as error:
                typer.echo(f"kerasdl: error: {name}: {error}", err=True)
                failed = True
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
    elif found:
        _print_table(found)
    answering = [any(v["state"] == "AVAILABLE" for v in versions) for versions in found.values()]
    if failed or not all(answering):
        raise typer.Exit(1)


def _print_table(found: dict[str, list[dict[str, Any]]]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("model")
    table.add_column("version", justify="right")
    table.add_column("state")
    table.add_column("reason")
    for name, versions in found.items():
        for version in versions:
            state = version["state"]
            problem = version.get("status", {})
            reason = (problem.get("error_message") or "").split("\n")[0]
            color = _COLORS.get(state, "default")
            # A version that was taken away ends, too, but not in an error.
            if state == "END" and not reason:
                color = "dim"
            table.add_row(
                escape(name),
                str(version["version"]),
                f"[{color}]{escape(state)}[/]",
                escape(reason),
            )
    Console().print(table)
