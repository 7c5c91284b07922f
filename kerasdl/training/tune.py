"""Search for good settings: trial after trial in a folder, stopped and resumed at any moment."""

import contextlib
import csv
import dataclasses
import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from kerasdl.errors import InputError
from kerasdl.files import write_text
from kerasdl.training.config import TrainConfig
from kerasdl.training.run import Run
from kerasdl.training.search_space import Range, with_values
from kerasdl.training.train import build, train

STARTUP_TRIALS = 8  # drawn at random, before the model of the search has anything to go by


class Search:
    """The files of one search.

    ```
    SEARCH/
      search.json       what is searched: settings, ranges, seed
      study.db          Optuna's storage (SQLite): every trial and its state
      trials/001/ …     a run folder for each trial
      trials.csv        the table
      best.toml         the best settings, for `kerasdl train --config`
      search.png        history, importances, accuracy over each setting
    ```

    Args:
        folder: The folder; it need not exist.
    """

    def __init__(self, folder: str | os.PathLike):
        self.folder = Path(folder)
        self.settings_path = self.folder / "search.json"
        self.study_path = self.folder / "study.db"
        self.trials_path = self.folder / "trials"
        self.table_path = self.folder / "trials.csv"
        self.best_path = self.folder / "best.toml"
        self.picture_path = self.folder / "search.png"

    @property
    def rows(self) -> list[dict]:
        """The finished trials, first to last: number, state, accuracy, settings."""
        if not self.table_path.is_file():
            return []
        with open(self.table_path, newline="") as file:
            return [{k: _read(v) for k, v in row.items()} for row in csv.DictReader(file)]

    @property
    def best(self) -> dict | None:
        """The row with the best validation accuracy; of equal ones that with the lower loss."""
        complete = [row for row in self.rows if row["state"] == "complete"]
        return max(complete, key=lambda r: (r["val_accuracy"], -r["val_loss"]), default=None)

    def run(self, trial: int) -> Run:
        """Return the run of a trial."""
        return Run(self.trials_path / f"{trial:03d}")


def tune(
    settings: dict,
    space: dict[str, Range],
    folder: str | os.PathLike,
    *,
    trials: int = 20,
    epochs: int | None = None,
    seed: int = 0,
    prune: bool = False,
    resume: bool = False,
    data_dir: str | os.PathLike | None = None,
    say: Callable[[str], None] = lambda line: None,
    callbacks: list[keras.callbacks.Callback] | None = None,
) -> Search:
    """Search for the settings with the best validation accuracy.

    The first trials are drawn at random, the later ones by a tree-structured Parzen estimator:
    where good trials were dense and bad ones were not. The test split is never looked at.

    Args:
        settings: Arguments of `TrainConfig`, as `recipe` returns them; what is not searched stays.
        space: Ranges by name, see `search_space.space_of`.
        folder: The folder of the search.
        trials: How many trials there are to be in the end, those of an earlier call included.
        epochs: Of each trial; default the recipe's.
        seed: Of the search. Each trial is trained with the recipe's own seed.
        prune: Whether a trial that is worse than the median of the others is stopped early.
        resume: Go on with the search in `folder`; the trial that was broken off goes on with its
            next epoch.
        data_dir: Folder of prepared data sets.
        say: Called with a line for each trial.
        callbacks: Further callbacks of each training.

    Returns:
        The search.

    Raises:
        InputError: If an argument cannot be used; nothing is changed then.

    Source:
        Bergstra et al., 2011, Algorithms for Hyper-Parameter Optimization, section 4. Akiba et al.,
        2019, Optuna.

    Differences between searches: none for the same arguments, machine and versions; a search that
    was killed and resumed ends with the same table as an unbroken one.
    """
    optuna = _optuna()
    if isinstance(trials, bool) or not isinstance(trials, int) or trials < 1:
        raise InputError(f"`trials` must be an integer of at least 1, received {trials!r}.")
    search = Search(folder)
    tried = settings | ({} if epochs is None else {"epochs": epochs})
    for name in ("low", "high"):  # both corners can be trained, or nothing begins
        corner = {key: getattr(value, name) for key, value in space.items()}
        build(TrainConfig.of(with_values(tried, corner)))
    _begin(search, tried, space, seed, prune, resume)
    with _alone(search):
        study = optuna.create_study(
            storage=f"sqlite:///{search.study_path}",
            study_name="search",
            direction="maximize",
            load_if_exists=True,
            pruner=optuna.pruners.MedianPruner(n_warmup_steps=1) if prune else None,
        )
        state = optuna.trial.TrialState
        for broken in study.get_trials(states=[state.RUNNING]):
            study.tell(broken.number, state=state.FAIL)  # asked again below, with the same answer
        write_table(search, study, space)
        while (number := len(search.rows) + 1) <= trials:
            # A sampler for each trial: its draws hang on the number alone, not on the process.
            draws = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
            study.sampler = optuna.samplers.TPESampler(seed=draws, n_startup_trials=STARTUP_TRIALS)
            trial = study.ask()
            values = {name: wanted.suggest(trial, name) for name, wanted in space.items()}
            say(f"trial {number} of {trials}: {describe(values)}")
            config = TrainConfig.of(with_values(tried, values))
            _run_trial(optuna, study, trial, config, search.run(number), prune, data_dir, callbacks)
            write_table(search, study, space)
            _write_best(search, settings, space)
        _draw(optuna, study, search, space)
    return search


def describe(values: dict) -> str:
    """Return settings in one line.

    Example:
        >>> describe({"learning_rate": 0.00123456, "width": 32})
        'learning rate 0.00123, width 32'
    """
    return ", ".join(f"{name.replace('_', ' ')} {short(value)}" for name, value in values.items())


