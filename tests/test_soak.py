"""The soak itself runs, and a server passes a short one."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

TESTS = Path(__file__).parent


@pytest.mark.slow
@pytest.mark.timeout(900)  # on a busy machine the server starts slowly, and it does so twice
def test_a_short_soak(tmp_path):
    done = subprocess.run(
        [sys.executable, TESTS / "soak", "--minutes", "0.2", "--log", tmp_path / "server.log"],
        env=os.environ | {"PYTHONPATH": str(TESTS.parent)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    for load in ("valid over REST", "valid over gRPC", "hostile HTTP", "lost in the kill"):
        assert load in done.stdout


@pytest.fixture
def soak(monkeypatch):
    """The modules of the soak can be imported."""
    monkeypatch.syspath_prepend(TESTS / "soak")


def test_only_the_kill_excuses(soak):
    from record import Record

    record = Record()
    before = time.monotonic()
    record.fail("early", "no answer", before)
    record.down()
    record.fail("during", "refused", time.monotonic())
    record.fail("cut off", "reset", before)
    record.up()
    record.fail("sent before it was up, failed after", "reset", before)
    time.sleep(0.01)
    record.fail("late", "no answer", time.monotonic())
    assert record.counts == {"WRONG": 2, "lost in the kill": 3}
    assert record.wrong == ["early: no answer", "late: no answer"]


@pytest.mark.parametrize(
    ("answer", "fine"),
    [
        (b"", True),
        (b'HTTP/1.1 400 Bad Request\r\n\r\n{"error": "no"}', True),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 Bad Request\r\n\r\n", True),
        (b'HTTP/1.1 500 Internal Server Error\r\n\r\n{"error": "Internal error"}', False),
        (b"HTTP/1.1 200 OK\r\n\r\nTraceback (most recent call last)", False),
        (b"HTTP/1.1 302 Found\r\n\r\n", False),
        (b"hello", False),
    ],
)
def test_answers_to_hostile_requests_are_judged(soak, answer, fine):
    from hostile import _problem

    assert (_problem(answer) == "") == fine


def test_a_version_answers_only_while_it_is_there(soak, tmp_path):
    from churn import FACTORS, Churn, factor_of
    from record import Record

    for index in range(FACTORS):
        (tmp_path / "templates" / str(index)).mkdir(parents=True)
    (tmp_path / "scale").mkdir()
    churn = Churn(tmp_path / "templates", tmp_path / "scale", None, Record())
    now = time.monotonic()
    assert churn.could_answer(factor_of(1), now) == [1]
    assert churn.could_answer(factor_of(2), now) == []
    churn.lifetimes[2] = [now - 200, now - 100]
    assert churn.could_answer(factor_of(2), now) == []
    assert churn.could_answer(factor_of(2), now - 150) == [2]
