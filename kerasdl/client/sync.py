"""The client that waits for each answer."""

import os
import ssl
from functools import partial
from typing import Any

import httpx

from kerasdl.client.calls import Call, Calls
from kerasdl.client.connection import DEFAULT_URL, Connection
from kerasdl.client.conversation import converse
from kerasdl.client.errors import ConnectionFailed


class Client(Calls):
    """Asks a server for predictions. Keeps its connection; close it, or use it in a `with` block.

    A request whose connection breaks, and one that is answered with 503, is sent again after a
    random time that grows, or the time that the server asks for (`Retry-After`).

    Args:
        url: base URL of the server, without `/v1`.
        timeout: seconds to wait for each answer.
        retries: how often a request is sent again.
        token: bearer token, for a server that asks for one; else that of the environment variable
            `KERASDL_SERVING_TOKEN`, if set.
        verify: for https, how the server's certificate is checked: `True` by the usual
            authorities, a path names a file with others, an `ssl.SSLContext` is used as it is,
            `False` checks nothing.

    Raises:
        InputError: the URL is none, or another argument cannot be used.

    Example:
        >>> with Client("http://127.0.0.1:8501") as client:
        ...     client
        Client('http://127.0.0.1:8501')
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        timeout: float = 30.0,
        *,
        retries: int = 3,
        token: str | None = None,
        verify: bool | str | os.PathLike | ssl.SSLContext = True,
    ):
        self._connection = Connection(url, timeout, retries, token, verify)
        self._http = httpx.Client(**self._connection.options(asynchronous=False))

    @property
    def url(self) -> str:
        """Base URL of the server."""
        return self._connection.url

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *error) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def _ask(self, call: Call) -> Any:
        conversation = converse(call)
        step = partial(next, conversation)
        while True:
            try:
                request = step()
            except StopIteration as done:
                return done.value
            try:
                step = partial(conversation.send, self._send(request))
            except ConnectionFailed as error:
                step = partial(conversation.throw, error)

    def _send(self, call: Call) -> httpx.Response:
        with self._connection.failures():
            return self._http.request(**self._connection.request(call))
