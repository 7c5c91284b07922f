"""The command line: parse, call, print. All work is done in the rooms it calls.

Every module here registers its commands on `app`. Heavy imports (Keras, TensorFlow, matplotlib,
the server) stand inside the commands, so that `kerasdl --help` and `kerasdl query` answer quickly.
"""

import sys

import typer

from kerasdl.errors import InputError

app = typer.Typer(
    name="kerasdl",
    help="Deep learning from the equations: train, look inside, export, serve, query.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

# Each registers its commands on `app`, in the order in which `--help` shows them.
from kerasdl.cli import demo, data, verify, train, tune, inspect, export, serve, query, status  # noqa: E402,F401,I001


def main() -> None:
    """Entry point of the `kerasdl` command: one clear line for what the user can mend."""
    try:
        app()
    except InputError as error:
        print(f"kerasdl: error: {error}", file=sys.stderr)
        sys.exit(2)
