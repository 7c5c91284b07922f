"""Where the server is, and how it is reached: address, token, TLS, timeouts, retries."""

import contextlib
import os
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx
from httpx_retries import Retry, RetryTransport

from kerasdl.client.calls import Call
from kerasdl.client.errors import ConnectionFailed
from kerasdl.errors import InputError

DEFAULT_URL = "http://127.0.0.1:8501"
TOKEN_VARIABLE = "KERASDL_SERVING_TOKEN"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_MOST_CONNECT_SECONDS = 10.0
_BACKOFF_SECONDS = 0.1  # the n-th retry comes after a random time below this times 2ⁿ
# A predict request changes nothing on the server, so one whose connection broke may be sent again.
# One that took too long may not: it would double the load of a server that is too slow already.
_RETRIED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.ReadError,
    httpx.WriteError,
    httpx.RemoteProtocolError,
)


@dataclass(frozen=True)
class Connection:
    """The arguments of a client, checked.

    Args:
        url: base URL of the server, without `/v1`.
        timeout: seconds to wait for each answer.
        retries: how often a request is sent again.
        token: bearer token; `None` takes that of the environment, an empty one sends none.
        verify: `True` checks the server's certificate by the usual authorities, a path names a file
            with others, an `ssl.SSLContext` is used as it is, `False` checks nothing.

    Raises:
        InputError: one of them cannot be used.
    """

    url: str
    timeout: float
    retries: int
    token: str | None = field(repr=False)
    verify: bool | str | os.PathLike | ssl.SSLContext

    def __post_init__(self):
        object.__setattr__(self, "url", _checked_url(self.url))
        if not (isinstance(self.timeout, (int, float)) and self.timeout > 0):
            raise InputError(
                f"`timeout` must be a positive number of seconds, received {self.timeout!r}."
            )
        if not (isinstance(self.retries, int) and self.retries >= 0):
            raise InputError(f"`retries` must be 0 or more, received {self.retries!r}.")
        token = self.token
        if token is None:
            token = os.environ.get(TOKEN_VARIABLE, "").strip()
        if not (token.isascii() and token.isprintable() and " " not in token):
            # Without the value: messages end up in logs.
            raise InputError("`token` must be printable ASCII without spaces.")
        object.__setattr__(self, "token", token)

    def options(self, asynchronous: bool) -> dict[str, Any]:
        """Arguments for `httpx.Client` or `httpx.AsyncClient`."""
        kind = httpx.AsyncHTTPTransport if asynchronous else httpx.HTTPTransport
        transport = kind(
            verify=_tls(self.verify) if self.url.startswith("https:") else False,
            proxy=_proxy(self.url),
            # As many at once as the program asks for: the server has a queue of its own.
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=100),
        )
        retry = Retry(
            total=self.retries,
            allowed_methods=("GET", "POST"),
            status_forcelist=(503,),
            retry_on_exceptions=_RETRIED,
            backoff_factor=_BACKOFF_SECONDS,
            max_backoff_wait=self.timeout,
            total_timeout=self.timeout,  # of sleeping, whatever Retry-After says
        )
        return {
            "transport": RetryTransport(transport=transport, retry=retry),
            "timeout": httpx.Timeout(
                self.timeout, connect=min(self.timeout, _MOST_CONNECT_SECONDS)
            ),
            "headers": {"Authorization": f"Bearer {self.token}"} if self.token else {},
            "trust_env": False,  # no proxy of httpx's own choice, no .netrc
        }

    def request(self, call: Call) -> dict[str, Any]:
        """Arguments for `request` of httpx."""
        headers = {"Content-Type": "application/json"} if call.body is not None else {}
        return {
            "method": call.method,
            "url": self.url + call.path,
            "content": call.body,
            "headers": headers,
        }

    @contextlib.contextmanager
    def failures(self) -> Iterator[None]:
        """Turn failures below HTTP into `ConnectionFailed`."""
        try:
            yield
        except httpx.TimeoutException as error:
            reason = f"nothing within {self.timeout:g} seconds"
            raise ConnectionFailed(self.url, reason) from error
        except httpx.RequestError as error:
            reason = str(error) or type(error).__name__
            raise ConnectionFailed(self.url, reason.rstrip(".")) from error


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        valid = valid and not (parts.query or parts.fragment)
    except (ValueError, AttributeError, TypeError):  # such as a port that is no number
        valid = False
    if not valid:
        raise InputError(f"`url` must look like {DEFAULT_URL}, received {url!r}.")
    if parts.username is not None or parts.password is not None:
        raise InputError("`url` must hold no user name or password; give `token`.")
    return url.rstrip("/")


def _proxy(url: str) -> str | None:
    """The proxy of the environment, which is for the world outside, not for this machine."""
    parts = urlsplit(url)
    if parts.hostname in _LOOPBACK or proxy_bypass(parts.hostname):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


def _tls(verify: bool | str | os.PathLike | ssl.SSLContext) -> bool | ssl.SSLContext:
    if isinstance(verify, (bool, ssl.SSLContext)):
        return verify
    try:
        return ssl.create_default_context(cafile=os.fspath(verify))
    except (OSError, TypeError) as error:  # a broken file is an `ssl.SSLError`, an OSError
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"`verify` must be True, False, an SSL context or a file with certificates; "
            f"cannot read {verify!r}: {reason}."
        ) from error
