"""The ASGI application: one HTTP request in, TF Serving's answer out."""

import asyncio
import contextlib
import logging
import zlib
from concurrent.futures import Executor

from kerasdl.server import routes
from kerasdl.server.codec import decode_predict, encode_predict
from kerasdl.server.codec.pretty import brace, quote
from kerasdl.server.errors import ServingError
from kerasdl.server.metadata import status_json
from kerasdl.server.models import ModelStore

logger = logging.getLogger("kerasdl.server")

_METHODS = {"GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS"}  # that TF Serving knows
_JSON = "application/json"
_HTML = "text/html"
_PAGES = {400: "Bad Request", 404: "Not Found", 501: "Not Implemented"}


class App:
    """Answers requests from the models of a store.

    Args:
        store: the models.
        executor: runs the model calls, so that the event loop stays free.
        max_body_bytes: longest request body, before and after decompression; a longer one is
            answered with 413.
    """

    def __init__(self, store: ModelStore, executor: Executor, max_body_bytes: int = 1 << 28):
        self.store = store
        self.executor = executor
        self.max_body_bytes = max_body_bytes

    async def __call__(self, scope, receive, send) -> None:
        """Handle one connection event of ASGI; only HTTP requests are expected."""
        if scope["type"] != "http":
            return
        try:
            status, kind, body = await self._answer(scope, receive)
        except _Disconnected:
            return
        except ServingError as error:
            status, kind, body = error.http_status, _JSON, _error_body(error.message)
        except Exception:  # a fault of ours: the details belong in the log, not in the answer
            logger.exception("request failed: %s %s", scope["method"], scope["path"])
            status, kind, body = 500, _JSON, _error_body("Internal error")
        headers = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body))]
        if kind == _HTML and body:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope, receive) -> tuple[int, str, bytes]:
        method = scope["method"]
        path = (scope.get("raw_path") or scope["path"].encode()).decode("utf-8", "surrogateescape")
        if scope["query_string"]:
            path += "?" + scope["query_string"].decode("utf-8", "surrogateescape")
        if method not in _METHODS:
            return _page(501)
        if not routes.is_well_formed(path):
            return _page(400)
        if not routes.in_api(path):
            return _page(404)
        headers = dict(scope["headers"])
        if method == "OPTIONS":
            return (200 if b"origin" in headers else 400), "text/html; charset=ISO-8859-1", b""
        route = routes.match(method, path)
        if route.action == "status":
            return 200, _JSON, status_json(self.store.status(route.model, route.version))
        if route.action == "metadata":
            return 200, _JSON, self._metadata(route)
        body = await self._body(receive, headers.get(b"content-encoding"))
        if body is None:
            return 413, _JSON, _error_body(f"Request body exceeds {self.max_body_bytes} bytes")
        loop = asyncio.get_running_loop()
        return 200, _JSON, await loop.run_in_executor(self.executor, self._predict, route, body)

    def _metadata(self, route: routes.Route) -> bytes:
        _refuse_label(route)
        with self.store.use(route.model, route.version) as servable:
            return servable.metadata

    def _predict(self, route: routes.Route, body: bytes) -> bytes:
        if route.action != "predict":
            raise ServingError(
                f"{route.action} is not implemented by this server; use predict", "UNIMPLEMENTED"
            )
        with contextlib.ExitStack() as held:
            servable = None

            def find_signature(name: str):
                # Called once the text has proved to be JSON: TF Serving, too, complains of the
                # text first and of the model after.
                nonlocal servable
                _refuse_label(route)
                servable = held.enter_context(self.store.use(route.model, route.version))
                return servable.signature(name)

            name, row_format, inputs = decode_predict(body, find_signature)
            outputs = servable.predict(name, inputs)
            dtypes = {key: spec.dtype for key, spec in servable.signature(name).outputs.items()}
        return encode_predict(outputs, dtypes, row_format)

    async def _body(self, receive, encoding: bytes | None) -> bytes | None:
        """The request's body, `None` if it is too long."""
        chunks, length, more = [], 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Disconnected
            chunk = message.get("body", b"")
            more = message.get("more_body", False)
            length += len(chunk)
            if length <= self.max_body_bytes:
                chunks.append(chunk)  # of what is too long, the rest is read and dropped
        if length > self.max_body_bytes:
            return None
        body = b"".join(chunks)
        if encoding in (b"gzip", b"x-gzip"):
            return _gunzip(body, self.max_body_bytes)
        return body


class _Disconnected(Exception):
    """The client went away while it sent its request."""


def _refuse_label(route: routes.Route) -> None:
    if route.label is not None:
        raise ServingError(f"Unrecognized servable version label: {route.label}")


def _gunzip(body: bytes, limit: int) -> bytes | None:
    """Decompressed body; empty, as TF Serving has it, if it is not one whole gzip member."""
    decompressor = zlib.decompressobj(31)
    try:
        text = decompressor.decompress(body, limit + 1)
    except zlib.error:
        return b""
    if len(text) > limit:
        return None
    return text if decompressor.eof and not decompressor.unused_data else b""


def _error_body(message: str) -> bytes:
    if not message:
        return b""
    return brace({"error": quote(message)}, 0).encode("utf-8", "surrogateescape")


def _page(status: int) -> tuple[int, str, bytes]:
    title = _PAGES[status]
    page = (
        f"<HTML><HEAD>\n<TITLE>{status} {title}</TITLE>\n</HEAD><BODY>\n"
        f"<H1>{title}</H1>\n</BODY></HTML>\n"
    )
    return status, _HTML, page.encode()
