"""Run folders: what they hold, repeatability, and going on after a kill at any moment."""

import json
import os
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from kerasdl import datasets, training
from kerasdl.errors import InputError

EPOCHS = 4


def small(**changes):
    """Two layers, dropout and augmentation on, since their random states must survive too."""
    settings = training.recipe("vit", "digits") | dict(
        epochs=EPOCHS, batch_size=128, max_shift=1, seed=3
    )
    settings["model_arguments"] = dict(
        patch_size=4, num_layers=2, num_heads=2, hidden_dim=16, dropout=0.1
    )
    return training.TrainConfig(**settings | changes)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    datasets.prepare("digits", folder)
    return folder


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory, data_dir):
    return training.train(small(), tmp_path_factory.mktemp("runs") / "unbroken", data_dir=data_dir)


def weights(run):
    return keras.saving.load_model(run.model_path).get_weights()


def assert_same(run, other):
    assert run.metrics_path.read_text() == other.metrics_path.read_text()
    for a, b in zip(weights(run), weights(other), strict=True):
        assert np.array_equal(a, b)
    assert run.results["test_accuracy"] == other.results["test_accuracy"]


def test_the_folder_holds_everything(unbroken):
    names = {path.name for path in unbroken.folder.iterdir()}
    assert names == {
        "config.json",
        "environment.json",
        "metrics.csv",
        "logs",
        "model.keras",
        "results.json",
        "learning_curve.png",
        "confusion_matrix.png",
    }
    environment = json.loads(unbroken.environment_path.read_text())
    assert environment["backend"] == keras.backend.backend()
    assert environment["versions"]["keras"] == keras.__version__
    rows = unbroken.read_metrics()
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert set(rows[0]) >= {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert list(unbroken.logs_path.rglob("events.out.tfevents*"))


def test_the_best_epoch_is_kept(unbroken, data_dir):
    rows = unbroken.read_metrics()
    best = max(row["val_accuracy"] for row in rows)
    assert unbroken.results["best_epoch"] == max(
        row["epoch"] for row in rows if row["val_accuracy"] == best
    )
    measured = training.evaluate(unbroken, "validation", data_dir)
    assert measured.accuracy == pytest.approx(best)
    assert measured.confusion.sum() == measured.examples == 144


def test_same_seed_same_numbers_other_seed_others(unbroken, data_dir, tmp_path):
    assert_same(training.train(small(), tmp_path / "again", data_dir=data_dir), unbroken)
    other = training.train(small(seed=4), tmp_path / "other", data_dir=data_dir)
    assert other.metrics_path.read_text() != unbroken.metrics_path.read_text()


class KillAt(keras.callbacks.Callback):
    """Leave the process as `kill -9` does, at a step of an epoch or in the midst of a save."""

    def __init__(self, epoch, step=None):
        super().__init__()
        self.at = (epoch, step)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("epoch", "step"),
    [(1, 0), *(pytest.param(*at, marks=pytest.mark.slow) for at in [(0, 2), (2, 5), (3, 9)])],
)
def test_resumed_run_ends_where_an_unbroken_one_does(unbroken, data_dir, tmp_path, epoch, step):
    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        training.train(small(), folder, data_dir=data_dir, callbacks=[KillAt(epoch, step)])
    with pytest.raises(InputError, match="not finished"):
        training.Run.open(folder)
    run = training.train(small(), folder, data_dir=data_dir, resume=True)
    assert run.results["resumed_at_epoch"] == epoch
    assert_same(run, unbroken)


@pytest.mark.slow
def test_a_resumed_cnn_has_the_moving_statistics_of_an_unbroken_one(data_dir, tmp_path):
    settings = training.recipe("cnn", "digits") | dict(epochs=2, batch_size=256)
    settings["model_arguments"] |= dict(filters=[4, 8], dense_units=8)
    config = training.TrainConfig(**settings)
    whole = training.train(config, tmp_path / "whole", data_dir=data_dir)
    with pytest.raises(KeyboardInterrupt):
        training.train(config, tmp_path / "broken", data_dir=data_dir, callbacks=[KillAt(1, 2)])
    broken = training.train(config, tmp_path / "broken", data_dir=data_dir, resume=True)
    assert broken.results["resumed_at_epoch"] == 1
    assert_same(broken, whole)


