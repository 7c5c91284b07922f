import sys

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from kerasdl import datasets
from kerasdl.cli import app, main
from kerasdl.errors import InputError


@pytest.fixture(scope="module")
def digits_dir(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("digits")
    datasets.prepare("digits", data_dir)
    return data_dir


def run(*arguments):
    return CliRunner().invoke(app, ["data", *map(str, arguments)], catch_exceptions=False)


def rows_of_list(data_dir):
    result = run("list", "--data-dir", data_dir)
    assert result.exit_code == 0
    cells = (line.strip("│ ").split("│") for line in result.stdout.splitlines() if "│" in line)
    return [[cell.strip() for cell in row] for row in cells]


def test_list(digits_dir, tmp_path):
    digits = ["digits", "1,293", "144", "360", "8×8×1", "10"]
    fashion = ["fashion_mnist", "54,000", "6,000", "10,000", "28×28×1", "10"]
    rows = rows_of_list(digits_dir)
    assert rows[:2] == [[*digits, "yes"], [*fashion, "no"]]
    assert [row[0] for row in rows] == list(datasets.available())
    what = {row[0]: (row[4], row[5]) for row in rows}
    assert what["spam_assassin"] == ("texts", "2")
    assert what["brown"] == ("tagged", "–")
    assert what["cmudict"] == ("pairs", "–")
    assert what["scenes"] == ("scenes", "10")
    assert rows_of_list(tmp_path)[0] == [*digits, "no"]


def test_prepare(tmp_path):
    result = run("prepare", "digits", "--data-dir", tmp_path)
    assert result.exit_code == 0
    folder = tmp_path / "kerasdl_digits" / "1.0.0"
    assert result.stdout == f"digits is now prepared in {folder}\n"
    assert datasets.is_prepared("digits", tmp_path)
    again = run("prepare", "digits", "--data-dir", tmp_path)
    assert again.stdout == f"digits was already prepared in {folder}\n"


def test_show(digits_dir, tmp_path):
    out = tmp_path / "grid.png"
    arguments = ("--split", "test", "--count", 12, "--out", out, "--data-dir", digits_dir)
    result = run("show", "digits", *arguments)
    assert result.exit_code == 0
    assert "digits, test: 360 images" in result.stdout
    assert f"Picture: {out}" in result.stdout
    with Image.open(out) as picture:
        assert picture.format == "PNG"


def test_show_writes_to_a_file_of_its_name(digits_dir, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("show", "digits", "--data-dir", digits_dir).exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["digits-train.png"]


def objects(*rows):
    array = np.empty(len(rows), object)
    for index, row in enumerate(rows):
        array[index] = row
    return array


EXAMPLES = {
    "spam_assassin": {"text": objects("[list] Tea\nat 4", "Win"), "label": np.array([0, 1])},
    "brown": {
        "words": objects(["Dogs", "bark"], ["Run"]),
        "tags": objects(["NNS", "VB"], ["VB"]),
        "document": objects("ca01", "ca02"),
    },
    "cmudict": {"spelling": objects("tea"), "phonemes": objects([["T", "IY1"]])},
    "scenes": {
        "image": np.zeros((2, 64, 64, 1), np.uint8),
        "caption": objects("two bags side by side", "a dress"),
        "classes": objects(np.array([8, 8]), np.array([3])),
    },
}


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("spam_assassin", ["ham │ [list] Tea at 4", "1 │ spam  │     1 │ 50.0%", "words   │"]),
        ("brown", ["ca01 │ Dogs/NNS bark/VB", "VERB  │     2 │ 66.7%", "train: 2 sentences"]),
        ("cmudict", ["tea │ T IY1", "letters        │  3.0 │      3"]),
        ("scenes", ["8 │ Bag         │     2 │ 66.7%", "items                │  1.5"]),
    ],
)
def test_show_what_is_no_labelled_image(tmp_path, monkeypatch, name, lines):
    monkeypatch.setattr(datasets, "load_examples", lambda *args: EXAMPLES[name])
    monkeypatch.chdir(tmp_path)
    result = run("show", name, "--count", 1)
    assert result.exit_code == 0
    for line in lines:
        assert line in result.stdout
    written = [path.name for path in tmp_path.iterdir()]
    assert written == (["scenes-train.png"] if name == "scenes" else [])
    assert "ca02" not in result.stdout  # --count


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["digts"], "`name`.*'digts'. Did you mean 'digits'"),
        (["digits", "--split", "tst"], "`split`.*'tst'. Did you mean 'test'"),
        (["digits", "--count", "0"], "`--count` must be at least 1, received 0"),
        (["digits", "--out", "grid.jpg"], "`--out` must end in '.png', received 'grid.jpg'"),
        (["brown", "--out", "grid.png"], "`--out` must be left out for 'brown', of the kind 'tag"),
    ],
)
def test_bad_arguments_fail_before_any_work(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message):
        run("show", *arguments, "--data-dir", "data")
    assert list(tmp_path.iterdir()) == []


def test_an_error_is_one_line_and_exit_status_2(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["kerasdl", "data", "prepare", "digts"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert capsys.readouterr().err == (
        "kerasdl: error: `name` must be one of 'digits', 'fashion_mnist', 'spam_assassin', "
        "'brown', 'cmudict', 'scenes'; received 'digts'. Did you mean 'digits'?\n"
    )
