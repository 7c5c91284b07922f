"""The client for programs with an event loop."""

import os
import ssl
from functools import partial
from typing import Any

import httpx

from kerasdl.client.calls import Call, Calls
from kerasdl.client.connection import DEFAULT_URL, Connection
from kerasdl.client.conversation import converse
from kerasdl.client.errors import ConnectionFailed


class AsyncClient(Calls):
    """`Client` for asyncio and trio: the same arguments and methods, each of which is awaited.

    Example::

        async with AsyncClient("http://127.0.0.1:8501") as client:
            answers = await asyncio.gather(*(client.predict("m", [x]) for x in examples))

    Raises:
        InputError: the URL is none, or another argument cannot be used.
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
        self._http = httpx.AsyncClient(**self._connection.options(asynchronous=True))

    @property
    def url(self) -> str:
        """Base URL of the server."""
        return self._connection.url

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(self, *error) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _ask(self, call: Call) -> Any:
        conversation = converse(call)
        step = partial(next, conversation)
        while True:
            try:
                request = step()
            except StopIteration as done:
                return done.value
            try:
                step = partial(conversation.send, await self._send(request))
            except ConnectionFailed as error:
                step = partial(conversation.throw, error)

    async def _send(self, call: Call) -> httpx.Response:
        with self._connection.failures():
            return await self._http.request(**self._connection.request(call))
