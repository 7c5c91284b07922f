"""Several processes that serve side by side on one socket, for machines with many cores.

Each loads the models itself. The parent holds the socket and nothing heavy: it starts the workers,
replaces one that dies, and passes the signal to stop on. Workers leave their metrics in a folder
for each other, so that whichever is asked answers for all.
"""

import contextlib
import logging
import os
import pickle
import select
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

logger = logging.getLogger("kerasdl.server")

Ready = Callable[[str], None]

_SNAPSHOT_SECONDS = 1.0
_PAUSE_SECONDS = 1.0  # before a worker that died is replaced
_AGAIN_SECONDS = 1.0  # before a worker that goes on is told to stop again
_GRACE_SECONDS = 40.0  # that a worker has to stop, longer than its requests have to finish


def run_workers(count: int, serve: Callable[[Ready, Callable[[], list]], None]) -> str:
    """Run a function in several processes until SIGINT or SIGTERM; print its line once.

    Args:
        count: number of processes.
        serve: called in each with what takes its line once it is ready, and with what gives the
            metrics of the others. It returns after SIGTERM.

    Returns:
        What is to be told of a first worker that did not become ready; empty if all is well.
    """
    stopping = threading.Event()
    workers: dict[int, int] = {}  # process -> number
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    with tempfile.TemporaryDirectory(prefix="kerasdl-serve-") as folder:
        read, write = os.pipe()
        for number in range(count):
            workers[_start(serve, Path(folder), number, write)] = number
        waiting, problem, lines = count, "", []
        while workers and not stopping.is_set():
            if waiting and select.select([read], [], [], 0.1)[0]:
                lines.append(os.read(read, 1 << 16).decode())
                waiting -= lines[-1].count("\n")
                if not waiting:
                    print(lines[-1].splitlines()[-1], flush=True)
            elif not waiting:
                stopping.wait(0.1)
            for process, number in _ended(workers):
                if waiting:  # it could not start, and said why
                    problem = f"worker {number} ended before it was ready"
                    stopping.set()
                    break
                logger.error("worker %d (process %d) died, starting another", number, process)
                stopping.wait(_PAUSE_SECONDS)
                workers[_start(serve, Path(folder), number, write)] = number
        _stop(workers)
    return problem


def _stop(workers: dict[int, int]) -> None:
    """Tell all to stop until they have; who is only just starting may lose a signal."""
    deadline = time.monotonic() + _GRACE_SECONDS
    while workers:
        number = signal.SIGTERM if time.monotonic() < deadline else signal.SIGKILL
        for process in workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)
        again = time.monotonic() + _AGAIN_SECONDS
        while workers and time.monotonic() < again:
            _ended(workers)
            time.sleep(0.02)


def _ended(workers: dict[int, int]) -> list[tuple[int, int]]:
    ended = []
    for process, number in list(workers.items()):
        if os.waitpid(process, os.WNOHANG)[0]:
            del workers[process]
            ended.append((process, number))
    return ended


def _start(serve, folder: Path, number: int, ready_pipe: int) -> int:
    process = os.fork()
    if process:
        return process
    status = 1
    try:
        for signal_ in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signal_, signal.default_int_handler)
        threading.Thread(target=_leave_snapshots, args=[folder, number], daemon=True).start()
        serve(
            lambda line: os.write(ready_pipe, line.encode() + b"\n"),
            lambda: _snapshots(folder, number),
        )
        status = 0
    except KeyboardInterrupt:
        status = 0
    except Exception as error:
        logger.error("worker %d: %s", number, error)
    finally:
        os._exit(status)


def _leave_snapshots(folder: Path, number: int) -> None:
    from kerasdl.server.metrics import snapshot

    parent = os.getppid()
    while os.getppid() == parent:
        with contextlib.suppress(OSError):
            new = folder / f"new-{number}"
            new.write_bytes(pickle.dumps(snapshot()))
            new.replace(folder / f"worker-{number}")
        time.sleep(_SNAPSHOT_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)  # nobody is left to stop us


def _snapshots(folder: Path, number: int) -> list[dict]:
    found = []
    for file in folder.glob("worker-*"):
        if file.name != f"worker-{number}":
            with contextlib.suppress(OSError):
                found.append(pickle.loads(file.read_bytes()))  # written by ourselves, in a folder
    return found  # that no other user can write
