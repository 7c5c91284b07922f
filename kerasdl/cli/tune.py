"""`kerasdl tune`."""

import logging
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from kerasdl.cli import app
from kerasdl.cli.quiet import quiet_start
from kerasdl.errors import InputError


@app.command()
def tune(
    model: Annotated[str, typer.Argument(help="Network to search for: vit, cnn or mlp.")],
    dataset: Annotated[str, typer.Option(help="Data set; see `kerasdl data list`.")] = "digits",
    trials: Annotated[int, typer.Option(help="How many settings to try in all.")] = 20,
    epochs: Annotated[
        int | None, typer.Option(help="Epochs of each trial.", show_default="the recipe's")
    ] = None,
    space: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=RANGE",
            help="Range of learning_rate, width, depth, dropout, l2 (vit: weight_decay): LOW:HIGH, "
            "A,B,C or one value. Once for each.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same machine: same search.")] = 0,
    prune: Annotated[
        bool, typer.Option("--prune", help="Stop trials early that fall behind the median.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the search.", show_default="runs/tune-MODEL-…")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a search that was stopped, or add trials.")
    ] = False,
    data_dir: Annotated[Path | None, typer.Option(help="Folder of prepared data sets.")] = None,
) -> None:
    """Search for the learning rate, width, depth and regularisation that suit a data set."""
    given = {}
    for text in space or []:
        name, equals, wanted = text.partition("=")
        if not equals:
            raise InputError(f"--space must be NAME=RANGE, e.g. depth=1:3; received {text!r}.")
        given[name.strip()] = wanted.strip()
    console = Console()
    # Its warning that functions are traced often: each trial is a new network.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    with quiet_start():
        from kerasdl import training
        from kerasdl.training.search_space import space_of
        from kerasdl.training.tune import tune as search_for

    ranges = space_of(model, given)
    search = search_for(
        training.recipe(model, dataset),
        ranges,
        Path("runs") / f"tune-{model}-{dataset}" if out is None else out,
        trials=trials,
        epochs=epochs,
        seed=seed,
        prune=prune,
        resume=resume,
        data_dir=data_dir,
        say=lambda line: typer.echo(line, err=True),
    )
    _print_table(console, search, list(ranges))
    best = search.best
    if best is None:
        typer.echo("Every trial was stopped early; none can be called the best.")
        return
    typer.echo(f"table: {search.table_path}   picture: {search.picture_path}")
    typer.echo(f"Next: kerasdl train --config {search.best_path}")
    typer.echo(f"  or: kerasdl export {search.run(best['trial']).folder} served")


def _print_table(console, search, names) -> None:
    """Best first."""
    from kerasdl.training.tune import short

    title = f"{search.folder}: {len(search.rows)} trials"
    table = Table(title=title, title_justify="left", box=box.SIMPLE, padding=(0, 1, 0, 0))
    for name in ["trial", *names, "validation accuracy", "loss", "epochs"]:
        table.add_column(name.replace("_", " "), justify="right")
    best = search.best
    for row in sorted(search.rows, key=lambda r: (r["state"], -r["val_accuracy"], r["val_loss"])):
        table.add_row(
            str(row["trial"]),
            *(short(row[name]) for name in names),
            f"{row['val_accuracy']:.2%}",
            f"{row['val_loss']:.4f}",
            str(row["epochs"]) if row["state"] == "complete" else f"{row['epochs']}, stopped",
            style="bold" if row == best else None,
        )
    console.print(table)
