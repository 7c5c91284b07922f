"""Start the server in this process and run it until it is told to stop."""

import contextlib
import errno
import gc
import importlib.util
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from kerasdl.errors import InputError
from kerasdl.server.settings import DEFAULT_PORT, Settings
from kerasdl.server.sources import Sources, sources_of
from kerasdl.server.versions import models_in, versions_in

_NEEDED = ("tensorflow", "tensorflow_serving", "httptools", "orjson", "simdjson")
_BACKLOG = 2048


def serve(
    model_dir: str | os.PathLike,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    *,
    poll_seconds: float = 2.0,
) -> None:
    """Serve the models of a folder over TF Serving's REST API, until SIGINT or SIGTERM.

    Prints one line with the URL and the models as soon as requests can be answered. New versions
    are picked up while the server runs, removed ones are dropped. `run` takes all settings.

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
    run(
        Settings(
            model_dir=folder,
            host=host,
            rest_api_port=port,
            file_system_poll_wait_seconds=poll_seconds,
        )
    )


def run(settings: Settings) -> None:
    """Serve as told, until SIGINT or SIGTERM.

    Raises:
        InputError: it cannot be done; the message says what is amiss.
    """
    if settings.model_dir is not None:
        check_model_dir(settings.model_dir)
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            f"Serving needs {', '.join(missing)}, which cannot be found. "
            "Install it with: pip install 'kerasdl[serving]'"
        )
    sources = sources_of(settings)
    sources()  # a faulty configuration is told before TensorFlow is loaded
    settings.tls()
    # The address first: it is soon checked, and loading models is slow. Clients are let in last.
    with bind(settings.host, settings.rest_api_port) as listener, _logging_to_stderr():
        if settings.workers == 1:
            _run(settings, sources, listener, lambda line: print(line, flush=True))
            return
        from kerasdl.server.workers import run_workers

        problem = run_workers(
            settings.workers,
            lambda ready, snapshots: _run(settings, sources, listener, ready, snapshots),
        )
        if problem:
            raise InputError(problem)


def _run(
    settings: Settings,
    sources: Sources,
    listener: socket.socket,
    say: Callable[[str], None],
    snapshots: Callable[[], list] = list,
) -> None:
    from kerasdl.server.models import ModelStore
    from kerasdl.server.servable import Threads
    from kerasdl.server.service import Service

    # TensorFlow's own objects, a million, stay for good: not to be looked through again and again.
    gc.collect()
    gc.freeze()
    # What a request makes is gone when it is answered, without the collector. Some dozen of them at
    # once pass Python's threshold, though, and each look at the loaded models takes 20 ms.
    gc.set_threshold(20_000, 10, 10)
    store = ModelStore(
        sources,
        settings.file_system_poll_wait_seconds,
        labels_of_unavailable=settings.allow_version_labels_for_unavailable_models,
        threads=Threads(settings.inter_op, settings.intra_op),
    )
    try:
        _load(settings, store)
        store.start()
        host, port = settings.host, listener.getsockname()[1]
        try:
            listener.listen(_BACKLOG)
        except OSError as error:  # another server took the port while the models were loaded
            raise _unusable(host, port, error) from error
        scheme = "https" if settings.tls_certificate else "http"
        ready = ready_line(_url(scheme, host, port), store.available(), ui=settings.ui)
        with _stop_signals_ignored_afterwards():
            Service(settings, store, snapshots).run(listener, lambda: say(ready))
    finally:
        store.stop()


def _load(settings: Settings, store) -> None:
    """Load what is there, and wait for what is not there yet.

    Of a folder, what can be loaded is served. Models that were named must all be available, as TF
    Serving has it: it does not start with one that is broken, and waits for one whose folder has
    no version.
    """
    store.rescan()
    if settings.model_dir is not None:
        if not store.available():
            reasons = "; ".join(store.failures())
            raise InputError(f"No model in {settings.model_dir} could be loaded: {reasons}")
        return
    while missing := store.missing():
        failures = [line for line in store.failures() if line.startswith(tuple(missing))]
        if failures:
            raise InputError(
                f"{len(failures)} servable(s) did not become available: {'; '.join(failures)}"
            )
        time.sleep(settings.file_system_poll_wait_seconds)
        store.rescan()
    labels = [problem for problem in store.problems() if problem.startswith("Request to assign")]
    if labels:
        raise InputError(
            f"{labels[0]}. --allow_version_labels_for_unavailable_models would let it."
        )


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


def bind(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A socket on an address, not listening yet.

    Args:
        host: address of this machine.
        port: port; 0 takes a free one.
        shared: whether other processes may listen on the same port.

    Raises:
        InputError: the address cannot be used.
    """
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
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
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


def _url(scheme: str, host: str, port: int) -> str:
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def ready_line(url: str, models: dict[str, list[int]], *, ui: bool = False) -> str:
    """The line that says where what is served, and where the page for people is."""
    names = ", ".join(
        f"{name} (version {', '.join(map(str, numbers))})" for name, numbers in models.items()
    )
    # One line in any case: workers pass theirs on through a pipe that counts them.
    return f"kerasdl: serving at {url} : {names}" + (f" ; page: {url}/ui" if ui else "")


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

    The event loop handles both while it runs; a second one, sent while the models are closed, must
    not end the process before it has cleaned up.
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
