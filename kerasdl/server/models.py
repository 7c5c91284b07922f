"""The models being served: loads new versions, drops removed ones, hands them to requests."""

import contextlib
import functools
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from kerasdl.errors import InputError
from kerasdl.server.errors import ServingError
from kerasdl.server.memory import give_back
from kerasdl.server.metadata import VersionStatus
from kerasdl.server.servable import Servable, Threads
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
    again when its files change; it never affects another: what serves is unloaded only once
    something that is wanted serves in its place.

    Args:
        sources: gives the models to serve; asked anew at each look. An `OSError` or `InputError`
            of it is reported, and all stays as it is.
        poll_seconds: time between two looks.
        labels_of_unavailable: whether a label may name a version that does not serve.
        threads: of TensorFlow, see `Servable`.
    """

    def __init__(
        self,
        sources: Callable[[], list[ModelSource]],
        poll_seconds: float = 2.0,
        *,
        labels_of_unavailable: bool = False,
        threads: Threads | None = None,
    ):
        self._sources = sources
        self._poll_seconds = poll_seconds
        self._labels_of_unavailable = labels_of_unavailable
        self._threads = threads or Threads()
        self._models: dict[str, dict[int, _Version]] = {}
        # What requests read, without a lock: replaced as a whole, never changed.
        self._serving: dict[str, dict[int, Servable]] = {}
        self._labels: dict[str, dict[str, int]] = {}
        self._configured: tuple[str, ...] = ()
        self._lock = threading.Lock()  # guards the dictionaries; held for moments only
        self._scanning = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._reported: list[str] = []
        self._left_behind = False  # by a version that was closed

    # ---- questions ---------------------------------------------------------------------------

    @contextlib.contextmanager
    def use(
        self, name: str, version: int | None = None, label: str | None = None
    ) -> Iterator[Servable]:
        """Hold a version for the time of one request.

        Args:
            name: name of the model.
            version: number of the version; `None` for the highest that is available.
            label: version label, in place of the number.

        Raises:
            ServingError: there is no such version at work.
        """
        servable = self.acquire(name, version, label)
        try:
            yield servable
        finally:
            servable.release()

    def acquire(self, name: str, version: int | None = None, label: str | None = None) -> Servable:
        """Like `use`, for who calls `release` of the servable later."""
        if label is not None:
            version = self._labels.get(name, {}).get(label)
            if version is None:
                raise ServingError(f"Unrecognized servable version label: {label}")
        while True:
            versions = self._serving.get(name, {})  # the highest first
            number = next(iter(versions), None) if version is None else version
            servable = versions.get(number)
            if servable is None:
                wanted = f"Latest({name})" if version is None else f"Specific({name}, {version})"
                raise ServingError(f"Servable not found for request: {wanted}", "NOT_FOUND")
            if servable.acquire():
                return servable
            # It was retired since; by then another version has taken its place.

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
        return {name: sorted(found) for name, found in sorted(self._serving.items())}

    def serves(self, name: str) -> bool:
        """Whether any version of a model is available."""
        return name in self._serving

    def missing(self) -> list[str]:
        """Names of the configured models of which no version is available."""
        serving = self._serving
        return [name for name in self._configured if name not in serving]

    def failures(self) -> list[str]:
        """One line for each version that could not be loaded."""
        with self._lock:
            return [
                f"{name} version {number}: {_one_line(known.status.error_message)}"
                for name, versions in sorted(self._models.items())
                for number, known in sorted(versions.items())
                if known.status.error_code != "OK"
            ]

    def problems(self) -> list[str]:
        """What the last look could not do: folders and configurations to read, labels to assign."""
        return list(self._reported)

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
            serving = self._serving
            self._models.clear()
            self._serving = {}
        for versions in serving.values():
            for servable in versions.values():
                servable.retire()

    def configure(self, sources: Callable[[], list[ModelSource]]) -> None:
        """Serve other models from now on, and return when they are loaded."""
        with self._scanning:
            self._sources = sources
        self.rescan()

    def _poll(self) -> None:
        while not self._stopping.wait(self._poll_seconds):
            try:
                self.rescan()
                if self._left_behind:
                    self._left_behind = False
                    give_back()
            except Exception:
                logger.exception("looking for new versions failed")

    def rescan(self) -> None:
        """Look once: load what is new, then unload what is gone.

        A folder that cannot be read is no reason to drop what was loaded from it: its models stay
        as they are until it can be read again.
        """
        with self._scanning:
            try:
                sources = self._sources()
            except (OSError, InputError) as error:
                self._report([f"cannot look for models: {error}"])
                return
            self._configured = tuple(source.name for source in sources)
            problems: list[str] = []
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
                if not chosen:
                    problems.append(f"{source.base_path} holds no version to serve")
            for name, paths in wanted.items():
                for number in sorted(paths, reverse=True):  # the highest takes traffic first
                    if self._stopping.is_set():
                        return
                    self._load_if_new(name, number, paths[number])
            self._assign_labels(sources, problems)
            self._report(problems)
            for name in list(self._serving):
                if name not in unreadable:
                    self._unload_others(name, wanted.get(name, {}))

    def _assign_labels(self, sources: list[ModelSource], problems: list[str]) -> None:
        labels: dict[str, dict[str, int]] = {}
        for source in sources:
            before = self._labels.get(source.name, {})
            labels[source.name] = {}
            for label, number in source.labels.items():
                serves = number in self._serving.get(source.name, {})
                if serves or self._labels_of_unavailable or before.get(label) == number:
                    labels[source.name][label] = number
                    continue
                problems.append(
                    f"Request to assign label to version {number} of model {source.name}, "
                    "which is not currently available for inference"
                )
                if label in before:
                    labels[source.name][label] = before[label]
        self._labels = labels

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
            servable = Servable(name, number, path, self._threads)
            try:
                warm_up(servable, path)
            except BaseException:
                servable.retire()
                raise
        except ServingError as error:
            logger.error("cannot load %s version %d: %s", name, number, _one_line(error.message))
            self._left_behind = True
            status = VersionStatus(number, "END", error.code, error.message)
            self._set(name, number, _Version(status, failed_with=files))
            return
        self._set(name, number, _Version(VersionStatus(number, "AVAILABLE"), servable))
        logger.info("loaded %s version %d", name, number)

    def _unload_others(self, name: str, wanted: Mapping[int, Path]) -> None:
        """Unload the versions that are not wanted, unless nothing would serve in their place."""
        serving = self._serving.get(name, {})
        if wanted and not any(number in serving for number in wanted):
            return
        for number, servable in serving.items():
            if number not in wanted:
                self._set(name, number, _Version(VersionStatus(number, "UNLOADING")))
                servable.retire(functools.partial(self._unloaded, name, number))

    def _unloaded(self, name: str, number: int) -> None:
        with self._lock:
            known = self._models.get(name, {}).get(number)
            if known and known.status.state == "UNLOADING":  # not loaded anew in the meantime
                known.status = VersionStatus(number, "END")
        self._left_behind = True
        logger.info("unloaded %s version %d", name, number)

    def _set(self, name: str, number: int, version: _Version) -> None:
        with self._lock:
            versions = self._models.setdefault(name, {})
            versions[number] = version
            found = {n: versions[n].servable for n in sorted(versions, reverse=True)}
            found = {n: servable for n, servable in found.items() if servable}
            others = {other: kept for other, kept in self._serving.items() if other != name}
            self._serving = others | ({name: found} if found else {})


def _one_line(message: str) -> str:
    return ", ".join(line.strip() for line in message.splitlines())
