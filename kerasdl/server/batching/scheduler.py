"""Runs model calls on threads, and puts the examples of several requests into one call.

Jobs that may share a call wait in the same lane: same version, signature, types and shapes but for
the number of examples. Without a timeout a lane runs at once, and what arrives meanwhile makes up
the next batch: nobody waits for company. Lanes whose jobs may not be merged run one job a thread.

A short call is made where the requests are read: to hand it to a thread, which then has to fight
for the interpreter, takes as long. Which calls are short is measured; they can only be of
signatures that are proven to treat each example by itself, so that none goes on and on for certain
numbers. A call with many examples is shared out among the cores.
"""

import heapq
import itertools
import logging
import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future

import numpy as np

from kerasdl.server.batching.helpers import Helpers
from kerasdl.server.batching.job import Job, Outputs
from kerasdl.server.batching.pool import Pool
from kerasdl.server.errors import ServingError
from kerasdl.server.metrics import BATCH_SIZES, QUEUE_LATENCY
from kerasdl.server.servable import Servable, as_serving_error
from kerasdl.server.settings import Batching

logger = logging.getLogger("kerasdl.server")

QUEUE_IS_FULL = "The batch scheduling queue to which this task was submitted is full"
TIMED_OUT = "Timed out waiting for notification"
_SHORT_SECONDS = 4e-3


class _Lane:
    """Jobs that may share a call."""

    __slots__ = ("here", "jobs", "key", "rows", "running")

    def __init__(self, key):
        self.key = key
        self.jobs: deque[Job] = deque()
        self.rows = 0
        self.running = 0  # calls of it that run, or are about to
        self.here = False  # whether they run on the thread that reads the requests


