import json
import sys

import pytest

from kerasdl import cli


@pytest.fixture
def status(monkeypatch, capsys, server_url):
    def run(*arguments, url=server_url):
        """Run `kerasdl status` as the command does; gives exit status, stdout, stderr."""
        monkeypatch.setattr(sys, "argv", ["kerasdl", "status", url, *arguments])
        monkeypatch.setenv("COLUMNS", "200")  # a wide terminal: no cell is cut
        with pytest.raises(SystemExit) as caught:
            cli.main()
        out, err = capsys.readouterr()
        return caught.value.code, out, err

    return run


def test_table(status):
    code, out, err = status("--model", "two_io", "--model", "half_plus_two")
    assert (code, err) == (0, "")
    rows = [line for line in out.splitlines() if "│" in line]
    cells = [[cell.strip() for cell in row.strip("│").split("│")] for row in rows]
    assert cells == [["two_io", "1", "AVAILABLE", ""], ["half_plus_two", "123", "AVAILABLE", ""]]


def test_all_models_of_the_embedded_server(status):
    code, out, _ = status("--json")
    assert code == 0
    found = json.loads(out)
    assert {"convolution", "half_plus_two", "two_io"} <= found.keys()
    assert list(found) == sorted(found)


def test_a_server_without_a_list(status, monkeypatch):
    from kerasdl.client import Client, NotFound

    def models(self):
        raise NotFound(404, "Not Found")

    monkeypatch.setattr(Client, "models", models)
    code, out, err = status()
    assert (code, out) == (2, "")
    assert "does not list its models; name them with --model" in err


def test_json(status):
    code, out, _ = status("--model", "half_plus_two", "--json")
    assert code == 0
    (version,) = json.loads(out)["half_plus_two"]
    assert (version["version"], version["state"]) == ("123", "AVAILABLE")


def test_an_unknown_model_does_not_hide_the_others(status):
    code, out, err = status("--model", "nope", "--model", "two_io")
    assert code == 1
    assert err.startswith("kerasdl: error: nope: Could not find any versions of model nope")
    assert "two_io" in out


def test_server_down(status):
    code, out, err = status("--model", "m", url="http://127.0.0.1:9")
    assert (code, out) == (1, "")
    assert "kerasdl serve DIR --port 9" in err


def test_a_version_that_cannot_be_loaded_says_why(capsys):
    from kerasdl.cli.status import _print_table

    failed = {"error_code": "NOT_FOUND", "error_message": "no [graph]\nin it"}
    _print_table({"m": [{"version": "2", "state": "END", "status": failed}]})
    assert "no [graph]" in capsys.readouterr().out
