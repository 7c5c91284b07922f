import functools
import threading
import time

import numpy as np
import pytest

from kerasdl.server.batching import helpers
from kerasdl.server.batching.job import Job
from kerasdl.server.batching.scheduler import QUEUE_IS_FULL, Scheduler
from kerasdl.server.codec.wide import WideArray
from kerasdl.server.errors import ServingError
from kerasdl.server.settings import Batching


class Model:
    """y = 2 x, slowly, and notes the sizes of its calls."""

    def __init__(self, row_wise=True, seconds=0.02, row_seconds=0.0):
        self.name = "m"
        self.input_types = {"s": {"x": np.float32}}
        self.row_wise = row_wise
        self.seconds = seconds
        self.row_seconds = row_seconds
        self.held = 0
        self.sizes = []
        self.threads = set()
        self.together = self.most_together = 0
        self.lock = threading.Lock()

    def may_share(self, name, inputs):
        return self.row_wise

    def slowest_lately(self, name):
        return self.seconds

    def seconds_for(self, name, rows):
        return rows * self.row_seconds

    def acquire(self):
        self.held += 1
        return True

    def release(self):
        self.held -= 1

    def prepare(self, name, inputs):
        return functools.partial(self.predict, name, inputs)

    def predict(self, name, inputs):
        (x,) = inputs.values()
        with self.lock:
            self.threads.add(threading.get_ident())
            self.sizes.append(len(x) if x.ndim else 0)
            self.together += 1
            self.most_together = max(self.most_together, self.together)
        time.sleep(self.seconds)
        with self.lock:
            self.together -= 1
        if (x < 0).any():
            raise ServingError("negative")
        return {"y": 2 * x}


class Answers:
    def __init__(self):
        self.got = {}
        self.event = threading.Event()

    def of(self, number, count):
        def done(outputs):
            self.got[number] = outputs
            if len(self.got) == count:
                self.event.set()

        return done


@pytest.fixture
def scheduler(request):
    made = Scheduler(getattr(request, "param", None))
    yield made
    made.stop()


def ask(scheduler, model, arrays, **options):
    answers = Answers()
    for i, array in enumerate(arrays):
        array = np.asarray(array, np.float32)
        job = Job(model, "s", {"x": array}, answers.of(i, len(arrays)), **options)
        scheduler.submit(job)
    assert answers.event.wait(20)
    return [answers.got[i] for i in range(len(arrays))]


def test_what_arrives_meanwhile_shares_the_next_call(scheduler):
    model = Model(seconds=0.2)
    first = threading.Thread(target=ask, args=[scheduler, model, [[7]]])
    first.start()
    while not model.sizes:  # nobody waits for company
        time.sleep(0.001)
    answers = ask(scheduler, model, [[i, i + 0.5] for i in range(20)])
    first.join()
    for i, answer in enumerate(answers):
        assert answer["y"].tolist() == [2 * i, 2 * i + 1]
    assert model.sizes == [1, 40]
    assert model.most_together == 1


def test_doubles_become_float32(scheduler):
    model = Model()
    answers = Answers()
    for i in range(3):
        x = np.array([0.1], np.float64)
        scheduler.submit(Job(model, "s", {"x": x}, answers.of(i, 3)))
    assert answers.event.wait(20)
    assert {answers.got[i]["y"].dtype for i in (1, 2)} == {np.dtype(np.float32)}


def test_only_the_one_at_fault_hears_of_it(scheduler):
    model = Model()
    answers = ask(scheduler, model, [[0], [1], [-1], [3]])
    assert str(answers[2]) == "INVALID_ARGUMENT: negative"
    assert [answers[i]["y"].tolist() for i in (0, 1, 3)] == [[0], [2], [6]]


def test_what_is_not_proven_runs_alone_and_side_by_side(scheduler):
    model = Model(row_wise=False, seconds=0.1)
    ask(scheduler, model, [[i] for i in range(4)])
    assert model.sizes == [1] * 4
    assert model.most_together > 1


def test_shapes_are_not_mixed(scheduler):
    model = Model()
    answers = ask(scheduler, model, [[[1]], [[1, 2]], [[3]], [[3, 4]], [[5]], [[5, 6]]])
    assert answers[-1]["y"].tolist() == [[10, 12]]


