"""Start the server in this process and run it until it is told to stop."""

import contextlib
import errno
import importlib.util
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kerasdl.errors import InputError
from kerasdl.server.versions import models_in, versions_in

DEFAULT_PORT = 8501  # TF Serving's
_GRACE_SECONDS = 30  # that running requests have to finish once the server is told to stop
_BACKLOG = 2048
_NEEDED = ("tensorflow", "tensorflow_serving", "uvicorn", "orjson")


def serve(
    model_dir: str | os.PathLike,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    *,
    poll_seconds: float = 2.0,
) -> None:
    """Serve the models of a folder over TF Serving's REST API, until SIGINT or SIGTERM.

    Prints one line with the URL and the models as soon as requests can be answered. New versions
    are picked up while the server runs, removed ones are dropped.

    Args:
        model_dir: folder laid out as `<name>/<version>/saved_model.pb`; versions are numbers.
        host: address to listen on; only this machine can reach the default.
        port: port to listen on; 0 takes a free one, which the printed line names.
        poll_seconds: seconds between two looks for new versions.

    Raises:
        InputError: the folder is missing or holds no model that can be loaded, the address cannot
            be used, or a package is missing.
    """
    folder = check_model_dir(model_dir)
    if poll_seconds <= 0:
        raise InputError(f"`poll_seconds` must be positive, received {poll_seconds}.")
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            f"Serving needs {', '.join(missing)}, which cannot be found. "
            "Install it with: pip install 'kerasdl[serving]'"
        )
    # The address first: it is soon checked, and loading models is slow. Clients are let in last.
    with contextlib.closing(_bind(host, port)) as listener, _logging_to_stderr():
        _run(folder, listener, host, poll_seconds)


def _run(folder: Path, listener: socket.socket, host: str, poll_seconds: float) -> None:
    import uvicorn

    from kerasdl.server.app import App
    from kerasdl.server.models import ModelStore

    store = ModelStore(lambda: models_in(folder), poll_seconds)
    executor = ThreadPoolExecutor(max(8, 2 * (os.cpu_count() or 1)), "kerasdl-predict")
    try:
        store.rescan()
        if not store.available():
            reasons = "; ".join(store.failures())
            raise InputError(f"No model in {folder} could be loaded: {reasons}")
        store.start()
        port = listener.getsockname()[1]
        try:
            listener.listen(_BACKLOG)
        except OSError as error:  # another server took the port while the models were loaded
            raise _unusable(host, port, error) from error

        class Server(uvicorn.Server):
            async def startup(self, *args, **kwargs):
                await super().startup(*args, **kwargs)
                print(_ready_line(_url(host, port), store.available()), flush=True)

        config = uvicorn.Config(
            App(store, executor),
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,
            server_header=False,
            date_header=False,
            backlog=_BACKLOG,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        with _stop_signals_ignored_afterwards():
            Server(config).run(sockets=[listener])
    finally:
        store.stop()
        executor.shutdown(wait=False, cancel_futures=True)


def check_model_dir(model_dir: str | os.PathLike) -> Path:
    """Make sure that a folder has the layout that is served.

    Args:
        model_dir: folder laid out as `<name>/<version>/saved_model.pb`.

    Returns:
        The folder, as an absolute path.

    Raises:
        InputError: it has not; the message says what is amiss.
    """
    folder = Path(model_dir).expanduser().absolute()
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise InputError(f"`model_dir` {folder} {what}.")
    try:
        if models_in(folder):
            return folder
        if (folder / "saved_model.pb").is_file():
            hint = "It is one version of a model; serve the folder two levels above it"
        elif versions_in(folder):
            hint = f"It is a model itself; serve the folder above it, {folder.parent}"
        else:
            hint = "Expected <name>/<version>/saved_model.pb below it, <version> being a number"
    except OSError as error:
        raise InputError(f"`model_dir` {folder} cannot be read: {error}.") from error
    raise InputError(f"`model_dir` {folder} holds no model. {hint}.")


def _bind(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65535:
        raise InputError(f"`port` must be between 0 and 65535, received {port}.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise InputError(f"`host` {host!r} is no address of this machine: {error}.") from error
    try:
        if os.name == "posix":  # elsewhere the option would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise _unusable(host, port, error) from error
    return listener


def _unusable(host: str, port: int, error: OSError) -> InputError:
    if error.errno == errno.EADDRINUSE:
        return InputError(
            f"Port {port} of {host} is in use. Choose another one, or 0 for any free one."
        )
    return InputError(f"Cannot listen on {host} port {port}: {error.strerror}.")


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _ready_line(url: str, models: dict[str, list[int]]) -> str:
    names = ", ".join(
        f"{name} (version {', '.join(map(str, numbers))})" for name, numbers in models.items()
    )
    return f"kerasdl: serving at {url} : {names}"


@contextlib.contextmanager
def _logging_to_stderr() -> Iterator[None]:
    """Show what happens to models on stderr, unless the program has set up logging itself."""
    logger = logging.getLogger("kerasdl.server")
    handler = None
    level = logger.level
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("kerasdl: %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        if handler:
            logger.removeHandler(handler)
            logger.setLevel(level)


@contextlib.contextmanager
def _stop_signals_ignored_afterwards() -> Iterator[None]:
    """Let SIGINT and SIGTERM stop the server and nothing more.

    uvicorn handles both itself and, once it has shut down, raises them anew for whoever was there
    before; by default that would kill the process before it has cleaned up.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    before = {
        number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
