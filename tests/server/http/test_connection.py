"""Raw bytes in, raw bytes out; the application behind is an echo."""

import asyncio
import socket
import threading
import time

import pytest

from kerasdl.server.http import Listener, Response
from kerasdl.server.launch import bind
from kerasdl.server.settings import Limits


class Echo:
    """Answers with method, target and body, at once or a little later."""

    def __init__(self, limits):
        self.listener = Listener(self.handle, limits)
        self.socket = bind("127.0.0.1", 0)
        self.port = self.socket.getsockname()[1]
        self.requests = []
        self.thread = threading.Thread(target=asyncio.run, args=[self.main()])

    async def main(self):
        self.loop = asyncio.get_running_loop()
        self.stop = asyncio.Event()
        await self.listener.start(self.socket)
        self.started.set()
        await self.stop.wait()
        await self.listener.stop(5)

    def handle(self, request, reply):
        self.requests.append(request)
        text = b"%b %b %b" % (request.method.encode(), request.target, request.body)
        response = Response(413 if request.too_long else 200, text)
        if b"later" in request.target:
            self.loop.call_later(0.1, reply, response)
        else:
            reply(response)

    def __enter__(self):
        self.started = threading.Event()
        self.thread.start()
        assert self.started.wait(10)
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def ask(self, data, *more, pause=0.05):
        """Everything that comes back until the server hangs up, or for two seconds."""
        with self.connect() as client:
            client.sendall(data)
            for piece in more:
                time.sleep(pause)
                client.sendall(piece)
            return read(client)


def read(client, seconds=2):
    client.settimeout(seconds)
    parts = []
    try:
        while part := client.recv(65536):
            parts.append(part)
    except TimeoutError:
        parts.append(b"<open>")
    except ConnectionError:
        parts.append(b"<reset>")
    return b"".join(parts)


LIMITS = Limits(body_bytes=1000, header_bytes=4000, connections=20, head_seconds=1, body_seconds=1)
CLOSE = b"Connection: close\r\n\r\n"


@pytest.fixture(scope="module")
def echo():
    with Echo(LIMITS) as echo:
        yield echo


def test_answer(echo):
    answer = echo.ask(b"POST /x?y#z HTTP/1.1\r\nContent-Length: 2\r\n" + CLOSE + b"hi")
    head, body = answer.split(b"\r\n\r\n")
    assert body == b"POST /x?y#z hi"
    assert head.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
    assert b"Content-Length: 14" in head
    assert b"Date: " in head
    assert b"Connection: close" in head


@pytest.mark.parametrize(
    "pieces",
    [
        tuple(bytes([byte]) for byte in b"GET /a HTTP/1.1\r\n" + CLOSE),
        (
            b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + CLOSE,
            b"1\r\nx\r\n",
            b"0\r\n\r\n",
        ),
    ],
)
def test_whatever_the_pieces(echo, pieces):
    answer = echo.ask(*pieces, pause=0.001)
    assert answer.startswith(b"HTTP/1.1 200")
    assert b" /a " in answer


def test_keep_alive_and_pipelining_keep_the_order(echo):
    requests = [
        b"GET /%d%b HTTP/1.1\r\nHost: x\r\n\r\n" % (i, b"later" if i % 3 == 0 else b"")
        for i in range(40)
    ]
    answer = echo.ask(b"".join(requests) + b"GET /last HTTP/1.1\r\n" + CLOSE)
    order = [int(part.split(b"later")[0].split(b" ")[0]) for part in answer.split(b"GET /")[1:-1]]
    assert order == list(range(40))
    assert answer.endswith(b"GET /last ")


def test_http_1_0(echo):
    answer = echo.ask(b"GET /a HTTP/1.0\r\n\r\n")
    assert b"Connection: close" in answer
    with echo.connect() as client:
        client.sendall(b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert b"Connection: keep-alive" in client.recv(4096)
        client.sendall(b"GET /b HTTP/1.0\r\n\r\n")
        assert b"GET /b" in read(client)


def test_expect_continue(echo):
    with echo.connect() as client:
        head = b"POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n" + CLOSE
        client.sendall(head)
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"hi")
        assert read(client).endswith(b"POST /a hi")


