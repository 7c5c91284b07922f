"""A request and a response, as the front and the application pass them to each other."""

from http import HTTPStatus

JSON = b"application/json"
HTML = b"text/html"
TEXT = b"text/plain"

_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
} | {499: b"HTTP/1.1 499 Client Closed Request\r\n"}


class Request:
    """One HTTP request.

    Args:
        method: as sent.
        target: path and query, percent escapes as they came.
        headers: by name in lower case; of repeated ones the last.
        body: as sent, not decompressed.
        peer: address of the client.
        started: `time.perf_counter()` when it was whole.
        too_long: whether the body was dropped because it is longer than is taken.
    """

    __slots__ = (
        "body", "headers", "id", "length", "method", "peer", "started", "target", "too_long"
    )  # fmt: skip

    def __init__(
        self,
        method: str,
        target: bytes,
        headers: dict[bytes, bytes],
        body: bytes = b"",
        peer: str = "",
        started: float = 0.0,
        too_long: bool = False,
    ):
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        self.peer = peer
        self.started = started
        self.too_long = too_long
        self.length = len(body)
        self.id = b""


class Response:
    """One HTTP response.

    Args:
        status: status code.
        body: what follows the headers.
        kind: its `Content-Type`.
        headers: further header lines, each with its line end.
        close: whether the connection ends with it.
    """

    __slots__ = ("body", "close", "headers", "kind", "status")

    def __init__(
        self,
        status: int,
        body: bytes = b"",
        kind: bytes = JSON,
        headers: bytes = b"",
        close: bool = False,
    ):
        self.status = status
        self.body = body
        self.kind = kind
        self.headers = headers
        self.close = close

    def encode(self, date: bytes, close: bool, old: bool, head: bool) -> bytes:
        """The bytes to send.

        Args:
            date: the `Date` header.
            close: whether the connection ends now.
            old: whether the client speaks HTTP/1.0.
            head: whether only the headers were asked for.
        """
        connection = b""
        if close:
            connection = b"Connection: close\r\n"
        elif old:
            connection = b"Connection: keep-alive\r\n"
        return b"%bContent-Type: %b\r\nContent-Length: %d\r\n%b%b%b\r\n%b" % (
            _STATUS_LINES[self.status],
            self.kind,
            len(self.body),
            date,
            connection,
            self.headers,
            b"" if head else self.body,
        )


def page(status: int) -> Response:
    """An error page like those that TF Serving's HTTP library sends by itself."""
    title = HTTPStatus(status).phrase
    text = (
        f"<HTML><HEAD>\n<TITLE>{status} {title}</TITLE>\n</HEAD><BODY>\n"
        f"<H1>{title}</H1>\n</BODY></HTML>\n"
    )
    return Response(status, text.encode(), HTML, close=True)
