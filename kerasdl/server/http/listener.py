"""Accepts connections on a socket, hands their requests on, and ends those that stall."""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import Callable
from email.utils import formatdate

from kerasdl.server.http.connection import Connection
from kerasdl.server.http.message import Request, Response
from kerasdl.server.settings import Limits

Reply = Callable[[Response], None]

_LOOK_SECONDS = 1.0


class Listener:
    """Serves HTTP on a socket, on the event loop of the calling thread.

    Args:
        handle: called with each request and with what takes its answer, once, on this loop.
        limits: what one client may ask.
        backlog: connections that may wait to be accepted.
    """

    def __init__(
        self, handle: Callable[[Request, Reply], None], limits: Limits, backlog: int = 2048
    ):
        self.handle = handle
        self.limits = limits
        self.backlog = backlog
        self.stopping = False
        self.date = b""
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None

    async def start(self, listener: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Accept connections from now on."""
        loop = asyncio.get_running_loop()
        self._look()
        self._server = await loop.create_server(
            lambda: Connection(self), sock=listener, ssl=tls, backlog=self.backlog
        )

    async def stop(self, seconds: float) -> None:
        """Accept no more, let running requests finish, and hang up."""
        self.stopping = True
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            if connection.current is None:
                connection.end()
        deadline = time.monotonic() + seconds
        while self._connections and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        for connection in list(self._connections):
            with contextlib.suppress(AttributeError):
                connection.transport.abort()

    def opened(self, connection: Connection) -> None:
        """A connection stands."""
        if len(self._connections) >= self.limits.connections:
            connection.transport.abort()
        else:
            self._connections.add(connection)

    def lost(self, connection: Connection) -> None:
        """A connection is gone."""
        self._connections.discard(connection)

    def _look(self) -> None:
        self.date = f"Date: {formatdate(usegmt=True)}\r\n".encode()
        now = time.monotonic()
        for connection in list(self._connections):
            connection.check(now)
        if not self.stopping:
            asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)
