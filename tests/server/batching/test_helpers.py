import functools
import os
import threading
import time

import numpy as np
import pytest

from kerasdl.server.batching.helpers import Helpers
from kerasdl.server.errors import ServingError


class Model:
    """y = x + 1; notes the rows and the thread of each call."""

    def __init__(self, row_seconds=1e-3):
        self.row_seconds = row_seconds
        self.calls = []
        self.held = 0
        self.gate = threading.Event()
        self.gate.set()

    def seconds_for(self, name, rows):
        return rows * self.row_seconds

    def acquire(self):
        self.held += 1
        return self.held > 0

    def release(self):
        self.held -= 1

    def prepare(self, name, inputs):
        return functools.partial(self.predict, name, inputs)

    def predict(self, name, inputs):
        thread = threading.current_thread()
        cores = os.sched_getaffinity(thread.native_id) if hasattr(os, "sched_getaffinity") else None
        self.calls.append((len(inputs["x"]), thread, cores))
        assert self.gate.wait(20)
        if (inputs["x"] < 0).any():
            raise ServingError("negative")
        return {"y": inputs["x"] + 1}


@pytest.fixture
def helpers():
    made = Helpers(2)
    yield made
    made.stop()


def test_every_row_is_answered_in_its_place(helpers):
    model, x = Model(), np.arange(33)
    for _ in range(5):
        assert helpers.predict(model, "s", {"x": x}, 33)["y"].tolist() == (x + 1).tolist()
    assert sorted(rows for rows, *_ in model.calls) == [16] * 5 + [17] * 5
    assert len({thread for _, thread, _ in model.calls}) == 2


@pytest.mark.parametrize(("rows", "row_seconds"), [(15, 1), (100, 1e-6)])
def test_small_and_short_calls_stay_whole(helpers, rows, row_seconds):
    model = Model(row_seconds)
    helpers.predict(model, "s", {"x": np.arange(rows)}, rows)
    assert [(n, thread) for n, thread, _ in model.calls] == [(rows, threading.current_thread())]


@pytest.mark.parametrize("bad", [0, 32])
def test_an_error_of_any_part_is_raised_and_the_helper_serves_on(helpers, bad):
    model, x = Model(), np.arange(33)
    x[bad] = -1
    for _ in range(3):
        with pytest.raises(ServingError, match="negative"):
            helpers.predict(model, "s", {"x": x}, 33)
    assert len(model.calls) == 6


def test_an_error_before_the_first_part_runs_gives_the_helpers_back(helpers):
    model, x = Model(), np.arange(33)

    def prepare(name, inputs):
        raise ServingError("does not fit")

    model.prepare = prepare
    with pytest.raises(ServingError, match="does not fit"):
        helpers.predict(model, "s", {"x": x}, 33)
    assert helpers.share(model, "s", 1.0, 33)


def test_who_finds_no_helper_does_it_alone(helpers):
    model, x = Model(), np.arange(33)
    model.gate.clear()
    begun = helpers.begin(model, "s", {"x": x})
    assert model.held == 1
    assert helpers.begin(model, "s", {"x": x}) is None
    assert not helpers.share(model, "s", 1.0, 33)
    model.gate.set()
    assert begun.result(20)["y"].tolist() == (x + 1).tolist()
    deadline = time.monotonic() + 20
    while not helpers.share(model, "s", 1.0, 33) and time.monotonic() < deadline:
        time.sleep(0.001)
    assert model.held == 0
    other = Model()
    helpers._idle.clear()
    helpers.predict(other, "s", {"x": x}, 33)
    assert [rows for rows, *_ in other.calls] == [33]


def test_a_version_that_is_gone_is_not_begun_with(helpers):
    model = Model()
    model.acquire = lambda: False
    assert helpers.begin(model, "s", {"x": np.arange(33)}) is None
    assert helpers.share(model, "s", 1.0, 33)  # the helper is free again


def test_the_share_lets_both_end_at_once():
    for cores in (2, 3, 5):
        helpers = Helpers(cores)
        try:
            for read, call in ((1.0, 1.0), (1.0, 5.0), (3.0, 0.5)):
                share = helpers.share(Model(call / 100), "s", read / 100, 100)
                ours = read + (1 - share) * call / (cores - 1)
                assert share * (read + call) == pytest.approx(ours)
                assert 0 < share < 1
            assert not helpers.share(Model(1e-7), "s", 1e-3, 100)
            assert not helpers.share(Model(), "s", 1e-3, 15)
        finally:
            helpers.stop()


@pytest.mark.skipif(
    len(os.sched_getaffinity(0)) < 2 if hasattr(os, "sched_getaffinity") else True,
    reason="where threads run can be said on Linux alone, and it takes two cores to choose from",
)
def test_a_helper_keeps_off_the_core_of_the_caller(helpers):
    model, here, all_cores = Model(), threading.get_native_id(), os.sched_getaffinity(0)
    try:
        for core in all_cores:
            os.sched_setaffinity(here, {core})
            model.calls.clear()
            helpers.predict(model, "s", {"x": np.arange(33)}, 33)
            assert {core} in [cores for *_, cores in model.calls]
            assert all_cores - {core} in [cores for *_, cores in model.calls]
    finally:
        os.sched_setaffinity(here, all_cores)
