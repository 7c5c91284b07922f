"""The run folder: where everything about one training run lies."""

import csv
import io
import json
import os
import shutil
from pathlib import Path

import numpy as np

from kerasdl.errors import InputError
from kerasdl.files import write_text, written_whole
from kerasdl.training.config import TrainConfig


class Run:
    """The files of one training run, each written whole or not at all.

    ```
    RUN/
      config.json            every setting that decides the outcome
      environment.json       backend, versions, machine
      metrics.csv            one row per epoch
      logs/                  TensorBoard
      checkpoint.npz         the last finished epoch, until the run is complete
      model.keras            the best weights
      results.json           test accuracy, best epoch; present once the run is complete
      learning_curve.png
      confusion_matrix.png   where classes are told apart
      samples.png            where sequences are written
      samples.txt            where text is continued, or words have neighbours
      attention.png          of a Transformer: every head of every layer
    ```

    Args:
        folder: The folder; it need not exist.
    """

    def __init__(self, folder: str | os.PathLike):
        self.folder = Path(folder)
        self.config_path = self.folder / "config.json"
        self.environment_path = self.folder / "environment.json"
        self.metrics_path = self.folder / "metrics.csv"
        self.logs_path = self.folder / "logs"
        self.checkpoint_path = self.folder / "checkpoint.npz"
        self.model_path = self.folder / "model.keras"
        self.results_path = self.folder / "results.json"
        self.learning_curve_path = self.folder / "learning_curve.png"
        self.confusion_matrix_path = self.folder / "confusion_matrix.png"
        self.samples_path = self.folder / "samples.png"
        self.samples_text_path = self.folder / "samples.txt"
        self.attention_path = self.folder / "attention.png"

    @classmethod
    def open(cls, folder: str | os.PathLike) -> "Run":
        """Return a complete run.

        Raises:
            InputError: If the folder holds no run, or an unfinished one.
        """
        run = cls(folder)
        if not run.config_path.is_file():
            raise InputError(
                f"{str(run.folder)!r} is no run folder: it has no config.json. "
                "`kerasdl train` makes one."
            )
        if not run.complete:
            raise InputError(
                f"The run in {str(run.folder)!r} is not finished. Go on with the same `kerasdl "
                f"train` command and --resume."
            )
        return run

    @property
    def complete(self) -> bool:
        """Whether training and evaluation came to their end."""
        return self.results_path.is_file() and self.model_path.is_file()

    @property
    def config(self) -> TrainConfig:
        """The settings of the run."""
        return TrainConfig.load(self.config_path)

    @property
    def results(self) -> dict:
        """Test accuracy and what else was measured at the end."""
        return json.loads(self.results_path.read_text())

    def begin(self, config: TrainConfig, environment: dict, resume: bool, overwrite: bool) -> None:
        """Make the folder, or take up an existing one.

        Raises:
            InputError: If the folder is in use and neither `resume` nor `overwrite` is set, if it
                holds something that is no run, or if a resumed run had other settings.
        """
        holds_run = self.config_path.is_file()
        if self.folder.exists() and not self.folder.is_dir():
            raise InputError(f"The run folder {str(self.folder)!r} is a file.")
        if not holds_run and self.folder.is_dir() and _visible(self.folder):
            raise InputError(
                f"{str(self.folder)!r} exists and is no run folder; nothing was changed. Choose "
                "another --out."
            )
        if holds_run and resume:
            differences = self.config.differences(config)
            if differences:
                raise InputError(
                    f"The run in {str(self.folder)!r} has other settings: "
                    + "; ".join(differences)
                    + ". Resume it with the same settings, or choose another --out."
                )
            return
        if holds_run and not overwrite:
            state = "a finished run" if self.complete else "an unfinished run"
            raise InputError(
                f"{str(self.folder)!r} holds {state}. Use --resume to go on with it, --overwrite "
                "to start again, or choose another --out."
            )
        if holds_run:
            self._clear()
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self.environment_path, json.dumps(environment, indent=2) + "\n")
        write_text(self.config_path, config.to_json())  # last: it marks a run folder

    def _clear(self) -> None:
        self.config_path.unlink()  # first: from here on it is no run
        for path in vars(self).values():
            if path != self.folder:
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def save_checkpoint(self, state: dict[str, np.ndarray]) -> None:
        """Replace the checkpoint by a new one."""
        with written_whole(self.checkpoint_path) as part:
            np.savez(part, **state)

    def load_checkpoint(self) -> dict[str, np.ndarray] | None:
        """Return the last checkpoint, or `None` if no epoch was finished."""
        if not self.checkpoint_path.is_file():
            return None
        with np.load(self.checkpoint_path) as state:
            return dict(state)

    def write_metrics(self, rows: list[dict]) -> None:
        """Write one row per epoch."""
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(self.metrics_path, text.getvalue())

    def read_metrics(self) -> list[dict]:
        """Return the rows that `write_metrics` wrote."""
        with open(self.metrics_path, newline="") as file:
            return [
                {key: float(value) for key, value in row.items()} for row in csv.DictReader(file)
            ]

    def finish(self, results: dict) -> None:
        """Write the results and drop the checkpoint: the run is complete."""
        write_text(self.results_path, json.dumps(results, indent=2) + "\n")
        self.checkpoint_path.unlink(missing_ok=True)


def _visible(folder: Path) -> bool:
    return any(not entry.name.startswith(".") for entry in folder.iterdir())
