"""Retries, timeouts and answers of something else, against a server that does as a test says."""

import asyncio
import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kerasdl.client import (
    AsyncClient,
    Client,
    ConnectionFailed,
    DeadlineExceeded,
    ServerError,
    Unauthorized,
    Unavailable,
)

GOOD = (200, {}, b'{"predictions": [1]}')
BUSY = (503, {}, b'{"error": "busy"}')


def drop(handler):
    """Close the connection in place of an answer."""
    handler.close_connection = True


@contextlib.contextmanager
def scripted(*script):
    """A server that takes a step of the script for each request; gives its URL and the requests."""
    steps, seen = list(script), []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            seen.append((time.monotonic(), self.command, self.path, dict(self.headers), body))
            step = steps.pop(0) if steps else GOOD
            if callable(step):
                step(self)
                return
            status, headers, answer = step
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ask_sync(url, **options):
    with Client(url, **options) as client:
        return client.predict("m", [1])


def ask_async(url, **options):
    async def ask():
        async with AsyncClient(url, **options) as client:
            return await client.predict("m", [1])

    return asyncio.run(ask())


ASK = pytest.mark.parametrize("ask", [ask_sync, ask_async])


@ASK
@pytest.mark.parametrize("failures", [[BUSY], [drop], [BUSY, drop, BUSY]])
def test_busy_and_broken_are_tried_again(ask, failures):
    with scripted(*failures) as (url, seen):
        assert ask(url) == [1]
    assert len(seen) == len(failures) + 1
    assert len({(path, body) for _, _, path, _, body in seen}) == 1


@ASK
def test_retry_after_is_honoured(ask):
    with scripted((503, {"Retry-After": "1"}, b"{}")) as (url, seen):
        assert ask(url) == [1]
    assert 0.95 < seen[1][0] - seen[0][0] < 5


@ASK
def test_waiting_has_an_end(ask):
    busy = (503, {"Retry-After": "3600"}, b'{"error": "busy"}')
    with scripted(*[busy] * 9) as (url, seen):
        started = time.monotonic()
        with pytest.raises(Unavailable):
            ask(url, timeout=1)
    assert time.monotonic() - started < 20
    assert len(seen) == 2


@ASK
def test_retries_run_out(ask):
    with scripted(*[BUSY] * 9) as (url, seen):
        with pytest.raises(Unavailable, match="busy") as caught:
            ask(url, retries=2)
        assert (caught.value.status, len(seen)) == (503, 3)
    with scripted(*[drop] * 9) as (url, seen):
        with pytest.raises(ConnectionFailed):
            ask(url, retries=1)
        assert len(seen) == 2


@ASK
@pytest.mark.parametrize("status", [400, 404, 413, 429, 500, 502, 504])
def test_nothing_else_is_tried_again(ask, status):
    with scripted((status, {}, b'{"error": "no"}')) as (url, seen):
        with pytest.raises(ServerError) as caught:
            ask(url)
        assert caught.value.status == status
        assert isinstance(caught.value, DeadlineExceeded) == (status == 504)
        assert [command for _, command, *_ in seen].count("POST") == 1


@ASK
def test_slow_is_not_tried_again(ask):
    with scripted(lambda handler: time.sleep(1)) as (url, seen):
        with pytest.raises(ConnectionFailed, match=r"nothing within 0\.2 seconds"):
            ask(url, timeout=0.2)
        assert len(seen) == 1


def test_waits_are_random_and_grow(monkeypatch):
    waits = []
    monkeypatch.setattr("httpx_retries.retry.time.sleep", waits.append)
    for _ in range(20):
        with scripted(*[BUSY] * 3) as (url, _):
            ask_sync(url)
    for n, limit in enumerate([0.2, 0.4, 0.8]):
        nth = waits[n::3]
        assert len(set(nth)) == 20
        assert 0 <= min(nth)
        assert max(nth) <= limit
    assert max(waits) > 0.4  # the chance of 20 draws from 0 to 0.8 below it is one in a million


@ASK
@pytest.mark.parametrize("status", [200, 502])
def test_answer_of_something_else(ask, status):
    with scripted((status, {}, b"<html>")) as (url, _), pytest.raises(ServerError) as caught:
        ask(url)
    assert caught.value.status == status


@ASK
def test_token_travels_and_a_wrong_one_is_told(ask):
    refused = (401, {}, b'{"error": "bearer token required"}')
    with scripted(GOOD, refused) as (url, seen):
        ask(url, token="s3cret")
        assert seen[0][3]["Authorization"] == "Bearer s3cret"
        with pytest.raises(Unauthorized, match="KERASDL_SERVING_TOKEN") as caught:
            ask(url, token="s3cret")
    assert "s3cret" not in str(caught.value)


@ASK
def test_nobody_there(ask):
    with pytest.raises(ConnectionFailed) as caught:
        ask("http://127.0.0.1:9", retries=1)
    assert "No answer from http://127.0.0.1:9: " in str(caught.value)
    assert "kerasdl serve DIR --port 9" in str(caught.value)


@ASK
def test_a_hint_that_cannot_be_had_hides_nothing(ask):
    refused = (400, {}, b'{"error": "does not fit"}')
    for metadata in ((404, {}, b"{}"), (200, {}, b"{}"), (200, {}, b"[]"), drop):
        with (
            scripted(refused, *[metadata] * 4) as (url, _),
            pytest.raises(ServerError, match="does not fit") as caught,
        ):
            ask(url)
        assert caught.value.hint == ""


def test_request_goes_out_in_tf_servings_form():
    with scripted() as (url, seen), Client(url) as client:
        client.predict("m x", instances=[b"PNG"], signature_name="s", version=3)
        client.predict("m", instances=[1], version="stable")
    _, method, path, headers, body = seen[0]
    assert (method, path) == ("POST", "/v1/models/m%20x/versions/3:predict")
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body) == {"signature_name": "s", "instances": [{"b64": "UE5H"}]}
    assert seen[1][2] == "/v1/models/m/labels/stable:predict"


def test_classify_and_regress():
    classes = (200, {}, b'{"results": [[["cat", 0.25], ["dog", NaN]]]}')
    numbers = (200, {}, b'{"results": [0.5, Infinity]}')
    with scripted(classes, numbers) as (url, seen), Client(url) as client:
        ((cat, dog),) = client.classify("m", [{"x": 1.5, "s": b"\xff"}], context={"k": [1, 2]})
        assert cat == ("cat", 0.25)
        assert dog[1] != dog[1]
        answer = client.regress("m", iter([{"x": 1}, {"x": 2}]), signature_name="s", version=1)
        assert answer.tolist() == [0.5, float("inf")]
    assert seen[0][2] == "/v1/models/m:classify"
    assert json.loads(seen[0][4]) == {
        "context": {"k": [1, 2]},
        "examples": [{"x": 1.5, "s": {"b64": "/w=="}}],
    }
    assert seen[1][2] == "/v1/models/m/versions/1:regress"
    assert json.loads(seen[1][4]) == {"signature_name": "s", "examples": [{"x": 1}, {"x": 2}]}
