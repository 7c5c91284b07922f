"""One connection of a client."""

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING

import httptools

from kerasdl.server.http.message import Request, Response, page

if TYPE_CHECKING:
    from kerasdl.server.http.listener import Listener

_PIPELINED = 16  # requests that one connection may send ahead of their answers
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_SLOWEST = 1024  # bytes a second of a body, once its grace is over


class Connection(asyncio.Protocol):
    """Reads the requests of one client and answers them in their order.

    Args:
        listener: what accepted it.
    """

    def __init__(self, listener: "Listener"):
        self.listener = listener
        self.limits = listener.limits
        self.transport: asyncio.Transport | None = None
        self.peer = ""
        self.waiting: deque[tuple[Request, bool, bool]] = deque()
        self.current: Request | None = None
        self.reading_paused = False
        self.stalled_since: float | None = None  # the client does not take its answer
        self.closing = False  # nothing more is read
        self.since = time.monotonic()
        self.reading_body = False
        self.parser = httptools.HttpRequestParser(self)
        self.on_message_begin()

    # ---- of the transport --------------------------------------------------------------------

    def connection_made(self, transport) -> None:
        """Called when the connection stands."""
        self.transport = transport
        address = transport.get_extra_info("peername")
        self.peer = address[0] if isinstance(address, tuple) else ""
        self.listener.opened(self)

    def connection_lost(self, error) -> None:
        """Called when it is gone; what still runs for it is answered into the void."""
        self.closing = True
        self.waiting.clear()
        self.transport = None
        self.listener.lost(self)

    def data_received(self, data: bytes) -> None:
        """Called with the next bytes."""
        if self.closing:
            return
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.closing = True  # to a protocol that is not spoken here: this answer is the last
        except httptools.HttpParserInvalidMethodError:
            self._refuse(501)
        except httptools.HttpParserError as error:
            # An exception of one of the callbacks below comes wrapped.
            cause = error.__context__
            self._refuse(cause.status if isinstance(cause, _Refused) else 400)

    def pause_writing(self) -> None:
        """Called when the client does not read as fast as it is answered."""
        self.stalled_since = time.monotonic()

    def resume_writing(self) -> None:
        """Called when it has caught up."""
        self.stalled_since = None

    def eof_received(self) -> bool:
        """Called when the client sends no more; keeps the connection if it waits for an answer."""
        self.closing = True
        return self.current is not None

    # ---- of the parser -----------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A request begins."""
        self.target = b""
        self.headers: dict[bytes, bytes] = {}
        self.head_bytes = 0
        self.chunks: list[bytes] = []
        self.body_bytes = 0
        self.reading_body = False
        self.since = time.monotonic()

    def on_url(self, piece: bytes) -> None:
        """A piece of its target."""
        self.target += piece
        self._count_head(len(piece))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        self.headers[name.lower()] = value
        self._count_head(len(name) + len(value))

    def on_headers_complete(self) -> None:
        """All headers are there."""
        self.reading_body = True
        self.since = time.monotonic()
        if self.headers.get(b"expect", b"").lower() == b"100-continue":
            self.transport.write(_CONTINUE)

    def on_body(self, piece: bytes) -> None:
        """A piece of the body. What is too long is read and dropped, up to twice the limit."""
        self.body_bytes += len(piece)
        if self.body_bytes <= self.limits.body_bytes:
            self.chunks.append(piece)
        elif self.body_bytes > 2 * self.limits.body_bytes:
            raise _Refused(413)
        else:
            self.chunks.clear()

    def on_message_complete(self) -> None:
        """The request is whole."""
        chunks = self.chunks
        request = Request(
            self.parser.get_method().decode("latin-1"),
            self.target,
            self.headers,
            chunks[0] if len(chunks) == 1 else b"".join(chunks),
            self.peer,
            time.perf_counter(),
            self.body_bytes > self.limits.body_bytes,
        )
        self.reading_body = False
        self.chunks = []
        old = self.parser.get_http_version() == "1.0"
        close = not self.parser.should_keep_alive()
        if self.current is None:
            self._start(request, close, old)
            return
        self.waiting.append((request, close, old))
        if len(self.waiting) >= _PIPELINED and not self.reading_paused:
            self.reading_paused = True
            self.transport.pause_reading()

    def _count_head(self, length: int) -> None:
        self.head_bytes += length + 4
        if self.head_bytes > self.limits.header_bytes:
            raise _Refused(431)

    # ---- answers -----------------------------------------------------------------------------

    def _start(self, request: Request, close: bool, old: bool) -> None:
        self.current = request
        self.close_after, self.old = close, old
        self.listener.handle(request, self.reply)

    def reply(self, response: Response) -> None:
        """Send the answer to the current request, then take up the next."""
        request, self.current = self.current, None
        if self.transport is None:
            return
        close = response.close or self.close_after or self.closing or self.listener.stopping
        self.transport.write(
            response.encode(self.listener.date, close, self.old, request.method == "HEAD")
        )
        self.since = time.monotonic()
        if close:
            self.end()
        elif self.waiting:
            if self.reading_paused:
                self.reading_paused = False
                self.transport.resume_reading()
            self._start(*self.waiting.popleft())

    def _refuse(self, status: int) -> None:
        """Answer what is no HTTP, or too much of it, and hang up."""
        self.closing = True
        if self.current is not None:
            return  # its answer is the last
        if self.transport is not None:
            self.transport.write(page(status).encode(self.listener.date, True, False, False))
            self.end()

    def end(self) -> None:
        """Send what is left to send and hang up."""
        self.closing = True
        self.waiting.clear()
        if self.transport is not None:
            self.transport.close()

    def check(self, now: float) -> None:
        """End a connection whose client is too slow, or that has been idle for too long."""
        if self.transport is None:
            return
        if self.stalled_since is not None:
            if now - self.stalled_since > self.limits.body_seconds:
                self.transport.abort()
        elif self.current is not None:
            pass  # it is us that it waits for
        elif self.reading_body:
            if now - self.since > self.limits.body_seconds + self.body_bytes / _SLOWEST:
                self._refuse(408)
        elif now - self.since > self.limits.head_seconds:
            if self.head_bytes:
                self._refuse(408)
            else:
                self.end()


class _Refused(Exception):
    def __init__(self, status: int):
        super().__init__(status)
        self.status = status
