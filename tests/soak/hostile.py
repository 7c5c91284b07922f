"""Hostile load: what no client should send. Each must be answered, or hung up on, in time."""

import gzip
import json
import random
import socket
import threading
import time
import warnings

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from process import Server
from record import Record

_SECONDS = 60.0
_ALLOWED = {200, 400, 401, 404, 408, 411, 413, 414, 417, 429, 431, 500, 501, 503, 504, 505}
_PATHS = [
    "/v1/models/scale:predict",
    "/v1/models/half_plus_two:predict",
    "/v1/models/two_io:predict",
    "/v1/models/strings:predict",
    "/v1/models/dtypes:predict",
    "/v1/models/images:predict",
    "/v1/models/convolution:predict",
    "/v1/models/failing:predict",
    "/v1/models/half_plus_two:classify",
    "/v1/models/half_plus_two:regress",
    "/v1/models/half_plus_two/versions/123:predict",
    "/v1/models/half_plus_two/labels/stable:predict",
]
_SIGNATURES = ["", "serving_default", "vec", "scal", "anyshape", "i8", "u64", "bool", "mat", "nope"]

_leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=8)
    | st.just({"b64": "AAAA"})
    | st.just({"b64": "!"})
)
_json = st.recursive(
    _leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["x", "a", "b", "b64", "text"]), inner, max_size=3)
    ),
    max_leaves=12,
)
_requests = st.fixed_dictionaries(
    {},
    optional={
        "signature_name": st.sampled_from(_SIGNATURES) | _json,
        "instances": _json | st.lists(_json, max_size=4),
        "inputs": _json,
        "examples": st.lists(_json, max_size=3),
        "context": _json,
    },
)
_methods = st.sampled_from(["POST", "GET", "HEAD", "PUT", "OPTIONS", "BREW", "G\x00T"])
_targets = st.sampled_from(_PATHS) | st.text(max_size=40).map(lambda text: "/v1/models/" + text)
_headers = st.lists(
    st.sampled_from(
        [
            "Content-Length: 5",
            "Content-Length: -1",
            "Content-Length: 99999999999999999999",
            "Transfer-Encoding: chunked",
            "Transfer-Encoding: gzip, chunked",
            "Content-Encoding: gzip",
            "Content-Encoding: br",
            "Expect: 100-continue",
            "Upgrade: h2c",
            "Connection: close",
            "Authorization: Bearer x",
            "Host: ../../etc/passwd",
            "X: " + "y" * 5000,
            "no colon",
        ]
    ),
    max_size=4,
)


def post(target: str, body: bytes, *headers: str) -> bytes:
    lines = [f"POST {target} HTTP/1.1", "Host: soak", f"Content-Length: {len(body)}", *headers]
    return ("\r\n".join([*lines, "Connection: close"]) + "\r\n\r\n").encode() + body


class Generated(threading.Thread):
    """Requests that hypothesis makes up: JSON of any shape, HTTP of any form, raw bytes."""

    def __init__(self, server: Server, record: Record, seed: int):
        super().__init__(name=f"hostile-{seed}", daemon=True)
        self.server, self.record = server, record

    def run(self) -> None:
        warnings.simplefilter("ignore")
        options = settings(
            max_examples=100,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )

        @options
        @given(_requests, st.sampled_from(_PATHS))
        def any_json(request, path):
            body = json.dumps(request).encode("utf-8", "surrogatepass")
            self._send("hostile JSON", post(path, body))

        @options
        @given(_methods, _targets, _headers, st.binary(max_size=200))
        def any_http(method, target, headers, body):
            lines = [f"{method} {target} HTTP/1.1", *headers]
            head = "\r\n".join(lines).encode("utf-8", "surrogatepass")
            self._send("hostile HTTP", head + b"\r\n\r\n" + body)

        @options
        @given(st.binary(max_size=2000))
        def any_bytes(data):
            self._send("raw bytes", data)

        @options
        @given(st.sampled_from(_PATHS), st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=3))))
        def bent(path, changes):
            """A valid request with some of its bytes exchanged."""
            data = post(path, b'{"signature_name": "vec", "instances": [[1.0, 2.5, -3e2]]}')
            for where, new in changes:
                index = int(where * len(data))
                data = data[:index] + new + data[index + 1 :]
            self._send("bent request", data)

        while not self.record.stop.is_set():
            for generated in (any_json, any_http, any_bytes, bent):
                generated()

    def _send(self, kind: str, data: bytes) -> None:
        if not self.record.stop.is_set():
            exchange(self.server, self.record, kind, data)