class Scheduler:
    """Threads that call models.

    Args:
        batching: how examples are put together for models that were said to allow it; `None` to
            put together only what provably does not notice (`Servable.may_share`).

    Attributes:
        idle: called on a thread of ours after each call, when its jobs are done.
        here: given a function and its argument, calls it on the thread that reads the requests, as
            soon as all that are there have been read; `None` if there is no such thread.
    """

    def __init__(self, batching: Batching | None = None):
        self.explicit = batching is not None
        self.batching = batching or Batching()
        self.idle: Callable[[], None] = lambda: None
        self.here: Callable[[Callable, _Lane], object] | None = None
        cores = os.cpu_count() or 1
        threads = self.batching.num_batch_threads if self.explicit else 0
        self._calls_a_lane = (threads or cores) if self.explicit else 1
        self._lanes: dict[tuple, _Lane] = {}
        self._lock = threading.Lock()
        self._timers: list[tuple[float, int, _Lane]] = []
        self._count = itertools.count()
        self._timers_changed = threading.Condition(self._lock)
        self._stopped = False
        self._pool: Pool[_Lane | Job] = Pool(
            threads or max(8, 2 * cores), self._work, "kerasdl-model"
        )
        self._helpers = Helpers()
        if self.batching.batch_timeout_micros:
            threading.Thread(target=self._watch_timers, name="kerasdl-timers", daemon=True).start()

    def stop(self) -> None:
        """Take up no more jobs; those that run are finished."""
        with self._lock:
            self._stopped = True
            self._timers_changed.notify_all()
        self._pool.stop()
        self._helpers.stop()

    def run(
        self, servable: Servable, signature_name: str, inputs: Mapping[str, np.ndarray]
    ) -> Outputs:
        """Submit a job and wait for it.

        Raises:
            ServingError: it failed.
        """
        answer: queue.SimpleQueue = queue.SimpleQueue()
        self.submit(Job(servable, signature_name, inputs, answer.put))
        outputs = answer.get()
        if isinstance(outputs, Exception):
            raise outputs
        return outputs

    def submit(self, job: Job, *, here: bool = False) -> None:
        """Queue a job.

        Args:
            job: what to do.
            here: whether this is the thread that reads the requests.

        Raises:
            ServingError: it does not fit into a batch, or too many wait already.
        """
        job.queued = time.perf_counter()
        if job.begun is not None:  # `share` has found the call to be short
            job.rows = len(next(iter(job.inputs.values())))
            self._work(job)
            return
        if not self._prepare(job):
            self._pool.submit(job)
            return
        key = (
            job.servable,
            job.signature_name,
            *[array.shape[1:] for array in job.inputs.values()],
        )
        most = self.batching.max_batch_size
        with self._lock:
            lane = self._lanes.get(key)
            if lane is None:
                lane = self._lanes[key] = _Lane(key)
            if self.explicit and lane.rows + job.rows > most * self.batching.max_enqueued_batches:
                raise ServingError(QUEUE_IS_FULL, "UNAVAILABLE")
            lane.jobs.append(job)
            lane.rows += job.rows
            if lane.running >= self._calls_a_lane:
                return
            if not self.batching.batch_timeout_micros or lane.rows >= most:
                lane.running += 1
                self._begin(lane, here and self.here is not None and not self.explicit)
            elif len(lane.jobs) == 1:
                self._set_timer(lane)

    def share(self, servable: Servable, name: str, row_seconds: float, rows: int) -> float:
        """As `Helpers.share`, for a request that is read on the thread that reads the requests."""
        if self.explicit or self.here is None or servable.slowest_lately(name) > _SHORT_SECONDS:
            return 0.0
        return self._helpers.share(servable, name, row_seconds, rows)

    def begin(
        self, servable: Servable, name: str, inputs: Mapping[str, np.ndarray]
    ) -> "Future[Outputs] | None":
        """As `Helpers.begin`, if the signature treats each example by itself."""
        if not servable.may_share(name, inputs):
            return None
        return self._helpers.begin(servable, name, inputs)

    def _prepare(self, job: Job) -> bool:
        """Count the examples of a job; whether it may share a call.

        Raises:
            ServingError: batching was asked for and the job cannot be batched.
        """
        arrays = job.inputs.values()
        if not self.explicit:
            if not job.servable.may_share(job.signature_name, job.inputs):
                return False
            rows = {array.shape[0] for array in arrays}
            if len(rows) > 1:  # what the model makes of that is its own affair
                return False
            (job.rows,) = rows
            # A call that is large by itself gains nothing from others.
            return 0 < job.rows <= self.batching.max_batch_size // 4
        if any(not array.ndim for array in arrays):
            raise ServingError("Batching Run() input tensors must have at least one dimension")
        if len({array.shape[0] for array in arrays}) > 1:
            raise ServingError("Batching Run() input tensors must have equal 0th-dimension size")
        job.rows = next((array.shape[0] for array in arrays), 1)
        if not job.rows:  # TF Serving never answers this one
            raise ServingError("Batching Run() input tensors must have at least one example")
        if job.rows > self.batching.max_batch_size:
            raise ServingError(
                f"Task size {job.rows} is larger than maximum input batch size "
                f"{self.batching.max_batch_size}"
            )
        return bool(arrays) and all(isinstance(array, np.ndarray) for array in arrays)

    # ---- threads -----------------------------------------------------------------------------

    def _begin(self, lane: _Lane, here: bool) -> None:
        servable, signature_name, *_ = lane.key
        lane.here = here and servable.slowest_lately(signature_name) < _SHORT_SECONDS
        if lane.here:
            self.here(self._work, lane)
        else:
            self._pool.submit(lane)

    def _set_timer(self, lane: _Lane) -> None:
        due = lane.jobs[0].queued + self.batching.batch_timeout_micros / 1e6
        heapq.heappush(self._timers, (due, next(self._count), lane))
        self._timers_changed.notify()

    def _watch_timers(self) -> None:
        with self._lock:
            while not self._stopped:
                now = time.perf_counter()
                while self._timers and self._timers[0][0] <= now:
                    lane = heapq.heappop(self._timers)[2]
                    if lane.jobs and lane.running < self._calls_a_lane:
                        lane.running += 1
                        self._pool.submit(lane)
                self._timers_changed.wait(self._timers[0][0] - now if self._timers else None)

    def _work(self, ready: _Lane | Job) -> None:
        if isinstance(ready, Job):
            self._call([ready])
        else:
            self._call(self._take(ready))
            self._again(ready)
        self.idle()

    def _take(self, lane: _Lane) -> list[Job]:
        """The next jobs of a lane, up to a full batch."""
        jobs: list[Job] = []
        rows = 0
        with self._lock:
            while lane.jobs and (
                not jobs or rows + lane.jobs[0].rows <= self.batching.max_batch_size
            ):
                job = lane.jobs.popleft()
                rows += job.rows
                jobs.append(job)
            lane.rows -= rows
        return jobs

    def _again(self, lane: _Lane) -> None:
        with self._lock:
            if not lane.jobs:
                lane.running -= 1
                if not lane.running:  # a version that is gone must not be kept by its lane
                    self._lanes.pop(lane.key, None)
            elif not self.batching.batch_timeout_micros or (
                lane.rows >= self.batching.max_batch_size
            ):
                self._begin(lane, lane.here)
            else:
                lane.running -= 1
                self._set_timer(lane)

    def _call(self, jobs: list[Job]) -> None:
        now, clock = time.monotonic(), time.perf_counter()
        wanted = []
        for job in jobs:
            QUEUE_LATENCY.observe((), (clock - job.queued) * 1e6)
            if job.cancelled or job.deadline < now:
                late = ServingError(TIMED_OUT, "DEADLINE_EXCEEDED")
                job.done(late)
            else:
                wanted.append(job)
        if not wanted:
            return
        first = wanted[0]
        rows = sum(job.rows for job in wanted)
        BATCH_SIZES.add((first.servable.name, str(rows)))
        if len(wanted) == 1 and not self.explicit:
            self._call_alone(first)
            return
        try:
            results = self._call_together(wanted, rows)
        except Exception as error:
            if not isinstance(error, ServingError):  # a fault of ours must not leave anyone waiting
                logger.exception("a batch of %s failed", first.servable.name)
            if len(wanted) == 1:
                first.done(as_serving_error(error, "INTERNAL"))
                return
            for job in wanted:  # so that only the one at fault hears of it
                self._call([job])
            return
        for job, outputs in zip(wanted, results, strict=True):
            job.done(outputs)

    def _call_alone(self, job: Job) -> None:
        try:
            outputs = self._predict(job, job.inputs, job.rows)
            if job.begun is not None:
                first = job.begun.result()
                outputs = {name: np.concatenate([first[name], outputs[name]]) for name in outputs}
        except Exception as error:
            outputs = as_serving_error(error, "INTERNAL")
        job.done(outputs)

    def _predict(self, job: Job, inputs: Mapping[str, np.ndarray], rows: int) -> Outputs:
        if self.explicit:  # batches of what is not proven to be row-wise, and threads as said
            return job.servable.predict(job.signature_name, inputs)
        return self._helpers.predict(job.servable, job.signature_name, inputs, rows)

    def _call_together(self, jobs: list[Job], rows: int) -> list[Outputs]:
        """One call for several jobs, its outputs cut apart again.

        Raises:
            ServingError: the model refused it, or its outputs do not have one row an example.
        """
        first = jobs[0]
        size = next((size for size in self.batching.allowed_batch_sizes if size >= rows), rows)
        inputs = {}
        for name, array in first.inputs.items():
            parts = [job.inputs[name] for job in jobs]
            if size > rows:
                parts.append(np.repeat(array[:1], size - rows, axis=0))
            inputs[name] = array
            if len(parts) > 1:
                dtype = first.servable.input_types[first.signature_name][name]
                with np.errstate(over="ignore"):  # a double beyond float32 becomes infinite
                    inputs[name] = np.concatenate(parts, dtype=dtype)
        outputs = self._predict(first, inputs, size)
        for array in outputs.values():
            if not array.ndim:
                raise ServingError("Batched output tensor has 0 dimensions")
            if len(array) != size:
                raise ServingError(
                    "Batched output tensor's 0th dimension does not equal the sum of the 0th "
                    "dimension sizes of the input tensors"
                )
        if size == first.rows:  # nothing to cut apart, nor can a `WideArray` be
            return [outputs]
        results, start = [], 0
        for job in jobs:
            cut = slice(start, start + job.rows)
            results.append({name: array[cut] for name, array in outputs.items()})
            start += job.rows
        return results
