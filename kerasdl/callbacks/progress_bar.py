"""How far training has come."""

import sys

import keras
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class ProgressBar(keras.callbacks.Callback):
    """Show epoch, loss, accuracy and the time left for the whole training.

    On a terminal one bar moves over all epochs; elsewhere (a log file, a notebook run headless)
    each epoch prints one line.

    Args:
        epochs: Total number of epochs.
        start_epoch: Epochs that are already done.
        stream: Where to print; default standard error, so that standard output stays clean.
    """

    def __init__(self, epochs, start_epoch=0, stream=None):
        super().__init__()
        self.epochs = epochs
        self.start_epoch = start_epoch
        self.console = Console(file=stream or sys.stderr)
        self.progress = None

    def on_train_begin(self, logs=None):
        """Start the bar."""
        self.steps = self.params["steps"]
        self.done = self.start_epoch * self.steps
        if not self.console.is_terminal:
            return
        self.progress = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[metrics]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self.console,
        )
        self.task = self.progress.add_task(
            "train", total=self.epochs * self.steps, completed=self.done, epoch="", metrics=""
        )
        self.progress.start()

    def on_epoch_begin(self, epoch, logs=None):
        """Remember which epoch it is."""
        self.epoch = f"{epoch + 1}/{self.epochs}"

    def on_train_batch_end(self, batch, logs=None):
        """Move the bar."""
        self.done += 1
        if self.progress:
            self.progress.update(
                self.task, completed=self.done, epoch=self.epoch, metrics=_summary(logs)
            )

    def on_epoch_end(self, epoch, logs=None):
        """Show the validation as well."""
        if self.progress:
            self.progress.update(self.task, metrics=_summary(logs))
        else:
            self.console.print(f"epoch {self.epoch}  {_summary(logs)}", soft_wrap=True)

    def on_train_end(self, logs=None):
        """Leave the bar as it is."""
        if self.progress:
            self.progress.stop()


def _summary(logs) -> str:
    names = {
        "loss": "loss",
        "accuracy": "accuracy",
        "val_loss": "val loss",
        "val_accuracy": "val accuracy",
    }
    logs = logs or {}
    return "  ".join(
        f"{label} {float(logs[key]):.4f}" for key, label in names.items() if key in logs
    )
