"""What is stored in notebooks/, without running it; `make notebooks` runs it."""

import getpass
import re
import socket
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))

# An absolute path on somebody's machine; URLs and mathematics have no such beginnings.
LOCAL_PATH = re.compile(
    r"(?<![\w:/.])/(?:home|Users|root|tmp|var|work|mnt|opt|private|content)/[\w.-]|[A-Z]:\\\w"
)
ESCAPE = re.compile(r"\x1b\[")


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def notebook(path):
    return nbformat.read(path, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def texts(notebook):
    """Every source and every textual output, with the number of its cell."""
    for number, cell in enumerate(notebook.cells):
        yield number, cell.source
        for output in cell.get("outputs", []):
            yield number, output.get("text", "")
            for kind, data in output.get("data", {}).items():
                if not kind.startswith("image/"):
                    yield number, str(data)


def test_there_are_notebooks():
    assert FOLDER / "vision_transformer.ipynb" in NOTEBOOKS


def test_valid_and_small(path, notebook):
    nbformat.validate(notebook)
    assert path.stat().st_size < 2_000_000


def test_any_python_3_runs_it(notebook):
    assert notebook.metadata.kernelspec.name == "python3"
    assert "version" not in notebook.metadata.get("language_info", {})


def test_executed_from_top_to_bottom(notebook):
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))


def test_outputs_are_stored(notebook):
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert any(output.output_type == "stream" for output in outputs)


def test_no_error_no_warning_no_log(notebook):
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            assert output.output_type != "error", f"cell {number}"
            assert output.get("name") != "stderr", f"cell {number}: {output.text}"


def test_nothing_of_the_machine_it_ran_on(notebook):
    for number, text in texts(notebook):
        assert not LOCAL_PATH.search(text), f"cell {number}: {LOCAL_PATH.search(text)}"
        assert not ESCAPE.search(text), f"cell {number}: terminal escape codes"
    # Names of this machine, where they are telling ones.
    names = {getpass.getuser(), socket.gethostname()} - {"root", "user", "runner", "localhost"}
    for name in names:
        word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
        for number, text in texts(notebook):
            assert len(name) < 4 or not word.search(text), f"cell {number}: {name}"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("saved to /tmp/tmpab12/run", True),
        ("File '/home/ada/x.py'", True),
        (r"C:\Users", True),
        ("https://example.org/home/page", False),
        ("served/vit_digits/1 and v1/models/x", False),
        (r"$D / \text{heads}$", False),
    ],
)
def test_the_search_for_paths_finds_them(text, found):
    assert bool(LOCAL_PATH.search(text)) == found


def test_first_cell_sets_up_colab(notebook):
    first = notebook.cells[0]
    assert first.cell_type == "code"
    assert 'find_spec("kerasdl")' in first.source
    assert "%pip install" in first.source
    assert "KERAS_BACKEND" in first.source
    # The same set-up everywhere.
    pattern = nbformat.read(FOLDER / "vision_transformer.ipynb", as_version=4)
    assert first.source == pattern.cells[0].source


def test_the_title_follows(notebook):
    assert notebook.cells[1].cell_type == "markdown"
    assert notebook.cells[1].source.startswith("# ")
