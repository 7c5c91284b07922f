"""The server as a child process, for notebooks, tests and demonstrations."""

import contextlib
import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from kerasdl.errors import InputError
from kerasdl.server.launch import check_model_dir

_READY = re.compile(r"kerasdl: serving at (\S+)")
_STOP_SECONDS = 10


@contextlib.contextmanager
def running(
    model_dir: str | os.PathLike,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    poll_seconds: float = 2.0,
    startup_seconds: float = 120.0,
) -> Iterator[str]:
    """Run the server in a process of its own for the length of a `with` block.

    The process ends with the block, whichever way it is left. Should this process be killed, it
    ends by itself: it watches a pipe that closes when we are gone.

    Args:
        model_dir: folder laid out as `<name>/<version>/saved_model.pb`.
        host: address to listen on.
        port: port to listen on; 0 takes a free one.
        poll_seconds: seconds between two looks for new versions.
        startup_seconds: how long to wait for the models to be loaded.

    Yields:
        The server's URL. It answers already.

    Raises:
        InputError: the server refused to start; the message is its own.
        TimeoutError: it was not ready in time.
        RuntimeError: it ended in another way; the end of its output is in the message.

    Example::

        with running("served") as url:
            Client(url).predict_images("vit_digits", "digit.png")
    """
    folder = check_model_dir(model_dir)
    command = [sys.executable, "-P", "-m", "kerasdl.server", str(folder)]
    command += ["--host", host, "--port", str(port), "--poll-seconds", str(poll_seconds)]
    command += ["--stop-with-stdin"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=_environment(),
            start_new_session=True,  # a Ctrl-C is ours to handle; stopping follows from it
        )
        try:
            yield _wait_until_ready(process, log, startup_seconds)
        finally:
            _stop(process)


def _environment() -> dict[str, str]:
    # Found even where this package is used from a clone without being installed.
    here = str(Path(__file__).resolve().parents[2])
    paths = [here, *filter(None, [os.environ.get("PYTHONPATH")])]
    # See `servable` on oneDNN; it must be switched off before TensorFlow is imported at all. The
    # server needs no other backend, whatever this process trains with.
    defaults = {"TF_ENABLE_ONEDNN_OPTS": "0", "TF_CPP_MIN_LOG_LEVEL": "2"}
    return {
        **defaults,
        **os.environ,
        "KERAS_BACKEND": "tensorflow",
        "PYTHONPATH": os.pathsep.join(paths),
    }


def _wait_until_ready(process: subprocess.Popen, log, seconds: float) -> str:
    lines: queue.SimpleQueue = queue.SimpleQueue()

    def read() -> None:
        for line in process.stdout:
            lines.put(line.decode(errors="replace"))
        lines.put(None)

    threading.Thread(target=read, name="kerasdl-server-output", daemon=True).start()
    deadline = time.monotonic() + seconds
    while True:
        try:
            line = lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise TimeoutError(f"The server was not ready after {seconds:g} seconds.") from None
        if line is None:
            break
        if ready := _READY.match(line):
            return ready.group(1)
    status = process.wait()
    log.seek(0)
    output = log.read().decode(errors="replace").strip()
    reason = re.search(r"^kerasdl: error: (.*)$", output, re.M)
    if status == 2 and reason:
        raise InputError(reason.group(1))
    raise RuntimeError(f"The server ended with status {status}:\n{output[-2000:]}")


def _stop(process: subprocess.Popen) -> None:
    for ask in (process.terminate, process.kill):
        ask()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_STOP_SECONDS)
            break
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            pipe.close()
