"""The application: one HTTP request in, TF Serving's answer out."""

import asyncio
import contextlib
import hmac
import itertools
import logging
import re
import threading
import time
import zlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import orjson

from kerasdl.server import metrics, routes
from kerasdl.server.access import AccessLog
from kerasdl.server.batching.job import Job, Outputs
from kerasdl.server.batching.scheduler import QUEUE_IS_FULL, TIMED_OUT, Scheduler
from kerasdl.server.calls import Call, read_call
from kerasdl.server.codec import NotPlain
from kerasdl.server.errors import ServingError
from kerasdl.server.exchange import Exchange, error_response, fault
from kerasdl.server.http import Request, Response, page
from kerasdl.server.http.message import TEXT
from kerasdl.server.metadata import status_json
from kerasdl.server.models import ModelStore
from kerasdl.server.page import answer as page_answer
from kerasdl.server.page import read_page
from kerasdl.server.settings import Settings

logger = logging.getLogger("kerasdl.server")

Reply = Callable[[Response], None]

_METHODS = {"GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS"}  # that TF Serving knows
_PREFLIGHT = b"text/html; charset=ISO-8859-1"
_REQUEST_ID = re.compile(rb"[\w.:/+=-]{1,128}")
# Bytes of a body that is read on the event loop; longer ones go to a thread, unless nobody else
# waits and there are numbers alone to read, 3 ns a byte.
_SMALL = 1 << 16
_QUIET = 1 << 20
_TICK_SECONDS = 0.05
_MOST_ROUTES = 1024


