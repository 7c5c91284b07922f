"""A shipped recipe from our layers, optimiser, loss and regulariser against Keras' built-ins.

    make cnn-parity                                        # three seeds each, the full recipe
    python benchmarks/cnn_parity.py --dataset digits --epochs 2 --seeds 1    # a quick look
    python benchmarks/cnn_parity.py --model tagger         # or rnn, seq2seq, captioner

Both start from the same weights, see the same examples in the same order, and keep the epoch with
the best validation accuracy. Runs alternate, so that a busy machine slows both.
"""

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from rich.console import Console
from rich.table import Table

import kerasdl
from kerasdl import training
from kerasdl.callbacks import BestWeights, ProgressBar
from kerasdl.files import write_text
from kerasdl.training.environment import environment
from kerasdl.training.examples import batches, compiled_by_length, in_order
from kerasdl.training.tasks import task_of
from kerasdl.training.train import build, compile_model, fresh_session

DATASETS = {
    "rnn": "spam_assassin",
    "tagger": "brown",
    "seq2seq": "cmudict",
    "captioner": "scenes",
}
SHARES = ("accuracy", "error")
LARGEST_DIFFERENCE = 0.005  # of the mean accuracies
RESULTS = Path(__file__).parent / "results"


def train_once(config, kind, splits, task):
    """Return accuracy, loss and seconds of one training."""
    fresh_session(config.seed)
    ours = build(config, task.data_dir)
    # The built-ins' network starts from the weights that ours would start from.
    model = ours.from_builtins() if kind == "built-in" else ours
    library = keras if kind == "built-in" else kerasdl
    steps = compile_model(model, config, splits["train"], library)
    started = time.perf_counter()
    with compiled_by_length(splits["train"]):
        history = model.fit(
            batches(config, splits["train"]),
            epochs=config.epochs,
            steps_per_epoch=steps,
            validation_data=in_order(splits["validation"]),
            callbacks=[ProgressBar(config.epochs), BestWeights("val_accuracy")],
            shuffle=False,
            verbose=0,
        )
    seconds = time.perf_counter() - started
    ours.set_weights(model.get_weights())  # so that both write and are judged in the same way
    measured = task.measure(ours)
    return {
        "kind": kind,
        "seed": config.seed,
        **{f"test_{name}": value for name, value in measured.results.items()},
        "val_accuracy": max(history.history["val_accuracy"]),
        "seconds": round(seconds, 1),
    }


def summary(runs):
    """Return mean accuracy and seconds of each kind, and whether they agree."""
    means = {"of": {}}
    for kind in ("ours", "built-in"):
        of_kind = [run for run in runs if run["kind"] == kind]
        if of_kind:
            means["of"][kind] = {
                "test_accuracy": statistics.mean(run["test_accuracy"] for run in of_kind),
                "seconds": statistics.mean(run["seconds"] for run in of_kind),
            }
    if len(means["of"]) == 2:
        ours, theirs = (means["of"][kind]["test_accuracy"] for kind in ("ours", "built-in"))
        difference = ours - theirs
        means["difference"] = difference
        means["agree"] = abs(difference) <= LARGEST_DIFFERENCE
    return means


def show(runs, means, title):
    shares = [name for name in runs[0] if name.startswith("test_") and name.endswith(SHARES)]
    table = Table(title=title, title_justify="left")
    for name in ("made of", "seed", *shares, "test_loss", "seconds"):
        justify = "left" if name == "made of" else "right"
        table.add_column(name.replace("_", " "), justify=justify)
    for run in sorted(runs, key=lambda run: (run["kind"] != "ours", run["seed"])):
        table.add_row(
            run["kind"],
            str(run["seed"]),
            *(f"{run[name]:.2%}" for name in shares),
            f"{run['test_loss']:.4f}",
            f"{run['seconds']:.0f}",
        )
    table.add_section()
    for kind in means["of"]:
        of_kind = [run for run in runs if run["kind"] == kind]
        average = [f"{statistics.mean(run[name] for run in of_kind):.2%}" for name in shares]
        seconds = f"{means['of'][kind]['seconds']:.0f}"
        table.add_row(kind, "mean", *average, "", seconds, style="bold")
    Console().print(table)
    ratio = means["of"]["built-in"]["seconds"] / means["of"]["ours"]["seconds"]
    print(
        f"ours − built-in: {100 * means['difference']:+.2f} points (at most "
        f"{100 * LARGEST_DIFFERENCE} asked), time of the built-ins / ours: {ratio:.2f}"
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--model", default="cnn", choices=["cnn", "mlp", "rnn", "tagger", "seq2seq", "captioner"]
    )
    parser.add_argument("--dataset", help="default: the network's own")
    parser.add_argument("--epochs", type=int, help="default: the recipe's")
    parser.add_argument("--seeds", type=int, default=3, help="how many; default 3")
    parser.add_argument("--data-dir", help="folder of prepared data sets")
    parser.add_argument(
        "--out", type=Path, help="JSON to write; default: results/MODEL_parity.json"
    )
    options = parser.parse_args()

    if options.dataset is None:
        options.dataset = DATASETS.get(options.model, "fashion_mnist")
    if options.out is None:
        options.out = RESULTS / f"{options.model}_parity.json"
    settings = training.recipe(options.model, options.dataset)
    if options.epochs is not None:
        settings["epochs"] = options.epochs
    task = task_of(training.TrainConfig(**settings), options.data_dir)
    untrained = task.build()
    splits = {split: task.examples(untrained, split) for split in ("train", "validation")}
    runs = []
    for seed in range(options.seeds):
        config = training.TrainConfig(**settings | {"seed": seed})
        kinds = ("ours", "built-in") if seed % 2 == 0 else ("built-in", "ours")
        for kind in kinds:
            print(f"{kind}, seed {seed}", file=sys.stderr)
            runs.append(train_once(config, kind, splits, task))
            write_text(  # after each run: what is measured is kept
                options.out,
                json.dumps(
                    {
                        "settings": settings,
                        "environment": environment(),
                        "runs": runs,
                        "summary": summary(runs),
                    },
                    indent=2,
                )
                + "\n",
            )
    means = summary(runs)
    title = f"{options.model} on {options.dataset}, {config.epochs} epochs"
    show(runs, means, title)
    print(f"written: {options.out}")
    return 0 if means["agree"] else 1


if __name__ == "__main__":
    sys.exit(main())
