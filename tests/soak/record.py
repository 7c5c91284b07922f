"""What happened: counted by all threads, judged at the end."""

import threading
import time
from collections import Counter

_SHOWN = 20


class Record:
    """Counts answers, keeps what went wrong, knows when the server was down on purpose."""

    def __init__(self):
        self.stop = threading.Event()
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.latencies: list[float] = []
        self._lock = threading.Lock()
        self._down: list[list[float]] = []

    def ok(self, kind: str, seconds: float | None = None) -> None:
        with self._lock:
            self.counts[kind] += 1
            if seconds is not None:
                self.latencies.append(seconds)

    def fail(self, kind: str, what: str, began: float) -> None:
        """Count as lost what the kill explains, as wrong anything else."""
        with self._lock:
            if any(began <= end and time.monotonic() >= start for start, end in self._down):
                self.counts["lost in the kill"] += 1
                return
            self.counts["WRONG"] += 1
            if len(self.wrong) < _SHOWN:
                self.wrong.append(f"{kind}: {what[:500]}")

    def down(self) -> None:
        """From now on the server is down, and nobody's fault."""
        with self._lock:
            self._down.append([time.monotonic(), float("inf")])

    def up(self) -> None:
        with self._lock:
            # A request that was sent before this moment may still have met a closed port.
            self._down[-1][1] = time.monotonic()

    def latency_ms(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return 1000 * ordered[int(share * (len(ordered) - 1))] if ordered else float("nan")