def test_late_and_cancelled_jobs_are_not_run(scheduler):
    model = Model()
    (late,) = ask(scheduler, model, [[1]], deadline=time.monotonic() - 1)
    assert late.code == "DEADLINE_EXCEEDED"
    answers = Answers()
    scheduler.submit(Job(model, "s", {"x": np.ones(1, np.float32)}, answers.of(0, 2)))
    cancelled = Job(model, "s", {"x": np.ones(1, np.float32)}, answers.of(1, 2))
    cancelled.cancelled = True
    scheduler.submit(cancelled)
    assert answers.event.wait(20)
    assert model.sizes == [1]


def test_run_waits_and_raises(scheduler):
    model = Model()
    assert scheduler.run(model, "s", {"x": np.ones(2, np.float32)})["y"].tolist() == [2, 2]
    with pytest.raises(ServingError, match="negative"):
        scheduler.run(model, "s", {"x": -np.ones(2, np.float32)})


@pytest.mark.parametrize(
    "scheduler", [Batching(max_batch_size=4, num_batch_threads=1)], indirect=True
)
def test_batches_are_no_larger_than_said(scheduler):
    model = Model(row_wise=False)
    ask(scheduler, model, [[i] for i in range(12)])
    assert max(model.sizes) == 4
    with pytest.raises(ServingError, match="Task size 5 is larger than maximum input batch size 4"):
        scheduler.run(model, "s", {"x": np.ones(5, np.float32)})


@pytest.mark.parametrize(
    "scheduler", [Batching(batch_timeout_micros=200_000, max_batch_size=8)], indirect=True
)
def test_timeout_waits_for_company_but_not_for_a_full_batch(scheduler):
    model = Model(seconds=0)
    began = time.perf_counter()
    ask(scheduler, model, [[i] for i in range(3)])
    assert time.perf_counter() - began > 0.15
    assert model.sizes == [3]
    began = time.perf_counter()
    ask(scheduler, model, [[i] for i in range(8)])
    assert time.perf_counter() - began < 0.15


@pytest.mark.parametrize(
    "scheduler", [Batching(max_batch_size=8, allowed_batch_sizes=(4, 8))], indirect=True
)
def test_batches_are_filled_to_an_allowed_size(scheduler):
    model = Model()
    assert scheduler.run(model, "s", {"x": np.ones(3, np.float32)})["y"].tolist() == [2, 2, 2]
    assert model.sizes == [4]


@pytest.mark.parametrize(
    "scheduler",
    [Batching(max_batch_size=2, max_enqueued_batches=2, num_batch_threads=1)],
    indirect=True,
)
def test_a_full_queue_refuses(scheduler):
    model = Model(seconds=0.5)
    answers = Answers()
    refused = []
    for i in range(20):
        try:
            scheduler.submit(Job(model, "s", {"x": np.ones(1, np.float32)}, answers.of(i, 99)))
        except ServingError as error:
            refused.append(error)
    assert len(refused) >= 14
    assert {(error.message, error.http_status) for error in refused} == {(QUEUE_IS_FULL, 503)}


def test_a_short_call_is_made_where_requests_are_read(scheduler):
    due = []
    scheduler.here = lambda function, argument: due.append((function, argument))

    def submit(model, numbers):
        answers = Answers()
        for i in numbers:
            job = Job(model, "s", {"x": np.float32([i])}, answers.of(i, len(numbers)))
            scheduler.submit(job, here=True)
        return answers

    short = Model(seconds=1e-3)
    answers = submit(short, range(3))
    assert not short.sizes
    while due:
        function, argument = due.pop(0)
        function(argument)
    assert [answers.got[i]["y"].tolist() for i in range(3)] == [[0], [2], [4]]
    assert short.sizes == [3]
    assert short.threads == {threading.get_ident()}
    assert ask(scheduler, short, [[5]])[0]["y"].tolist() == [10]  # of another thread, e.g. of gRPC
    assert len(short.threads) == 2

    slow = Model(seconds=0.05)
    assert submit(slow, range(3)).event.wait(20)
    assert not due
    assert threading.get_ident() not in slow.threads


