"""The models being served: loads new versions, drops removed ones, hands them to requests."""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kerasdl.server.errors import ServingError
from kerasdl.server.metadata import VersionStatus
from kerasdl.server.servable import Servable
from kerasdl.server.versions import ModelSource, fingerprint, versions_in
from kerasdl.server.warmup import warm_up

logger = logging.getLogger("kerasdl.server")


@dataclass
class _Version:
    """What is known of one version: its state, and while it is available the model itself."""

    status: VersionStatus
    servable: Servable | None = None
    failed_with: tuple | None = None  # the files that could not be loaded


class ModelStore:
    """All models and versions, kept in step with the folders they come from.

    A new version is loaded and warmed up before it takes traffic, then the ones it replaces finish
    their requests and go. A version that cannot be loaded shows why in its status and is tried
    again when its files change; it never affects another.

    Args:
        sources: gives the models to serve; asked anew at each look.
        poll_seconds: time between two looks.
    """

    def __init__(self, sources: Callable[[], list[ModelSource]], poll_seconds: float = 2.0):
        self._sources = sources
        self._poll_seconds = poll_seconds
        self._models: dict[str, dict[int, _Version]] = {}
        self._lock = threading.Lock()  # guards the dictionaries; held for moments only
        self._scanning = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._reported: list[str] = []

    # ---- questions ---------------------------------------------------------------------------

    @contextlib.contextmanager
    def use(self, name: str, version: int | None = None) -> Iterator[Servable]:
        """Hold a version for the time of one request.

        Args:
            name: name of the model.
            version: number of the version; `None` for the highest that is available.

        Raises:
            ServingError: there is no such version at work.
        """
        servable = self._acquire(name, version)
        try:
            yield servable
        finally:
            servable.release()

    def _acquire(self, name: str, version: int | None) -> Servable:
        with self._lock:
            versions = self._models.get(name, {})
            candidates = sorted(versions, reverse=True) if version is None else [version]
            for number in candidates:
                known = versions.get(number)
                if known and known.servable and known.servable.acquire():
                    return known.servable
        wanted = f"Latest({name})" if version is None else f"Specific({name}, {version})"
        raise ServingError(f"Servable not found for request: {wanted}", "NOT_FOUND")

    def status(self, name: str, version: int | None = None) -> list[VersionStatus]:
        """State of a model's versions, the highest first, or of one of them.

        Raises:
            ServingError: the model or version was never there.
        """
        with self._lock:
            versions = self._models.get(name, {})
            if version is not None:
                versions = {n: known for n, known in versions.items() if n == version}
            found = [versions[number].status for number in sorted(versions, reverse=True)]
        if not found:
            wanted = "any versions" if version is None else f"version {version}"
            raise ServingError(f"Could not find {wanted} of model {name}", "NOT_FOUND")
        return found

    def available(self) -> dict[str, list[int]]:
        """Numbers of the available versions of each model that has one, by name."""
        with self._lock:
            numbers = {
                name: sorted(number for number, known in versions.items() if known.servable)
                for name, versions in sorted(self._models.items())
            }
        return {name: found for name, found in numbers.items() if found}

    def failures(self) -> list[str]:
        """One line for each version that could not be loaded."""
        with self._lock:
            return [
                f"{name} version {number}: {_one_line(known.status.error_message)}"
                for name, versions in sorted(self._models.items())
                for number, known in sorted(versions.items())
                if known.status.error_code != "OK"
            ]

    # ---- keeping in step ---------------------------------------------------------------------

    def start(self) -> None:
        """Look again every few seconds, in a thread of its own, until `stop`."""
        self._thread = threading.Thread(target=self._poll, name="kerasdl-rescan", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop looking, and close every model once its requests are done."""
        self._stopping.set()
        if self._thread:
            self._thread.join(timeout=10)
        with self._lock:
            servables = [
                known.servable
                for versions in self._models.values()
                for known in versions.values()
                if known.servable
            ]
            self._models.clear()
        for servable in servables:
            servable.retire()

    def _poll(self) -> None:
        while not self._stopping.wait(self._poll_seconds):
            try:
                self.rescan()
            except Exception:
                logger.exception("looking for new versions failed")

    def rescan(self) -> None:
        """Look once: load what is new, then unload what is gone.

        A folder that cannot be read is no reason to drop what was loaded from it: its models stay
        as they are until it can be read again.
        """
        with self._scanning:
            problems = []
            try:
                sources = self._sources()
            except OSError as error:
                self._report([f"cannot look for models: {error}"])
                return
            wanted: dict[str, dict[int, Path]] = {}
            unreadable = set()
            for source in sources:
                try:
                    on_disk = versions_in(source.base_path)
                except OSError as error:
                    unreadable.add(source.name)
                    problems.append(f"cannot look for versions of {source.name}: {error}")
                    continue
                chosen = source.policy(on_disk)
                wanted[source.name] = {number: on_disk[number] for number in chosen}
            self._report(problems)
            for name, paths in wanted.items():
                for number in sorted(paths, reverse=True):  # the highest takes traffic first
                    if self._stopping.is_set():
                        return
                    self._load_if_new(name, number, paths[number])
            for name, versions in list(self._models.items()):
                for number, known in list(versions.items()):
                    gone = name not in unreadable and number not in wanted.get(name, {})
                    if known.servable and gone:
                        self._unload(name, number, known)

    def _report(self, problems: list[str]) -> None:
        for problem in problems:
            if problem not in self._reported:  # once, not at each look
                logger.warning("%s", problem)
        self._reported = problems

    def _load_if_new(self, name: str, number: int, path: Path) -> None:
        known = self._models.get(name, {}).get(number)
        if known and (known.servable or known.failed_with == fingerprint(path)):
            return
        self._set(name, number, _Version(VersionStatus(number, "LOADING")))
        files = fingerprint(path)
        try:
            servable = Servable(name, number, path)
            try:
                warm_up(servable, path)
            except BaseException:
                servable.retire()
                raise
        except ServingError as error:
            logger.error("cannot load %s version %d: %s", name, number, _one_line(error.message))
            status = VersionStatus(number, "END", error.code, error.message)
            self._set(name, number, _Version(status, failed_with=files))
            return
        self._set(name, number, _Version(VersionStatus(number, "AVAILABLE"), servable))
        logger.info("loaded %s version %d", name, number)

    def _unload(self, name: str, number: int, known: _Version) -> None:
        self._set(name, number, _Version(VersionStatus(number, "END")))
        known.servable.retire()
        logger.info("unloaded %s version %d", name, number)

    def _set(self, name: str, number: int, version: _Version) -> None:
        with self._lock:
            self._models.setdefault(name, {})[number] = version


def _one_line(message: str) -> str:
    return ", ".join(line.strip() for line in message.splitlines())
