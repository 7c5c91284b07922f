"""What importing costs, what it registers, and where the arrows between rooms point."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "kerasdl"


def python(program):
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_import_brings_no_heavy_room():
    heavy = python(
        "import keras, sys; before = set(sys.modules); import kerasdl;"
        "print(sorted({m.split('.')[0] for m in set(sys.modules) - before}))"
    )
    loaded = set(ast.literal_eval(heavy))
    assert "kerasdl" in loaded
    assert not loaded & {
        "tensorflow_datasets",
        "matplotlib",
        "httptools",
        "uvloop",
        "simdjson",
        "tensorflow_serving",
        "sklearn",
        "PIL",
        "httpx",
        "typer",
        "grpc",
    }


def test_rooms_are_reached_by_attribute():
    import kerasdl

    assert kerasdl.datasets.info("digits").num_classes == 10
    assert "training" in dir(kerasdl)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = kerasdl.nothing


def test_the_command_starts_without_keras():
    program = (
        "import sys; sys.orig_argv = ['python', 'bin/kerasdl', 'query']; import kerasdl.cli;"
        "print('keras' in sys.modules, 'tensorflow' in sys.modules)"
    )
    assert python(program) == "False False"


def test_backends_differ_in_one_module_only():
    """JAX and PyTorch stand in backend alone, TensorFlow also in the rooms that need it."""
    tensorflow_rooms = {"backend", "datasets", "export", "server"}
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).parts[0]
        imported = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").split(".")[0])
        if room != "backend":
            assert not imported & {"jax", "torch"}, path
        if room not in tensorflow_rooms:
            assert "tensorflow" not in imported, path


# What stands left may import what stands right (and itself); docs/architecture.md draws it.
ROOMS = {
    "ops": {"activations", "builtins", "backend"},
    "layers": {
        "ops",
        "activations",
        "initializers",
        "regularizers",
        "constraints",
        "backend",
        "builtins",
    },
    "optimizers": {"ops", "backend", "builtins"},
    "models": {"layers", "ops", "activations", "regularizers", "backend"},
    "datasets": {"errors", "files"},
    "client": {"errors"},
    "server": {"errors", "version"},
}


@pytest.mark.parametrize("room", ROOMS)
def test_arrows_point_one_way(room):
    base = PACKAGE / room
    files = base.rglob("*.py") if base.is_dir() else [base.with_suffix(".py")]
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("kerasdl"):
                parts = node.module.split(".")
                rooms = {parts[1]} if len(parts) > 1 else {name.name for name in node.names}
                assert rooms <= ROOMS[room] | {room}, f"{path} imports {rooms}"


def test_built_ins_are_not_leaned_on():
    """From the equations: the primitives that are rebuilt here may not be called."""
    forbidden = {
        "softmax", "log_softmax", "relu", "gelu", "one_hot", "layer_normalization", "logsumexp",
        "dot_product_attention", "sparse_categorical_crossentropy", "conv", "max_pool", "moments",
    }  # fmt: skip
    for room in ("ops", "layers", "models", "optimizers", "activations", "losses"):
        base = PACKAGE / room
        for path in base.rglob("*.py") if base.is_dir() else [base]:
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Attribute) and node.attr in forbidden:
                    owner = ast.unparse(node.value)
                    ours = "from kerasdl import" in path.read_text() and owner == "ops"
                    assert ours or not owner.endswith(("ops", "nn")), f"{path}: {owner}.{node.attr}"
