"""What a server is told at its start."""

import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from kerasdl.errors import InputError

DEFAULT_PORT = 8501  # TF Serving's
METRICS_PATH = "/monitoring/prometheus/metrics"


@dataclass(frozen=True)
class Batching:
    """How requests are put together, with TF Serving's `batching_parameters_file`.

    Args:
        max_batch_size: most examples in one call of the model.
        batch_timeout_micros: how long an example waits for others, in microseconds.
        max_enqueued_batches: batches that may wait for one signature; what exceeds them gets 503.
        num_batch_threads: calls that run at the same time; 0 for one a core.
        allowed_batch_sizes: sizes up to which a batch is filled; empty for any.
    """

    max_batch_size: int = 1000
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int = 0
    allowed_batch_sizes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Limits:
    """What one client may ask of the server.

    Args:
        body_bytes: longest request body, before and after decompression; beyond it 413.
        header_bytes: longest request line and headers together; beyond it 431.
        tensor_elements: most elements of one input; beyond it 400.
        connections: open connections; further ones are closed at once.
        queue: requests that wait or run; beyond it 503.
        head_seconds: time a client has to send its headers, and that an idle connection is kept.
        body_seconds: time it has for each further piece of the body, or to take an answer.
    """

    body_bytes: int = 1 << 28
    header_bytes: int = 1 << 17
    tensor_elements: int = 1 << 27
    connections: int = 4096
    queue: int = 1024
    head_seconds: float = 75.0
    body_seconds: float = 30.0


@dataclass(frozen=True)
class Settings:
    """What a server is told at its start; the flags of `kerasdl serve`.

    Args:
        model_dir: folder laid out as `<name>/<version>/saved_model.pb`, of which all is served.
        model_name, model_base_path: instead, the one model to serve.
        model_config_file: instead, the file that names the models.
        model_config_file_poll_wait_seconds: time between two readings of that file; 0 for one only.
        file_system_poll_wait_seconds: time between two looks for new versions.
        allow_version_labels_for_unavailable_models: whether a label may name a version that does
            not serve.
        host: address to listen on; only this machine can reach the default.
        rest_api_port: port of the REST API; 0 takes a free one.
        port: port of gRPC; `None` for no gRPC.
        rest_api_timeout_in_ms: time after which a request is answered with 504.
        enable_cors: whether pages of other hosts may ask (`rest_api_enable_cors_support`).
        check_method_names: whether classify and regress look at the signature's method
            (`enable_signature_method_name_check`).
        batching: how requests are put together; `None` where the model was not said to allow it.
        metrics_path: path of the Prometheus page, `None` for none.
        intra_op, inter_op: threads of TensorFlow, see `Threads`.
        workers: processes that serve side by side.
        limits: what one client may ask.
        tls_certificate, tls_key: files for HTTPS.
        token: what clients must send as `Authorization: Bearer`.
        access_log: file for one line of JSON a request; `-` for stderr.
        ui: whether there is a page for people at `/ui`.
    """

    model_dir: Path | None = None
    model_name: str = "default"
    model_base_path: Path | None = None
    model_config_file: Path | None = None
    model_config_file_poll_wait_seconds: float = 0.0
    file_system_poll_wait_seconds: float = 1.0
    allow_version_labels_for_unavailable_models: bool = False
    host: str = "127.0.0.1"
    rest_api_port: int = DEFAULT_PORT
    port: int | None = None
    rest_api_timeout_in_ms: int = 30_000
    enable_cors: bool = False
    check_method_names: bool = False
    batching: Batching | None = None
    metrics_path: str | None = METRICS_PATH
    intra_op: int = 0
    inter_op: int = -1
    workers: int = 1
    limits: Limits = field(default_factory=Limits)
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    token: str | None = field(default=None, repr=False)
    access_log: str | None = None
    ui: bool = False

    def __post_init__(self):
        places = (self.model_dir, self.model_base_path, self.model_config_file)
        if sum(place is not None for place in places) != 1:
            raise InputError(
                "Say what to serve by exactly one of DIR, --model_base_path and "
                "--model_config_file."
            )
        for name in ("file_system_poll_wait_seconds", "rest_api_timeout_in_ms", "workers"):
            if getattr(self, name) <= 0:
                raise InputError(f"`{name}` must be positive, received {getattr(self, name)}.")
        if self.workers > 1 and not hasattr(os, "fork"):
            raise InputError("`workers` needs a system that can fork; here one process serves.")
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise InputError("`tls_certificate` and `tls_key` go together.")
        if self.token is not None and not self.token:
            raise InputError("The token is empty.")

    def tls(self) -> ssl.SSLContext | None:
        """What HTTPS needs; `None` for HTTP.

        Raises:
            InputError: the files cannot be used.
        """
        if self.tls_certificate is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.tls_certificate, self.tls_key)
        except (OSError, ssl.SSLError) as error:
            raise InputError(
                f"`tls_certificate` {self.tls_certificate} and `tls_key` {self.tls_key} "
                f"cannot be used: {error}"
            ) from error
        return context
