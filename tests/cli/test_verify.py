"""`kerasdl verify` on the command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

COMMAND = Path(sys.executable).with_name("kerasdl")


def run(*arguments, cwd=None):
    return subprocess.run(
        [COMMAND, "verify", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | {"KERAS_BACKEND": "tensorflow"},
    )


def test_a_symbol_is_proven(tmp_path):
    done = run("ops.affine$", "--backend", "jax", "--json", tmp_path / "out.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 rows for 1 symbols" in done.stdout
    assert "on JAX" in done.stdout
    content = json.loads((tmp_path / "out.json").read_text())
    assert content["backend"] == "jax"
    assert content["rows"][0]["passed"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["layers.Nothing"], "No public symbol matches"),
        (["("], "must be a regular expression"),
        (["--model", "nowhere.keras"], "nowhere.keras is not there"),
    ],
)
def test_what_cannot_be_done_is_one_line(arguments, message):
    done = run(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_model_of_the_user(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="mine")])
    model.save(tmp_path / "my.keras")
    done = run("--model", tmp_path / "my.keras")
    assert done.returncode == 0, done.stderr
    assert "mine" in done.stdout
    assert "equal" in done.stdout