class App:
    """Answers requests from the models of a store, on the event loop that calls it.

    Args:
        store: the models.
        scheduler: runs the model calls.
        settings: what the server was told at its start.
        snapshots: gives the metrics of the processes that serve beside this one.
    """

    def __init__(
        self,
        store: ModelStore,
        scheduler: Scheduler,
        settings: Settings,
        snapshots: Callable[[], list] = list,
    ):
        self.store = store
        self.scheduler = scheduler
        self.settings = settings
        self.snapshots = snapshots
        self.running = 0  # calls that wait or run
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: int | None = None  # on which it runs
        self._readers = ThreadPoolExecutor(2, "kerasdl-read")
        self._log = AccessLog(settings.access_log) if settings.access_log else None
        self._numbers = itertools.count(1)
        self._prefix = b"%x" % time.time_ns()
        self._routes: dict[bytes, routes.Route] = {}
        self._page = read_page() if settings.ui else {}
        # Deadlines, in order, as all requests have the same time.
        self._open: deque[Exchange] = deque()
        self._finished: deque[tuple[Exchange, Response]] = deque()

    def start(self) -> None:
        """Begin, on the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self.scheduler.idle = self._wake
        self.scheduler.here = self._loop.call_soon
        self._tick()

    def stop(self) -> None:
        """End what runs beside the event loop."""
        self._readers.shutdown(wait=False, cancel_futures=True)
        if self._log is not None:
            self._log.close()

    # ---- dispatch ----------------------------------------------------------------------------

    def handle(self, request: Request, reply: Reply) -> None:
        """Answer a request: call `reply` once, now or later on this event loop."""
        exchange = Exchange(request, reply, self._log)
        sent = request.headers.get(b"x-request-id")
        if sent is not None and _REQUEST_ID.fullmatch(sent):
            request.id = sent
        elif self._log is not None:
            request.id = b"%s-%d" % (self._prefix, next(self._numbers))
        try:
            response = self._answer(request, exchange)
        except ServingError as error:
            response = error_response(error)
        except Exception:
            response = fault("request failed: %s %r", request.method, request.target)
        if response is not None:
            self.running -= exchange.counted
            exchange.reply(response)

    def _answer(self, request: Request, exchange: Exchange) -> Response | None:
        method, target = request.method, request.target
        if target[:1] not in (b"/", b"*"):
            target = re.sub(rb"^[A-Za-z][\w+.-]*://[^/?#]*", b"", target) or b"/"
        if method == "POST" and target in self._routes:
            return self._model_call(request, self._routes[target], exchange)
        if method not in _METHODS:
            return page(501)
        path = target.decode("utf-8", "surrogateescape")
        if not routes.is_well_formed(path):
            return page(400)
        bare = path.partition("?")[0]
        if bare in ("/healthz", "/readyz") and method in ("GET", "HEAD"):
            return self._health(bare)
        if bare in self._page:  # it holds no secret; the calls that it makes need the token
            return page_answer(method, *self._page[bare])
        if not self._is_allowed(request):
            raise ServingError("The bearer token is missing or wrong", "UNAUTHENTICATED")
        if path == "/models" and method == "GET":  # TF Serving has no such list
            names = sorted({*self.store.available(), *self.store.missing()})
            return Response(200, orjson.dumps({"models": names}))
        if bare == self.settings.metrics_path:
            return self._metrics(path)
        if not routes.in_api(path):
            return page(404)
        exchange.cors = self.settings.enable_cors
        if method == "OPTIONS":
            known = re.search(rb"https?://", request.headers.get(b"origin", b""))
            return Response(200 if known else 400, b"", _PREFLIGHT)
        route = routes.match(method, path)
        exchange.model = route.model if self.store.serves(route.model) else ""
        if route.action == "status":
            return Response(200, status_json(self.store.status(route.model, route.version)))
        if route.action == "metadata":
            with self.store.use(route.model, route.version, route.label) as servable:
                return Response(200, servable.metadata)
        if self.settings.token is None and exchange.model and len(self._routes) < _MOST_ROUTES:
            self._routes[target] = route  # next time straight to the call
        return self._model_call(request, route, exchange)

    def _is_allowed(self, request: Request) -> bool:
        if self.settings.token is None:
            return True
        kind, _, sent = request.headers.get(b"authorization", b"").partition(b" ")
        right = hmac.compare_digest(sent.strip(), self.settings.token.encode())
        return right and kind.lower() == b"bearer"

    def _health(self, path: str) -> Response:
        missing = self.store.missing() if path == "/readyz" else []
        if missing:
            return Response(503, f"not available: {', '.join(missing)}\n".encode(), TEXT)
        return Response(200, b"ok\n", TEXT)

    def _metrics(self, path: str) -> Response:
        wanted = self.settings.metrics_path
        if path != wanted:
            text = f"Unexpected path: {path}. Should be {wanted}"
            return Response(400, text.encode("utf-8", "surrogateescape"), TEXT)
        return Response(200, metrics.page(self.snapshots()), TEXT)

    # ---- model calls -------------------------------------------------------------------------

    def _model_call(
        self, request: Request, route: routes.Route, exchange: Exchange
    ) -> Response | None:
        exchange.cors = self.settings.enable_cors
        exchange.action = route.action
        exchange.model = route.model if self.store.serves(route.model) else ""
        limits = self.settings.limits
        if request.too_long:
            return _too_long(limits.body_bytes)
        if self.running >= limits.queue:
            raise ServingError(QUEUE_IS_FULL, "UNAVAILABLE")
        self.running += 1
        exchange.counted = True
        exchange.deadline = time.monotonic() + self.settings.rest_api_timeout_in_ms / 1000
        self._open.append(exchange)
        if len(request.body) > _SMALL or b"content-encoding" in request.headers:
            if self._is_quiet(request):
                with contextlib.suppress(NotPlain):
                    return self._begin(request, route, exchange, here=True, quick=True)
            self._readers.submit(self._begin_elsewhere, request, route, exchange)
            return None
        return self._begin(request, route, exchange, here=True)

    def _is_quiet(self, request: Request) -> bool:
        return (
            self.running == 1
            and len(request.body) <= _QUIET
            and b"content-encoding" not in request.headers
        )

    def _begin_elsewhere(self, request: Request, route: routes.Route, exchange: Exchange) -> None:
        try:
            response = self._begin(request, route, exchange)
        except ServingError as error:
            response = error_response(error)
        except Exception:
            response = fault("request failed: %s %r", request.method, request.target)
        if response is not None:
            self._finished.append((exchange, response))
            self._wake()

    def _begin(
        self,
        request: Request,
        route: routes.Route,
        exchange: Exchange,
        *,
        here: bool = False,
        quick: bool = False,
    ) -> Response | None:
        limits = self.settings.limits
        body = request.body
        if request.headers.get(b"content-encoding") in (b"gzip", b"x-gzip"):
            body = _gunzip(body, limits.body_bytes)
            if body is None:
                return _too_long(limits.body_bytes)
        call = read_call(
            self.store,
            route,
            body,
            check_method_names=self.settings.check_method_names,
            most_elements=limits.tensor_elements,
            quick=self.scheduler if quick else None,
        )
        request.body = b""
        exchange.job = Job(
            call.servable,
            call.signature_name,
            call.inputs,
            lambda outputs: self._finish(exchange, call, outputs),
            exchange.deadline,
            call.begun,
        )
        try:
            self.scheduler.submit(exchange.job, here=here)
        except BaseException:
            call.servable.release()
            raise
        return None

    def _finish(self, exchange: Exchange, call: Call, outputs: Outputs | ServingError) -> None:
        """Write the answer, on the thread that ran the call, for the event loop to send."""
        try:
            if isinstance(outputs, ServingError):
                raise outputs
            response = Response(200, call.encode(outputs))
        except ServingError as error:
            response = error_response(error)
        except Exception:
            response = fault("the answer of %s cannot be written", call.servable.name)
        finally:
            call.servable.release()
        self._finished.append((exchange, response))

    # ---- the event loop's side ---------------------------------------------------------------

    def _wake(self) -> None:
        if threading.get_ident() == self._thread:
            self._deliver()
        elif self._finished:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        while self._finished:
            exchange, response = self._finished.popleft()
            self.running -= 1
            exchange.reply(response)
        # What is answered must not lie about until the next tick: it is memory that the next
        # requests find in the processor's cache.
        while self._open and self._open[0].done:
            self._open.popleft()

    def _tick(self) -> None:
        now = time.monotonic()
        while self._open and (self._open[0].done or self._open[0].deadline <= now):
            exchange = self._open.popleft()
            if not exchange.done:
                if exchange.job is not None:
                    exchange.job.cancelled = True
                exchange.fail(ServingError(TIMED_OUT, "DEADLINE_EXCEEDED"))
        self._loop.call_later(_TICK_SECONDS, self._tick)


def _too_long(limit: int) -> Response:
    response = error_response(ServingError(f"Request body exceeds {limit} bytes"))
    response.status = 413
    return response


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