def test_head_has_no_body(echo):
    answer = echo.ask(b"HEAD /a HTTP/1.1\r\n" + CLOSE)
    assert answer.endswith(b"\r\n\r\n")
    assert b"Content-Length: 8" in answer


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"post /a HTTP/1.1\r\n\r\n", 501),
        (b"FOO /a HTTP/1.1\r\n\r\n", 501),
        (b"GET /a b HTTP/1.1\r\n\r\n", 400),
        ("GET /modèle HTTP/1.1\r\n\r\n".encode(), 400),
        (b"GET /a HTTP/1.1\r\nNoColon\r\n\r\n", 400),
        (b"GET /a HTTP/1.1\nHost: x\n\n", 400),  # TF Serving takes bare line feeds
        (b"POST /a HTTP/1.1\r\nContent-Length: -5\r\n\r\n", 400),
        (b"POST /a HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 400),
        (b"POST /a HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx", 400),
        (b"GET /a HTTP/1.1\r\nX: " + b"x" * 5000 + b"\r\n\r\n", 431),
        (b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\n\r\n", 431),
        (b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03", 501),
        (bytes(range(256)), 501),
    ],
)
def test_what_is_no_http_is_refused(echo, data, status):
    answer = echo.ask(data)
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer
    assert b"Connection: close" in answer
    assert b"<open>" not in answer


def test_long_bodies_are_dropped(echo):
    data = b"POST /a HTTP/1.1\r\nContent-Length: %d\r\n" + CLOSE
    assert echo.ask(data % 1000 + b"x" * 1000).startswith(b"HTTP/1.1 200 ")
    assert echo.ask(data % 1001 + b"x" * 1001).startswith(b"HTTP/1.1 413 ")
    assert echo.requests[-1].body == b""
    answer = echo.ask(data % 10**9, b"x" * 3000)  # it need not send all of it
    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("data", [b"", b"GET /a HTT", b"GET /a HTTP/1.1\r\nHost: x\r\n"])
def test_idle_and_slow_heads_end(echo, data):
    began = time.monotonic()
    with echo.connect() as client:
        client.sendall(data)
        answer = read(client, 10)
    assert b"<open>" not in answer
    assert (b"408" in answer) == bool(data)
    assert time.monotonic() - began < 5


def test_slow_bodies_end(echo):
    with echo.connect() as client:
        client.sendall(b"POST /a HTTP/1.1\r\nContent-Length: 900\r\n\r\n")
        answer = b""
        client.settimeout(0.2)
        deadline = time.monotonic() + 8
        while time.monotonic() < deadline:
            try:
                client.sendall(b"x")  # a byte now and then does not keep it alive
                answer = client.recv(4096)
            except TimeoutError:
                continue
            break
        assert answer.startswith(b"HTTP/1.1 408 ")


def test_more_connections_than_allowed_are_closed(echo):
    clients = [echo.connect() for _ in range(30)]
    time.sleep(0.2)
    closed = 0
    for client in clients:
        client.settimeout(0.05)
        try:
            closed += not client.recv(1)
        except TimeoutError:
            pass
        except ConnectionError:
            closed += 1
    assert closed >= 10
    for client in clients:
        client.close()
    time.sleep(0.2)
    assert echo.ask(b"GET /a HTTP/1.1\r\n" + CLOSE).startswith(b"HTTP/1.1 200")


def test_client_that_leaves_before_its_answer(echo):
    with echo.connect() as client:
        client.sendall(b"GET /later HTTP/1.1\r\n\r\n")
    time.sleep(0.3)
    assert echo.ask(b"GET /a HTTP/1.1\r\n" + CLOSE).startswith(b"HTTP/1.1 200")


def test_stop_lets_running_requests_finish():
    with Echo(LIMITS) as echo, echo.connect() as idle, echo.connect() as client:
        client.sendall(b"GET /later HTTP/1.1\r\n\r\n")
        time.sleep(0.03)
        echo.loop.call_soon_threadsafe(echo.stop.set)
        assert b"200 OK" in read(client)
        assert read(idle) == b""
