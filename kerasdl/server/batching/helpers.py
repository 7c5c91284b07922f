"""Threads on other cores, among which the examples of one call are shared out."""

import ctypes
import itertools
import os
import queue
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from typing import TypeVar

import numpy as np

from kerasdl.server.batching.job import Outputs
from kerasdl.server.servable import Servable

Result = TypeVar("Result")

_ROWS_OF_A_PART = 8  # at least
_WORTH_SECONDS = 4e-4  # a shorter call is not shared out: to wake a thread takes 0.05 to 0.1 ms
_PATIENCE_SECONDS = 3e-4  # within which a helper wakes up, or there is no core for it


class Helpers:
    """One thread fewer than there are cores; each call of a model keeps one core busy.

    Linux is told to keep a helper off the core of whoever asks for help: left to itself it often
    wakes the helper right there, where it waits for the asking thread to be done.

    Args:
        cores: number of cores; those that this process may use unless given.
    """

    def __init__(self, cores: int | None = None):
        self._cores = _usable_cores()
        self._idle = [_Helper(self._cores) for _ in range((cores or len(self._cores) or 1) - 1)]
        self._stopped = False

    def stop(self) -> None:
        """End the threads; those that are busy finish first."""
        self._stopped = True
        while self._idle:
            self._idle.pop().end()

    def predict(
        self, servable: Servable, signature_name: str, inputs: Mapping[str, np.ndarray], rows: int
    ) -> Outputs:
        """Run a signature that treats each example by itself.

        Args:
            servable: the version.
            signature_name: which of its functions.
            inputs: an array for each input, (rows, …).
            rows: number of examples.

        Raises:
            ServingError: the model refused them.
        """
        taken = self._take(servable, signature_name, rows)
        if not taken:
            return servable.predict(signature_name, inputs)
        parts = len(taken) + 1
        bounds = [rows * i // parts for i in range(parts + 1)]
        pieces = [
            {name: array[begin:end] for name, array in inputs.items()}
            for begin, end in itertools.pairwise(bounds)
        ]
        others: list[Future[Outputs]] = []
        try:
            for helper, piece in zip(taken, pieces[1:], strict=True):
                others.append(helper.submit(servable.prepare(signature_name, piece)))
            outputs = [servable.predict(signature_name, pieces[0])]
        finally:
            wait(others)  # the version must not go while they run
            self._give_back(taken)
        outputs += [other.result() for other in others]
        return {name: np.concatenate([part[name] for part in outputs]) for name in outputs[0]}

    def share(self, servable: Servable, name: str, row_seconds: float, rows: int) -> float:
        """The share of some rows that is best begun with, while the others are still being read.

        Args:
            servable: the version.
            name: of the signature.
            row_seconds: how long it takes to read a row.
            rows: number of rows.

        Returns:
            A number between 0, for not to begin before all are read, and 1.
        """
        others = len(self._idle)  # that is how many threads are to run the rest, ours among them
        call = servable.seconds_for(name, rows)
        if not others or rows < 2 * _ROWS_OF_A_PART or call < _WORTH_SECONDS:
            return 0.0
        # With s the share, r all reading and c the call on one core, both are done at once if
        # s (r + c) = r + (1 - s) c / others.
        read = row_seconds * rows
        return (read + call / others) / (read + call + call / others)

    def begin(
        self, servable: Servable, name: str, inputs: Mapping[str, np.ndarray]
    ) -> "Future[Outputs] | None":
        """Run a signature beside the caller; `None` if no helper is free.

        Args:
            servable: the version; it stays until the call is done.
            name: of the signature.
            inputs: an array for each input.
        """
        predict = servable.prepare(name, inputs)
        try:
            helper = self._idle.pop()
        except IndexError:
            return None
        if not servable.acquire():
            self._give_back([helper])
            return None
        has_begun = False

        def run() -> Outputs:
            nonlocal has_begun
            has_begun = True
            try:
                return predict()
            finally:
                servable.release()
                self._give_back([helper])

        future = helper.submit(run)
        # The helper is to get the interpreter now: what the caller does next keeps it for long.
        last = time.perf_counter() + _PATIENCE_SECONDS
        while not has_begun and time.perf_counter() < last:
            time.sleep(0)
        return future

    def _take(self, servable: Servable, signature_name: str, rows: int) -> "list[_Helper]":
        """Helpers for a call, fewer if others have them; none if it is not worth it."""
        taken: list[_Helper] = []
        wanted = rows // _ROWS_OF_A_PART - 1
        if wanted > 0 and servable.seconds_for(signature_name, rows) > _WORTH_SECONDS:
            while self._idle and len(taken) < wanted:
                try:
                    taken.append(self._idle.pop())
                except IndexError:  # another thread was faster
                    break
        return taken

    def _give_back(self, taken: "list[_Helper]") -> None:
        self._idle.extend(taken)
        if self._stopped:
            self.stop()


class _Helper:
    """A thread, and where it may run."""

    def __init__(self, cores: set[int]):
        self._all = cores
        self._avoided = -1
        self._inbox: queue.SimpleQueue = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._loop, name="kerasdl-part", daemon=True)
        self._thread.start()

    def submit(self, function: Callable[[], Result]) -> "Future[Result]":
        self._avoid(_current_core())
        future: Future = Future()
        self._inbox.put((future, function))
        return future

    def end(self) -> None:
        self._inbox.put(None)

    def _avoid(self, core: int) -> None:
        if core != self._avoided and self._all - {core}:
            self._avoided = core
            try:
                os.sched_setaffinity(self._thread.native_id, self._all - {core})
            except OSError:  # forbidden, or these cores are gone: it runs where it can
                self._all = set()

    def _loop(self) -> None:
        while (work := self._inbox.get()) is not None:
            future, function = work
            try:
                future.set_result(function())
            except BaseException as error:
                future.set_exception(error)
            del work, future, function  # they hold arrays


def _usable_cores() -> set[int]:
    if hasattr(os, "sched_getaffinity"):  # Linux
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def _current_core_function() -> Callable[[], int]:
    if hasattr(os, "sched_setaffinity"):
        # Of PyDLL, so that the interpreter's lock is not let go of for it.
        function = getattr(ctypes.PyDLL(None), "sched_getcpu", None)
        if function is not None:
            return function
    return lambda: -1


_current_core = _current_core_function()
