import sys

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
    cells = (line.strip("│ ").split("│") for line in result.stdout.splitlines() if "×" in line)
    return [[cell.strip() for cell in row] for row in cells]


def test_list(digits_dir, tmp_path):
    digits = ["digits", "1,293", "144", "360", "8×8×1", "10"]
    fashion = ["fashion_mnist", "54,000", "6,000", "10,000", "28×28×1", "10"]
    assert rows_of_list(digits_dir) == [[*digits, "yes"], [*fashion, "no"]]
    assert rows_of_list(tmp_path) == [[*digits, "no"], [*fashion, "no"]]


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["digts"], "`name`.*'digts'. Did you mean 'digits'"),
        (["digits", "--split", "tst"], "`split`.*'tst'. Did you mean 'test'"),
        (["digits", "--count", "0"], "`--count` must be at least 1, received 0"),
        (["digits", "--out", "grid.jpg"], "`--out` must end in '.png', received 'grid.jpg'"),
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
        "kerasdl: error: `name` must be one of 'digits', 'fashion_mnist'; received 'digts'. "
        "Did you mean 'digits'?\n"
    )
