"""Deep learning from the equations, at production speed.

Importing the package registers every layer, loss, initialiser and optimiser with Keras, so that
`keras.saving.load_model` finds them. Rooms that need TensorFlow Datasets, matplotlib or the server
stack are imported when they are first used.
"""

import importlib
import os
import sys

from kerasdl.version import __version__ as __version__

_REGISTERING = (
    "activations",
    "constraints",
    "initializers",
    "layers",
    "losses",
    "models",
    "ops",
    "optimizers",
    "regularizers",
)
_ON_USE = (
    "callbacks",
    "client",
    "datasets",
    "export",
    "inspection",
    "parity",
    "server",
    "training",
)


def __getattr__(name):
    if name in ("swap", "unswap"):
        return getattr(importlib.import_module("kerasdl.parity.swap"), name)
    if name in _REGISTERING or name in _ON_USE:
        return importlib.import_module(f"kerasdl.{name}")
    raise AttributeError(f"module 'kerasdl' has no attribute '{name}'")


def __dir__():
    return sorted([*globals(), *_REGISTERING, *_ON_USE, "swap", "unswap"])


def _is_command() -> bool:
    """Whether this process is the `kerasdl` command or `python -m kerasdl`.

    Its commands import what they need: a query or a server should not wait seconds for Keras.
    """
    options = ("-I", "-P", "-B", "-E", "-s", "-u")
    match [argument for argument in sys.orig_argv[1:] if argument not in options]:
        case ["-m", "kerasdl" | "kerasdl.server", *_]:
            return True
        case [script, *_]:
            return os.path.basename(script).removesuffix(".exe") == "kerasdl"
    return False


if not _is_command():
    for _name in _REGISTERING:
        importlib.import_module(f"kerasdl.{_name}")
