"""A request and what becomes of it, until it is answered."""

import logging
import time
from typing import TYPE_CHECKING

from kerasdl.server.codec.pretty import brace, quote
from kerasdl.server.errors import HTTP_STATUS, ServingError
from kerasdl.server.http import Request, Response
from kerasdl.server.metrics import REQUEST_LATENCY, REQUESTS

if TYPE_CHECKING:
    from kerasdl.server.access import AccessLog
    from kerasdl.server.batching.job import Job

logger = logging.getLogger("kerasdl.server")

CORS = (
    b"Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Methods: POST, GET\r\n"
    b"Access-Control-Allow-Headers: Content-Type\r\n"
)
_FURTHER = {401: b"WWW-Authenticate: Bearer\r\n", 503: b"Retry-After: 1\r\n"}
_CODES = {status: code for code, status in reversed(HTTP_STATUS.items())}


class Exchange:
    """A request and what becomes of it. All but `job` belongs to the event loop.

    Args:
        request: the request.
        send: takes the answer.
        log: where it is noted.
    """

    __slots__ = (
        "action", "cors", "counted", "deadline", "done", "job", "log", "model", "request", "send"
    )  # fmt: skip

    def __init__(self, request: Request, send, log: "AccessLog | None"):
        self.request = request
        self.send = send
        self.log = log
        self.done = False
        self.counted = False
        self.cors = False
        self.job: Job | None = None
        self.deadline = 0.0
        self.model = ""  # under which it is counted; empty if there is no such model
        self.action = ""

    def reply(self, response: Response) -> None:
        """Send the answer, unless one was sent already."""
        if self.done:
            return
        self.done = True
        self.job = None  # with its arrays
        status = response.status
        if self.cors:
            response.headers += CORS
        if status in _FURTHER:
            response.headers += _FURTHER[status]
        if self.request.id:
            response.headers += b"X-Request-Id: %b\r\n" % self.request.id
        REQUESTS.add((self.model, _CODES.get(status, "INVALID_ARGUMENT")))
        took = time.perf_counter() - self.request.started
        if status == 200:
            REQUEST_LATENCY.observe((self.model, self.action, "REST"), took * 1e6)
        if self.log is not None:
            self.log.write(self.request, response, self.model, took)
        self.send(response)

    def fail(self, error: ServingError) -> None:
        """Answer with an error."""
        self.reply(error_response(error))


def error_response(error: ServingError) -> Response:
    """The answer that tells a client of an error."""
    body = b""
    if error.message:
        text = brace({"error": quote(error.message)}, 0)
        body = text.encode("utf-8", "surrogateescape")
    return Response(error.http_status, body)


def fault(what: str, *arguments) -> Response:
    """The answer to a fault of ours: the details belong in the log, not in the answer."""
    logger.exception(what, *arguments)
    return error_response(ServingError("Internal error", "INTERNAL"))