def short(value: float) -> str:
    """Return a setting's value to three digits; integers whole."""
    return str(value) if isinstance(value, int) else f"{value:.3g}"


def _optuna():
    try:
        import optuna
    except ModuleNotFoundError as error:
        raise InputError(
            f"The search needs the Python package {error.name!r}, which is not installed. Install "
            "the extra `tune`: pip install 'kerasdl[tune]'."
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _begin(search, settings, space, seed, prune, resume):
    """Make the folder, or take up an existing one."""
    described = {
        "settings": dataclasses.asdict(TrainConfig.of(settings)),
        "space": {name: dataclasses.asdict(wanted) for name, wanted in space.items()},
        "seed": seed,
        "prune": prune,
    }
    text = json.dumps(described, indent=2) + "\n"
    if search.settings_path.is_file():
        if not resume:
            raise InputError(
                f"{str(search.folder)!r} holds a search. Use --resume to go on with it, or choose "
                "another --out."
            )
        if search.settings_path.read_text() != text:
            before = json.loads(search.settings_path.read_text())
            differing = [k for k in described if json.loads(text)[k] != before.get(k)]
            raise InputError(
                f"The search in {str(search.folder)!r} has other {' and '.join(differing)}. Resume "
                "it with the same options (--trials may grow), or choose another --out."
            )
        return
    if search.folder.exists() and (not search.folder.is_dir() or any(search.folder.iterdir())):
        raise InputError(
            f"{str(search.folder)!r} exists and is no search; nothing was changed. Choose another "
            "--out."
        )
    search.folder.mkdir(parents=True, exist_ok=True)
    write_text(search.settings_path, text)


@contextlib.contextmanager
def _alone(search):
    """Keep a second process out."""
    import filelock

    lock = filelock.FileLock(search.folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise InputError(f"Another process is searching in {str(search.folder)!r}.") from error
    try:
        yield
    finally:
        lock.release()


class _Report(keras.callbacks.Callback):
    """Tell the study how each epoch went; leave the training if the trial is not worth it."""

    def __init__(self, optuna, trial, done: list[dict], prune: bool):
        super().__init__()
        self.optuna, self.trial, self.prune = optuna, trial, prune
        for row in done:  # the epochs before a break
            trial.report(row["val_accuracy"], int(row["epoch"]))

    def on_epoch_end(self, epoch, logs=None):
        self.trial.report(logs["val_accuracy"], epoch + 1)
        if self.prune and self.trial.should_prune():
            raise self.optuna.TrialPruned


def _run_trial(optuna, study, trial, config, run, prune, data_dir, callbacks):
    states = optuna.trial.TrialState
    done = run.read_metrics() if run.config_path.is_file() and run.metrics_path.is_file() else []
    started_alike = run.config_path.is_file() and run.config == config
    report = _Report(optuna, trial, done if started_alike else [], prune)
    try:
        train(
            config,
            run.folder,
            resume=started_alike,
            overwrite=not started_alike,  # another version of Optuna draws other values
            data_dir=data_dir,
            callbacks=[report, *(callbacks or [])],
        )
    except optuna.TrialPruned:
        run.checkpoint_path.unlink(missing_ok=True)
        rows = run.read_metrics()
        state = states.PRUNED
    else:
        rows = run.read_metrics()
        state = states.COMPLETE
    best = max(rows, key=lambda row: (row["val_accuracy"], row["epoch"]))  # the epoch that is kept
    trial.set_user_attr("val_accuracy", best["val_accuracy"])
    trial.set_user_attr("val_loss", best["val_loss"])
    trial.set_user_attr("epochs", len(rows))
    if state == states.COMPLETE:
        trial.set_user_attr("parameters", run.results["parameters"])
        trial.set_user_attr("seconds", run.results["seconds"])
        study.tell(trial, best["val_accuracy"])
    else:
        study.tell(trial, state=state)


def write_table(search: Search, study, space: dict[str, Range]) -> None:
    """Write a row for each finished trial, in the order in which they were made."""
    finished = [t for t in study.get_trials() if t.state.name in ("COMPLETE", "PRUNED")]
    measured = ("val_accuracy", "val_loss", "epochs", "parameters", "seconds")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", "state", *space, *measured])
    for number, trial in enumerate(finished, start=1):
        values = [trial.params[name] for name in space]
        results = [trial.user_attrs.get(name, "") for name in measured]
        writer.writerow([number, trial.state.name.lower(), *values, *results])
    write_text(search.table_path, text.getvalue())


def _write_best(search, settings, space):
    best = search.best
    if best is None:
        return
    config = TrainConfig.of(with_values(settings, {name: best[name] for name in space}))
    write_text(
        search.best_path,
        f"# Trial {best['trial']} of {search.folder.name}: {best['val_accuracy']:.2%} of the "
        f"validation split\n# after {best['epochs']} epochs.\n" + config.to_toml(),
    )


def _draw(optuna, study, search, space):
    from kerasdl.training.search_plots import save_search

    varied = [name for name, wanted in space.items() if wanted.low < wanted.high]
    accuracies = {row["val_accuracy"] for row in search.rows if row["state"] == "complete"}
    importances = {}
    if len(accuracies) >= 4 and varied:
        importances = optuna.importance.get_param_importances(study, params=varied)
    logarithmic = {name for name in varied if space[name].log}
    save_search(search.picture_path, search.rows, varied, logarithmic, importances)


def _read(text: str):
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text