def exchange(server: Server, record: Record, kind: str, data: bytes) -> None:
    """Send bytes and no more; an answer or the end of the connection must come."""
    began = time.monotonic()
    try:
        with socket.create_connection(("127.0.0.1", server.port), _SECONDS) as connection:
            answer = _talk(connection, data)
    except TimeoutError:
        record.fail(kind, f"no answer within {_SECONDS:g} s to {data[:300]!r}", began)
    except OSError as error:
        record.fail(kind, f"{error} after {data[:300]!r}", began)
        time.sleep(0.1)
    else:
        if problem := _problem(answer):
            record.fail(kind, f"{problem} to {data[:300]!r}", began)
        else:
            record.ok(kind)


def _talk(connection: socket.socket, data: bytes) -> bytes:
    answer = b""
    try:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
    except TimeoutError:
        raise
    except OSError:
        pass  # it has heard enough; what it had to say may still be read
    try:
        while piece := connection.recv(1 << 16):
            answer = (answer + piece)[: 1 << 20]
    except TimeoutError:
        raise
    except OSError:
        pass  # what was sent beyond what it wanted to read makes the kernel send this
    return answer


def _problem(answer: bytes) -> str:
    if not answer:
        return ""  # hung up without a word, as on half a request
    line = answer.split(b"\r\n", 1)[0].split(b" ")
    if not line[0].startswith(b"HTTP/1.") or len(line) < 2 or not line[1].isdigit():
        return f"no HTTP: {answer[:100]!r}"
    status = int(line[1])
    if status == 100:
        return _problem(answer.split(b"\r\n\r\n", 1)[1])
    if status not in _ALLOWED or b"Internal error" in answer or b"Traceback" in answer:
        return f"{answer[:300]!r}"
    return ""


class Heavy(threading.Thread):
    """Bodies that are huge, nested or blow up, and valid ones among them."""

    def __init__(self, server: Server, record: Record):
        super().__init__(name="heavy", daemon=True)
        self.server, self.record = server, record
        path = "/v1/models/half_plus_two:predict"
        numbers = b",".join([b"1.5"] * 300_000)
        zeros = gzip.compress(bytes(1 << 29), 1)  # 512 MiB in half a one
        self.requests = {
            "nested body": [
                post(path, b'{"instances":' + opening * 400_000)
                for opening in (b"[", b'{"x":', b'[{"b64":')
            ],
            "huge body": [
                post(path, b'{"instances": [' + numbers + b"]}"),
                post(path, b'{"instances": ["' + b"x" * (1 << 24) + b'"]}'),
                post("/v1/models/strings:predict", b'{"instances": ["' + b"x" * (1 << 22) + b'"]}'),
                post(path, b'{"' + b"k" * (1 << 22) + b'": 1}'),
                post(path, b'{"instances": [1' + b"0" * 100_000 + b"]}"),
            ],
            "gzip bomb": [post(path, zeros, "Content-Encoding: gzip")],
            "too long": [
                f"POST {path} HTTP/1.1\r\nContent-Length: {1 << 40}\r\n\r\n".encode(),
                b"GET /" + b"a" * (1 << 20) + b" HTTP/1.1\r\n\r\n",
                b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 100_000 + b"\r\n",
            ],
        }

    def run(self) -> None:
        while not self.record.stop.is_set():
            for kind, requests in self.requests.items():
                for request in requests:
                    if self.record.stop.wait(0.5):
                        return
                    exchange(self.server, self.record, kind, request)


class Slow(threading.Thread):
    """Clients that send a byte now and then, never read, or leave in the middle."""

    def __init__(self, server: Server, record: Record):
        super().__init__(name="slow", daemon=True)
        self.server, self.record = server, record

    def run(self) -> None:
        rng = random.Random(0)
        request = post("/v1/models/half_plus_two:predict", b'{"instances": [1.0, 2.0]}')
        held: list[tuple[socket.socket, int]] = []
        while not self.record.stop.wait(0.1):
            try:
                began = time.monotonic()
                connection = socket.create_connection(("127.0.0.1", self.server.port), _SECONDS)
                match rng.randrange(3):
                    case 0:  # leaves in the middle, politely or not
                        connection.sendall(request[: rng.randrange(len(request))])
                        if rng.random() < 0.5:  # a reset in place of an orderly end
                            linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
                            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                        connection.close()
                        self.record.ok("disconnect")
                    case 1:  # asks for much, reads nothing, leaves
                        connection.sendall(request.replace(b"close", b"keep-alive") * 200)
                        held.append((connection, 0))
                    case 2:
                        held.append((connection, 1))
            except OSError as error:
                self.record.fail("slow", str(error), began)
            held = [(c, self._drip(c, sent, request)) for c, sent in held]
            while len(held) > 60:
                held.pop(0)[0].close()
                self.record.ok("slow client")
        for connection, _ in held:
            connection.close()

    def _drip(self, connection: socket.socket, sent: int, request: bytes) -> int:
        if 0 < sent < len(request):
            try:
                connection.sendall(request[sent - 1 : sent])
            except OSError:
                return 0  # the server is tired of it, as it may
            return sent + 1
        return sent
