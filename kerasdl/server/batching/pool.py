"""Threads that take work, the one that was busy last first."""

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

logger = logging.getLogger("kerasdl.server")

Work = TypeVar("Work")


class Pool(Generic[Work]):
    """Like an executor, but idle threads are taken in reverse: the caches of the last are warm.

    A server with little to do thus runs its models on one thread, not on all in turn.

    Args:
        count: number of threads.
        run: called with each piece of work; what it raises is logged.
        name: beginning of the threads' names.
    """

    def __init__(self, count: int, run: Callable[[Work], None], name: str):
        self._run = run
        self._lock = threading.Lock()
        self._work: deque[Work] = deque()  # that waits for a thread
        self._idle: list[queue.SimpleQueue] = []  # threads that wait for work
        self._stopped = False
        for i in range(count):
            threading.Thread(target=self._loop, name=f"{name}-{i}", daemon=True).start()

    def submit(self, work: Work) -> None:
        """Have something done."""
        with self._lock:
            if self._idle:
                self._idle.pop().put(work)
            else:
                self._work.append(work)

    def stop(self) -> None:
        """End the threads once all work is done."""
        with self._lock:
            self._stopped = True
            for inbox in self._idle:
                inbox.put(None)
            self._idle.clear()

    def _loop(self) -> None:
        inbox: queue.SimpleQueue = queue.SimpleQueue()
        while True:
            with self._lock:
                if self._work:
                    work = self._work.popleft()
                elif self._stopped:
                    return
                else:
                    work = None
                    self._idle.append(inbox)
            if work is None:
                work = inbox.get()
                if work is None:
                    return
            try:
                self._run(work)
            except Exception:  # a fault of ours must not cost a thread
                logger.exception("work of %s failed", threading.current_thread().name)
            del work  # a job holds arrays, and a version