@pytest.mark.slow
def test_killed_process_resumes(unbroken, data_dir, tmp_path):
    """A real SIGKILL, at whatever moment it hits after the first epoch."""
    folder = tmp_path / "run"
    config = tmp_path / "config.json"
    config.write_text(small().to_json())
    program = (
        "import sys, pathlib; from kerasdl import training;"
        "config = training.TrainConfig.load(pathlib.Path(sys.argv[1]));"
        "training.train(config, sys.argv[2], data_dir=sys.argv[3], resume=True)"
    )
    command = [sys.executable, "-c", program, str(config), str(folder), str(data_dir)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not (folder / "metrics.csv").exists():
            assert process.poll() is None, "training ended before it could be killed"
            time.sleep(0.01)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert not (folder / "results.json").exists()
    assert_same(training.train(small(), folder, data_dir=data_dir, resume=True), unbroken)


@pytest.mark.slow
def test_killed_between_the_model_and_the_results(unbroken, data_dir, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    with monkeypatch.context() as patched:
        patched.setattr(training.Run, "finish", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            training.train(small(), folder, data_dir=data_dir)
    run = training.train(small(), folder, data_dir=data_dir, resume=True)
    assert run.results["resumed_at_epoch"] == EPOCHS
    assert_same(run, unbroken)


def test_a_kill_while_saving_leaves_the_last_checkpoint(data_dir, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    real = np.savez

    def dying(path, **arrays):
        real(path, **arrays)
        if json.loads(str(arrays["rows"]))[-1]["epoch"] == 2:
            path.write_bytes(path.read_bytes()[:1000])  # half a file
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(np, "savez", dying)
        with pytest.raises(KeyboardInterrupt):
            training.train(small(), folder, data_dir=data_dir)
    assert len(json.loads(str(training.Run(folder).load_checkpoint()["rows"]))) == 1


@pytest.mark.slow
def test_early_stopping_stops_keeps_the_best_and_survives_a_break(data_dir, tmp_path):
    # So large a step that the first epochs are as good as it gets.
    config = small(patience=2, learning_rate=5.0, warmup_epochs=0, epochs=12)
    run = training.train(config, tmp_path / "run", data_dir=data_dir)
    rows = run.read_metrics()
    assert len(rows) < 12
    assert len(rows) == run.results["best_epoch"] + 2
    broken = tmp_path / "broken"
    with pytest.raises(KeyboardInterrupt):
        training.train(config, broken, data_dir=data_dir, callbacks=[KillAt(len(rows) - 1, 1)])
    assert_same(training.train(config, broken, data_dir=data_dir, resume=True), run)


def test_an_existing_run_is_not_touched_by_accident(unbroken, data_dir, tmp_path):
    before = {p: p.stat().st_mtime_ns for p in unbroken.folder.rglob("*")}
    with pytest.raises(InputError, match=r"holds a finished run. Use --resume"):
        training.train(small(), unbroken.folder, data_dir=data_dir)
    with pytest.raises(InputError, match="other settings: epochs: 4 there, 5 now"):
        training.train(small(epochs=5), unbroken.folder, data_dir=data_dir, resume=True)
    assert training.train(small(), unbroken.folder, data_dir=data_dir, resume=True).complete
    assert before == {p: p.stat().st_mtime_ns for p in unbroken.folder.rglob("*")}
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.txt").write_text("mine")
    with pytest.raises(InputError, match="is no run folder"):
        training.train(small(), tmp_path / "letters", data_dir=data_dir, overwrite=True)
    assert (tmp_path / "letters" / "a.txt").read_text() == "mine"


@pytest.mark.slow
def test_overwrite_starts_again(data_dir, tmp_path):
    folder = tmp_path / "run"
    training.train(small(epochs=1), folder, data_dir=data_dir)
    (folder / "notes.txt").write_text("kept: not one of a run's files")
    run = training.train(small(epochs=2), folder, data_dir=data_dir, overwrite=True)
    assert len(run.read_metrics()) == 2
    assert (folder / "notes.txt").exists()


def test_checkpoint_covers_every_variable_that_outlives_an_epoch(data_dir):
    from kerasdl.training.checkpoint import _saved
    from kerasdl.training.tasks import task_of
    from kerasdl.training.train import build, compile_model

    model = build(small())
    compile_model(model, small(), task_of(small(), data_dir).examples(model, "train"))
    saved = {v.path for v in _saved(model)}
    assert any("seed_generator" in path for path in saved), "dropout's random state"
    assert any("velocity" in path for path in saved), "Adam's moments"
    assert any("iteration" in path for path in saved), "the schedule's position"
