"""What can go wrong between client and server."""

from urllib.parse import urlsplit


class ServerError(RuntimeError):
    """The server answered, but with an error. Programs may tell its kinds below apart.

    Args:
        status: HTTP status.
        message: what the server said.
        hint: how to mend the request, where that can be told.
    """

    def __init__(self, status: int, message: str, hint: str = ""):
        super().__init__(f"{message} (HTTP status {status})" + (f"\n{hint}" if hint else ""))
        self.status = status
        self.message = message
        self.hint = hint

    def __reduce__(self):  # else a process pool could not hand it on
        return type(self), (self.status, self.message, self.hint)


class BadRequest(ServerError):
    """400: the request does not fit the model, or the API."""


class Unauthorized(ServerError):
    """401 and 403: no bearer token, or a wrong one."""


class NotFound(ServerError):
    """404: no such model or version, or it is not loaded."""


class Unavailable(ServerError):
    """503: the server has more to do than it can, and still had after all retries."""


class DeadlineExceeded(ServerError):
    """504: the server gave up, its own time limit being over."""


_KINDS = {
    400: BadRequest,
    401: Unauthorized,
    403: Unauthorized,
    404: NotFound,
    503: Unavailable,
    504: DeadlineExceeded,
}


def server_error(status: int, message: str, hint: str = "") -> ServerError:
    """The error that belongs to a status.

    Example:
        >>> server_error(404, "Servable not found for request: Latest(m)")
        NotFound('Servable not found for request: Latest(m) (HTTP status 404)')
    """
    return _KINDS.get(status, ServerError)(status, message, hint)


class ConnectionFailed(ConnectionError):
    """No answer came: the server is not there, or it took too long.

    Args:
        url: where the server was looked for.
        reason: what went wrong.
    """

    def __init__(self, url: str, reason: str):
        parts = urlsplit(url)
        text = f"No answer from {url}: {reason}."
        if parts.scheme == "http":
            text += (
                " A server on this machine is started with: "
                f"kerasdl serve DIR --port {parts.port or 80}"
            )
        super().__init__(text)
        self.url = url
        self.reason = reason

    def __reduce__(self):
        return type(self), (self.url, self.reason)
