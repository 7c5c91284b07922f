"""The running server: models, threads, application, HTTP front and gRPC, put together."""

import asyncio
import contextlib
import signal
import socket
import sys
import threading
from collections.abc import Callable

from kerasdl.server.app import App
from kerasdl.server.batching.scheduler import Scheduler
from kerasdl.server.http import Listener
from kerasdl.server.models import ModelStore
from kerasdl.server.settings import Settings

_SWITCH_SECONDS = 2e-4
_GRACE_SECONDS = 30.0  # that running requests have to finish once the server is told to stop


class Service:
    """Serves the models of a store on a socket, and on the port for gRPC if there is one.

    Args:
        settings: what the server was told at its start.
        store: the models, which the caller starts and stops.
        snapshots: gives the metrics of the processes that serve beside this one.
    """

    def __init__(self, settings: Settings, store: ModelStore, snapshots: Callable[[], list] = list):
        self.settings = settings
        self.store = store
        self.scheduler = Scheduler(settings.batching)
        self.app = App(store, self.scheduler, settings, snapshots)
        self._grpc = None
        if settings.port:  # TF Serving, too, takes 0 for none
            from kerasdl.server.grpc import endpoint_for  # gRPC is imported by who asks for it

            self._grpc = endpoint_for(settings, store, self.scheduler.run)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()

    def run(self, listener: socket.socket, ready: Callable[[], None] = lambda: None) -> None:
        """Answer requests until `stop`, or until SIGINT or SIGTERM on the main thread.

        Args:
            listener: bound socket.
            ready: called once requests are answered.
        """
        # The thread that ran a model gets the interpreter back soon, not after Python's 5 ms.
        sys.setswitchinterval(_SWITCH_SECONDS)
        try:
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                runner.run(self._serve(listener, ready))
        finally:
            self.scheduler.stop()

    def stop(self) -> None:
        """Let running requests finish, then let `run` return. Any thread may call it."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it is closed already
                self._loop.call_soon_threadsafe(self._stop.set)

    async def _serve(self, socket_: socket.socket, ready: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                with contextlib.suppress(NotImplementedError):  # Windows
                    self._loop.add_signal_handler(number, self._stop.set)
        listener = Listener(self.app.handle, self.settings.limits)
        self.app.start()
        try:
            await listener.start(socket_, self.settings.tls())
            if self._grpc:
                self._grpc.start()
            ready()
            await self._stop.wait()
            ends = [listener.stop(_GRACE_SECONDS)]
            if self._grpc:
                ends.append(asyncio.to_thread(self._grpc.stop, _GRACE_SECONDS))
            await asyncio.gather(*ends)
        finally:
            self.app.stop()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:  # it does not exist for Windows
        return asyncio.new_event_loop
    return uvloop.new_event_loop
