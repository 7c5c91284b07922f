"""Where Keras tests what kerasdl offers under the same name."""

import importlib
import re
from pathlib import Path

import keras

from kerasdl.parity.symbols import offered as offered

SOURCE = Path(keras.__file__).parent / "src"


def test_file(theirs) -> Path | None:
    """Return the file in which Keras tests an object of its own: `adam.py`, `adam_test.py`."""
    module = importlib.import_module(theirs.__module__)
    path = Path(module.__file__)
    if path.name == "__init__.py":  # `activations.get` lives in the package itself
        path = path.parent / f"{path.parent.name}.py"
    # `conv2d.py` is tested in `conv_test.py`, together with its kin; `adaptive_max_pooling1d.py` in
    # `adaptive_pooling1d_test.py`; `merging/add.py` in `merging/merging_test.py`.
    names = (
        f"{path.stem}_test.py",
        f"{re.sub('[123]d', '', path.stem)}_test.py",
        f"{re.sub('_(average|max)', '', path.stem)}_test.py",
        f"{path.parent.name}_test.py",
    )
    return next((path.with_name(n) for n in names if path.with_name(n).is_file()), None)


# Files that test several classes at once, under names of their own.
SHARED = {
    "optimizers/optimizer_test.py": "optimizers.",
    "optimizers/optimizer_sparse_test.py": "optimizers.",
}


def shared_files(names) -> dict[Path, list[str]]:
    """Return the shared test files that concern any of the names."""
    return {
        SOURCE / file: [name for name in names if name.startswith(prefix)]
        for file, prefix in SHARED.items()
        if any(name.startswith(prefix) for name in names)
    }