def test_a_call_with_many_examples_is_shared_out_among_the_cores(monkeypatch):
    monkeypatch.setattr(helpers, "_usable_cores", lambda: {0, 1, 2})
    scheduler = Scheduler()
    try:
        model, x = Model(row_seconds=1e-3), np.arange(50)
        (outputs,) = ask(scheduler, model, [x])
        assert outputs["y"].tolist() == (2 * x).tolist()
        assert sorted(model.sizes) == [16, 17, 17]
        assert model.most_together == 3
        (error,) = ask(scheduler, model, [-x])
        assert isinstance(error, ServingError)
        for other in (Model(row_seconds=1e-6), Model(row_wise=False)):  # too short; not proven
            ask(scheduler, other, [x])
            assert other.sizes == [50]
        seen = []
        monkeypatch.setattr(model, "predict", lambda name, inputs: seen.append(inputs) or {})
        scheduler.run(model, "s", {"x": x, "y": np.arange(60)})  # not as many examples of each
        assert [len(array) for array in seen[0].values()] == [50, 60]
    finally:
        scheduler.stop()


def test_so_is_a_call_for_several_jobs(monkeypatch):
    monkeypatch.setattr(helpers, "_usable_cores", lambda: {0, 1})
    scheduler = Scheduler()
    try:
        model = Model(seconds=0.1, row_seconds=1e-2)
        answers = ask(scheduler, model, [[i, i + 0.5] for i in range(20)])
        for i, answer in enumerate(answers):
            assert answer["y"].tolist() == [2 * i, 2 * i + 1]
        assert model.sizes[-1] < 40
        assert model.most_together == 2
    finally:
        scheduler.stop()


@pytest.mark.parametrize("scheduler", [Batching(max_batch_size=64)], indirect=True)
def test_batches_that_were_asked_for_stay_whole(scheduler):
    model = Model(row_seconds=1)
    scheduler.run(model, "s", {"x": np.ones(50, np.float32)})
    assert model.sizes == [50]


def test_the_rest_of_what_has_been_begun(monkeypatch):
    monkeypatch.setattr(helpers, "_usable_cores", lambda: {0, 1})
    scheduler = Scheduler()
    try:
        model, x = Model(seconds=1e-3, row_seconds=1e-3), np.arange(30, dtype=np.float32)
        assert not scheduler.share(model, "s", 1e-3, 30)  # there is no thread to read on
        scheduler.here = lambda function, argument: None
        assert scheduler.share(model, "s", 1e-3, 30) == pytest.approx(2 / 3)
        assert not scheduler.share(Model(seconds=0.05, row_seconds=1e-3), "s", 1e-3, 30)
        assert scheduler.begin(Model(row_wise=False), "s", {"x": x}) is None
        begun = scheduler.begin(model, "s", {"x": x[:20]})
        answers = Answers()
        scheduler.submit(Job(model, "s", {"x": x[20:]}, answers.of(0, 1), begun=begun), here=True)
        assert answers.got[0]["y"].tolist() == (2 * x).tolist()
        assert sorted(model.sizes) == [10, 20]
        begun = scheduler.begin(model, "s", {"x": -x[:20]})
        scheduler.submit(Job(model, "s", {"x": x[20:]}, answers.of(1, 2), begun=begun), here=True)
        assert str(answers.got[1]) == "INVALID_ARGUMENT: negative"
        assert not model.held
    finally:
        scheduler.stop()


@pytest.mark.parametrize("scheduler", [Batching(max_batch_size=4)], indirect=True)
def test_an_unforeseen_fault_is_answered(scheduler, monkeypatch):
    model = Model()
    monkeypatch.setattr(model, "predict", lambda name, inputs: {"y": None})
    (answer,) = ask(scheduler, model, [[1]])
    assert isinstance(answer, ServingError)
    assert answer.code == "INTERNAL"


@pytest.mark.parametrize("scheduler", [Batching(max_batch_size=4)], indirect=True)
def test_arrays_of_more_dimensions_than_numpy_has_run_alone(scheduler, monkeypatch):
    model, wide = Model(), WideArray(np.float32([1]), (1,) * 100)
    monkeypatch.setattr(model, "predict", lambda name, inputs: {"y": inputs["x"]})
    assert scheduler.run(model, "s", {"x": wide})["y"] is wide
