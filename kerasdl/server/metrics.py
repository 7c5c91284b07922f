"""Counters and histograms, under TF Serving's names and in its layout of Prometheus' text format.

The `prometheus_client` package cannot write them: it ends the names of counters in `_total`.
Observing takes no lock: each thread that observes has numbers of its own, which are added up when
the page is asked for.
"""

import bisect
import threading
from collections.abc import Iterable

# Microseconds, 10 · 1.8ⁱ: the buckets of TF Serving's latencies.
LATENCY_BOUNDS = tuple(10 * 1.8**i for i in range(33))


class _Metric:
    kind = ""

    def __init__(self, name: str, labels: tuple[str, ...] = ()):
        self.name = name
        self.labels = labels
        self._local = threading.local()
        self._parts: list[dict] = []
        _METRICS.append(self)

    def _mine(self) -> dict:
        try:
            return self._local.values
        except AttributeError:
            self._local.values = {}
            self._parts.append(self._local.values)
            return self._local.values

    def totals(self) -> dict[tuple[str, ...], list[float]]:
        """The sum over all threads, by values of the labels."""
        sums: dict[tuple[str, ...], list[float]] = {}
        for part in list(self._parts):
            for key, numbers in list(part.items()):
                before = sums.get(key, [0.0] * len(numbers))
                sums[key] = [a + b for a, b in zip(before, numbers, strict=True)]
        return sums

    def lines(self, totals: dict[tuple[str, ...], list[float]]) -> Iterable[str]:
        """Its lines of the page."""
        raise NotImplementedError


class Counter(_Metric):
    """A number that only grows.

    Example:
        >>> counter = Counter(":test:doc:requests", ("model_name",))
        >>> counter.add(("cnn",)); counter.add(("cnn",), 2)
        >>> list(counter.lines(counter.totals()))
        [':test:doc:requests{model_name="cnn"} 3']
    """

    kind = "counter"

    def add(self, values: tuple[str, ...] = (), amount: float = 1) -> None:
        """Add to it."""
        mine = self._mine()
        if values in mine:
            mine[values][0] += amount
        else:
            mine[values] = [amount]

    def lines(self, totals):
        """Its lines of the page."""
        for values, (number,) in sorted(totals.items()):
            yield f"{self.name}{_braces(self.labels, values)} {_number(number)}"


class Histogram(_Metric):
    """How often a number fell below each bound, and the sum of the numbers.

    Args:
        name: name of the metric.
        labels: names of its labels.
        bounds: upper bounds, increasing.
    """

    kind = "histogram"

    def __init__(self, name, labels=(), bounds: tuple[float, ...] = LATENCY_BOUNDS):
        super().__init__(name, labels)
        self.bounds = bounds

    def observe(self, values: tuple[str, ...], number: float) -> None:
        """Count a number."""
        mine = self._mine()
        counts = mine.get(values)
        if counts is None:
            counts = mine[values] = [0.0] * (len(self.bounds) + 2)
        counts[bisect.bisect_right(self.bounds, number)] += 1
        counts[-1] += number

    def lines(self, totals):
        """Its lines of the page."""
        labels = (*self.labels, "le")
        bounds = [*map(_number, self.bounds), "+Inf"]
        for values, (*counts, total) in sorted(totals.items()):
            below = 0.0
            for bound, count in zip(bounds, counts, strict=True):
                below += count
                yield f"{self.name}_bucket{_braces(labels, (*values, bound))} {_number(below)}"
            braces = _braces(self.labels, values)
            yield f"{self.name}_sum{braces} {_number(total)}"
            yield f"{self.name}_count{braces} {_number(below)}"


def page(parts: Iterable[dict[str, dict]] = ()) -> bytes:
    """The page that Prometheus reads.

    Args:
        parts: totals of further processes, see `snapshot`.
    """
    ours = snapshot()
    lines = []
    for metric in _METRICS:
        totals = ours[metric.name]
        for part in parts:
            for values, numbers in part.get(metric.name, {}).items():
                before = totals.get(values, [0.0] * len(numbers))
                totals[values] = [a + b for a, b in zip(before, numbers, strict=True)]
        lines.append(f"# TYPE {metric.name} {metric.kind}")
        lines.extend(metric.lines(totals))
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


def snapshot() -> dict[str, dict]:
    """The totals of every metric of this process, by its name."""
    return {metric.name: metric.totals() for metric in _METRICS}


def _braces(labels: tuple[str, ...], values: tuple[str, ...]) -> str:
    pairs = (f'{label}="{_escape(value)}"' for label, value in zip(labels, values, strict=True))
    return "{" + ",".join(pairs) + "}"


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:.6g}"


_METRICS: list[_Metric] = []

LOADS = Counter(":tensorflow:cc:saved_model:load_attempt_count", ("model_path", "status"))
LOAD_LATENCY = Counter(":tensorflow:cc:saved_model:load_latency", ("model_path",))  # microseconds
SESSION_RUNS = Counter(":tensorflow:core:direct_session_runs")
BATCH_SIZES = Counter(
    ":tensorflow:serving:batching:processed_batch_size_v2", ("model_name", "batch_size")
)
QUEUE_LATENCY = Histogram(":tensorflow:serving:batching_session:queuing_latency")
WARMUP_LATENCY = Histogram(":tensorflow:serving:model_warmup_latency", ("model_path", "status"))
REQUESTS = Counter(":tensorflow:serving:request_count", ("model_name", "status"))
EXAMPLES = Counter(":tensorflow:serving:request_example_count_total", ("model",))
REQUEST_LATENCY = Histogram(
    ":tensorflow:serving:request_latency", ("model_name", "API", "entrypoint")
)
RUN_LATENCY = Histogram(":tensorflow:serving:runtime_latency", ("model_name", "API", "runtime"))
