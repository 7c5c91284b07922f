import json
import sys

import pytest
from serving_models import png

from kerasdl import cli


@pytest.fixture
def query(monkeypatch, capsys, server_url):
    def run(*arguments, url=server_url):
        """Run `kerasdl query` as the command does; gives exit status, stdout, stderr."""
        command = ["kerasdl", "query", *map(str, arguments), "--url", url]
        monkeypatch.setattr(sys, "argv", command)
        monkeypatch.setenv("COLUMNS", "200")  # a wide terminal: no cell is cut
        with pytest.raises(SystemExit) as caught:
            cli.main()
        out, err = capsys.readouterr()
        return caught.value.code, out, err

    return run


@pytest.fixture
def images(tmp_path):
    for name, brightness in [("dark", 0), ("bright", 255)]:
        (tmp_path / f"{name}.png").write_bytes(png(brightness))
    (tmp_path / "broken.png").write_bytes(b"no image")
    return tmp_path


def test_table(query, images):
    status, out, err = query(images / "dark.png", images / "bright.png", "--model", "images")
    assert (status, err) == (0, "")
    header, *rows = [line for line in out.splitlines() if "─" not in line and "━" not in line]
    assert [cell.strip() for cell in header.strip("┃│ ").split("┃")] == [
        "image",
        "label",
        "probability",
        "latency",
    ]
    assert len(rows) == 2
    for row, name in zip(rows, ["dark", "bright"], strict=True):
        image, label, probability, latency = (cell.strip() for cell in row.strip("│").split("│"))
        assert image.endswith(f"{name}.png")
        assert (label, probability) == (name, "1.000")
        assert latency.endswith(" ms")


def test_json(query, images):
    path = images / "bright.png"
    status, out, _ = query(path, "--model", "images", "--version", "1", "--json")
    (answer,) = json.loads(out)
    assert status == 0
    assert answer["image"] == str(path)
    assert answer["prediction"]["label"] == "bright"
    assert answer["latency_ms"] > 0


def test_model_with_other_outputs(query, images):
    status, out, _ = query(images / "dark.png", "--model", "strings", "--json")
    assert status == 0
    status, out, _ = query(images / "broken.png", "--model", "strings")
    assert status == 0
    assert '"no image"' in out


def test_missing_file_is_found_before_anything_is_sent(query, images):
    nobody = "http://127.0.0.1:9"
    status, out, err = query(
        images / "dark.png", images / "nope.png", "--model", "images", url=nobody
    )
    assert (status, out) == (2, "")
    assert err == f"kerasdl: error: No such image: {images / 'nope.png'}\n"


def test_unknown_model(query, images):
    status, out, err = query(images / "dark.png", images / "bright.png", "--model", "nope")
    assert (status, out) == (1, "")
    assert err.count("\n") == 1
    assert "Servable not found for request: Latest(nope) (HTTP status 404)" in err


def test_server_down(query, images):
    nobody = "http://127.0.0.1:9"
    status, out, err = query(images / "dark.png", "--model", "images", url=nobody)
    assert (status, out) == (1, "")
    assert err.count("\n") == 1
    assert "No answer from http://127.0.0.1:9" in err
    assert "kerasdl serve DIR --port 9" in err


def test_one_bad_image_does_not_hide_the_others(query, images):
    status, out, err = query(
        images / "broken.png", images / "bright.png", "--model", "images", "--json"
    )
    assert status == 1
    assert err.count("\n") == 1
    assert "broken.png" in err
    assert "(HTTP status 400)" in err
    assert [answer["prediction"]["label"] for answer in json.loads(out)] == ["bright"]


def test_bad_url(query, images):
    status, _, err = query(images / "dark.png", "--model", "images", url="nonsense")
    assert status == 2
    assert "`url` must look like" in err


def test_model_is_required(query, images):
    status, _, err = query(images / "dark.png")
    assert status == 2
    assert "--model" in err


def test_texts_or_images(query, images):
    for given in ((), (images / "dark.png", "--text", "hello")):
        status, out, err = query(*given, "--model", "images")
        assert (status, out) == (2, "")
        assert "Give images or --text" in err


@pytest.mark.parametrize(
    ("prediction", "text"),
    [
        ({"words": ["Go", ".", ""], "tags": ["VERB", ".", ""]}, "Go/VERB ./."),
        ({"phonemes": "K AE T", "candidates": ["K AE T"], "scores": [-0.1]}, "K AE T"),
        ({"caption": "a bag", "candidates": ["a bag"]}, "a bag"),
        ({"continuation": " mat.", "text": "The cat sat on the mat."}, "The cat sat on the mat."),
        ({"neighbours": ["cat", "cow"], "similarities": [0.9, 0.8]}, "cat, cow"),
        ({"y": [1.5]}, '{"y": [1.5]}'),
        ([1, 2], "[1, 2]"),
    ],
)
def test_answers_of_other_models_are_put_in_words(prediction, text):
    from kerasdl.cli.query import _in_words

    assert _in_words(prediction) == text
