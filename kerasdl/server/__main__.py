"""`python -m kerasdl.server DIR`: the server without the rest of the command line."""

import os
import signal
import sys
import threading
import time

from kerasdl.errors import InputError
from kerasdl.server import flags, launch

_PARENT_POLL_SECONDS = 1.0
_STOP_SECONDS = 15.0


def _stop_with_stdin() -> None:
    """End this process when its standard input closes, or when its parent is another.

    The first tells us of a parent that was killed; the second also where a process forked from it
    keeps the pipe open.
    """
    parent = os.getppid()
    stdin = sys.stdin.fileno()

    def stop() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_STOP_SECONDS)
        os._exit(1)  # it hangs, and nobody is left to kill it

    def watch_stdin() -> None:
        # Not sys.stdin: its lock, held by a waiting thread, makes the interpreter abort at exit.
        while os.read(stdin, 4096):
            pass
        stop()

    def watch_parent() -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_POLL_SECONDS)
        stop()

    for watch in (watch_stdin, watch_parent):
        threading.Thread(target=watch, name=watch.__name__, daemon=True).start()


def main() -> None:
    """Serve as the arguments say; `--stop-with-stdin` is for whoever starts a child process."""
    arguments = sys.argv[1:]
    if "--stop-with-stdin" in arguments:
        arguments.remove("--stop-with-stdin")
        _stop_with_stdin()
    try:
        launch.run(flags.parse(arguments, "python -m kerasdl.server"))
    except InputError as error:
        print(f"kerasdl: error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
