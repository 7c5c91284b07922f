"""Where gRPC listens: address, TLS, token, limits, health."""

import hmac
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from kerasdl.errors import InputError
from kerasdl.server.config import read_models
from kerasdl.server.grpc.models import Models
from kerasdl.server.grpc.prediction import Prediction, Run
from kerasdl.server.models import ModelStore
from kerasdl.server.servable import Servable
from kerasdl.server.settings import Settings

_THREADS = 64  # requests that wait for the model at a time; it runs on threads of its own
_HEALTH = "/grpc.health.v1.Health/"


class Endpoint:
    """A gRPC server on the models of a store: PredictionService, ModelService and health.

    It listens from the moment it is made, and answers once it is started.

    Args:
        store: the models.
        host: address to listen on.
        port: port to listen on; 0 takes a free one, see `port` afterwards.
        folders: those from which a request may have models loaded.
        run: runs a signature of a servable.
        max_message_bytes: longest request; beyond it RESOURCE_EXHAUSTED.
        max_elements: most elements of one input.
        max_requests: requests that wait or run; beyond it RESOURCE_EXHAUSTED.
        check_method_names: whether classify and regress look at the signature's method.
        certificate, key: PEM files for TLS.
        token: what clients must send as `authorization: Bearer`; health is told without.
        reuse_port: whether other processes listen on the same port.

    Raises:
        InputError: the address or the files cannot be used.
    """

    def __init__(
        self,
        store: ModelStore,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        folders: Sequence[Path] = (),
        run: Run = Servable.predict,
        max_message_bytes: int = 1 << 28,
        max_elements: int = 1 << 27,
        max_requests: int = 1024,
        check_method_names: bool = False,
        certificate: Path | None = None,
        key: Path | None = None,
        token: str | None = None,
        reuse_port: bool = False,
    ):
        self._server = grpc.server(
            ThreadPoolExecutor(_THREADS, "kerasdl-grpc"),
            interceptors=[_Token(token)] if token else [],
            maximum_concurrent_rpcs=max_requests,
            options=[
                ("grpc.max_receive_message_length", max_message_bytes),
                ("grpc.max_send_message_length", -1),
                ("grpc.so_reuseport", int(reuse_port)),
            ],
        )
        self._health = health.HealthServicer()
        self._health.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._server.add_generic_rpc_handlers(
            [
                Prediction(store, run, max_elements, check_method_names).handler(),
                Models(store, folders).handler(),
            ]
        )
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            if certificate is None:
                self.port = self._server.add_insecure_port(address)
            else:
                self.port = self._server.add_secure_port(address, _credentials(certificate, key))
        except RuntimeError as error:
            raise InputError(f"Cannot listen on {host} port {port} for gRPC.") from error

    def start(self) -> None:
        """Answer requests."""
        self._server.start()
        self._health.set("", health_pb2.HealthCheckResponse.SERVING)

    def stop(self, grace_seconds: float = 30.0) -> None:
        """Take no more requests; return when the running ones are done, or the time is over."""
        self._health.enter_graceful_shutdown()
        self._server.stop(grace_seconds).wait()


def endpoint_for(settings: Settings, store: ModelStore, run: Run) -> Endpoint:
    """The gRPC server that the settings ask for.

    Args:
        settings: with a `port`.
        store: the models.
        run: runs a signature of a servable.

    Raises:
        InputError: the address or the files cannot be used.
    """
    limits = settings.limits
    return Endpoint(
        store,
        settings.host,
        settings.port,
        folders=_folders(settings),
        run=run,
        max_message_bytes=limits.body_bytes,
        max_elements=limits.tensor_elements,
        max_requests=limits.queue,
        check_method_names=settings.check_method_names,
        certificate=settings.tls_certificate,
        key=settings.tls_key,
        token=settings.token,
        reuse_port=settings.workers > 1,
    )


def _folders(settings: Settings) -> list[Path]:
    """Where models may be loaded from: what the server was told at its start."""
    if settings.model_config_file is None:
        return [settings.model_dir or settings.model_base_path]
    file = settings.model_config_file
    return [file.parent, *(source.base_path for source in read_models(file))]


def _credentials(certificate: Path, key: Path | None) -> grpc.ServerCredentials:
    try:
        pair = (Path(key or certificate).read_bytes(), Path(certificate).read_bytes())
    except OSError as error:
        raise InputError(f"{error.filename} cannot be read: {error.strerror}.") from error
    return grpc.ssl_server_credentials([pair])


class _Token(grpc.ServerInterceptor):
    """Turns away who does not send the bearer token."""

    def __init__(self, token: str):
        self._wanted = f"Bearer {token}".encode()

        def refuse(_, context: grpc.ServicerContext):
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "The bearer token is missing or wrong")

        self._refuse = grpc.unary_unary_rpc_method_handler(refuse)

    def intercept_service(self, continuation, details):
        """Look at the headers of a call."""
        if details.method.startswith(_HEALTH):
            return continuation(details)
        sent = dict(details.invocation_metadata).get("authorization", "")
        sent = sent.encode() if isinstance(sent, str) else sent
        if hmac.compare_digest(sent, self._wanted):
            return continuation(details)
        return self._refuse
