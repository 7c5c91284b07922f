"""`kerasdl train`, `evaluate` and `export`: the way through, and one clear line for bad input."""

import json

import pytest
from typer.testing import CliRunner

from kerasdl import datasets
from kerasdl.cli import app
from kerasdl.errors import InputError

pytestmark = pytest.mark.slow  # `make test-all` runs it


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    datasets.prepare("digits", folder / "data")
    return folder


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def trained(folder):
    out = folder / "run"
    result = run(
        "train", "vit", "--epochs", 1, "--seed", 5, "--out", out, "--data-dir", folder / "data"
    )
    assert result.exit_code == 0, result.output
    assert "test accuracy" in result.output
    assert "kerasdl export" in result.output
    return out


def test_options_reach_the_run(trained):
    config = json.loads((trained / "config.json").read_text())
    assert (config["epochs"], config["seed"], config["dataset"]) == (1, 5, "digits")


def test_evaluate_gives_the_accuracy_of_the_run(trained, folder):
    result = run("evaluate", trained, "--data-dir", folder / "data")
    accuracy = json.loads((trained / "results.json").read_text())["test_accuracy"]
    assert f"accuracy {accuracy:.2%}" in result.output


def test_export_names_the_version_and_the_next_step(trained, folder):
    for version in ("1", "2"):
        result = run("export", trained, folder / "served")
        assert result.exit_code == 0
        assert f"vit_digits/{version}" in result.output.replace("\n", "")
    assert (folder / "served" / "vit_digits" / "2" / "saved_model.pb").is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train", "vitt"), "Did you mean 'vit'"),
        (("train", "vit", "--dataset", "fashion"), "Recipes: captioner-scenes, cnn-digits, cnn-"),
        (("train",), "Say what to train"),
        (("train", "vit", "--config", "own.toml"), "not both"),
        (("train", "--config", "own.toml", "--dataset", "digits"), "leave --dataset out"),
        (("train", "--config", "own.toml"), "'own.toml' is no recipe that can be read"),
        (("tune", "rnn"), "`model` must be one of"),
        (("tune", "mlp", "--space", "depth"), "--space must be NAME=RANGE"),
        (("tune", "mlp", "--space", "depth=0:1"), "`depth` must go from"),
        (("train", "vit", "--epochs", "0"), "`epochs` must be an integer of at least 1"),
        (("train", "vit", "--batch-size", "5000"), "`batch_size` must be at most 1293"),
        (("train", "vit", "--seed", "-1"), "`seed`"),
        (("evaluate", "nowhere"), "'nowhere' is no run folder"),
        (("export", "nowhere", "served"), "'nowhere' is no run folder"),
    ],
)
def test_bad_input_is_named_before_any_work(arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert isinstance(result.exception, InputError)
    assert words in str(result.exception)
    assert list(tmp_path.iterdir()) == []


def test_search_train_the_best_evaluate_and_export(folder):
    data = ("--data-dir", folder / "data")
    out = folder / "search"
    options = ("--trials", 1, "--epochs", 1, "--space", "width=8", "--space", "depth=1", *data)
    result = run("tune", "cnn", *options, "--out", out)
    assert result.exit_code == 0, result.output
    assert f"Next: kerasdl train --config {out}/best.toml" in result.output.replace("\n", "")
    best = folder / "best"
    result = run("train", "--config", out / "best.toml", "--epochs", 1, "--out", best, *data)
    assert result.exit_code == 0, result.output
    assert "cnn on digits" in result.output
    assert "accuracy" in run("evaluate", best, *data).output
    assert run("export", best, folder / "served").exit_code == 0
    assert (folder / "served" / "cnn_digits" / "1" / "saved_model.pb").is_file()


def test_a_run_is_not_trained_over(trained, folder):
    before = (trained / "results.json").stat().st_mtime_ns
    result = run("train", "vit", "--epochs", 1, "--seed", 5, "--out", trained)
    assert "holds a finished run" in str(result.exception)
    assert (trained / "results.json").stat().st_mtime_ns == before
