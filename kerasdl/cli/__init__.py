"""The command line: parse, call, print. All work is done in the rooms it calls.

Every module here registers its commands on `app`. Heavy imports (TensorFlow, matplotlib, the
server) stand inside the commands, so that `kerasdl --help` answers quickly.
"""

import os
import sys

# TensorFlow's start-up chatter hides the one line that matters; a value set by the user wins.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import typer

from kerasdl.errors import InputError

app = typer.Typer(
    name="kerasdl",
    help="Deep learning from the equations: train, look inside, export, serve, query.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

from kerasdl.cli import data, query, serve  # noqa: E402,F401 - each registers its commands on `app`


def main() -> None:
    """Entry point of the `kerasdl` command: one clear line for what the user can mend."""
    try:
        app()
    except InputError as error:
        print(f"kerasdl: error: {error}", file=sys.stderr)
        sys.exit(2)
