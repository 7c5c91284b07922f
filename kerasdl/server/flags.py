"""The flags of `kerasdl serve`: TF Serving's own names, and a few of ours.

TF Serving writes `--flag=value`, underscores, and booleans as `--flag` or `--flag=true`. `argparse`
reads that; the library of the other commands does not know optional values.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from kerasdl.errors import InputError
from kerasdl.server.settings import DEFAULT_PORT, Batching, Limits, Settings

TOKEN_VARIABLE = "KERASDL_SERVING_TOKEN"

# Flags of TF Serving that steer what there is none of here; taken and not looked at, so that its
# command lines work.
_WITHOUT_EFFECT = """
    enable_grpc_healthcheck_service enable_model_warmup enable_per_model_metrics
    flush_filesystem_caches grpc_channel_arguments grpc_max_threads load_retry_interval_micros
    max_num_load_retries num_load_threads num_request_iterations_for_warmup num_unload_threads
    per_process_gpu_memory_fraction platform_config_file prefer_tflite_model
    remove_unused_fields_from_bundle_metagraph rest_api_num_threads saved_model_tags
    skip_initialize_tpu tensorflow_session_config_file tensorflow_session_parallelism
    thread_pool_factory_config_file use_alts_credentials use_tflite_model
    xla_cpu_compilation_enabled xla_gpu_compilation_enabled
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}. `kerasdl serve --help` lists the flags.")


def _boolean(text: str) -> bool:
    if text.lower() in ("true", "1", "t", "yes"):
        return True
    if text.lower() in ("false", "0", "f", "no"):
        return False
    raise argparse.ArgumentTypeError(f"must be true or false, received {text!r}")


def parser(prog: str = "kerasdl serve") -> argparse.ArgumentParser:
    """The parser, for its help text."""
    made = _Parser(
        prog=prog,
        allow_abbrev=False,
        description="Serve exported models over HTTP, as TF Serving does, until Ctrl-C. "
        "Flags may be written with dashes or underscores.",
    )
    switch = {"nargs": "?", "const": True, "default": False, "type": _boolean, "metavar": "BOOL"}

    models = made.add_argument_group("what is served")
    models.add_argument(
        "model_dir", nargs="?", metavar="DIR", type=Path,
        help="folder laid out as <name>/<version>/saved_model.pb; all versions of all its models",
    )  # fmt: skip
    models.add_argument("--model_name", default="default", help="name of the one model")
    models.add_argument("--model_base_path", type=Path, help="its folder: <version>/saved_model.pb")
    models.add_argument("--model_config_file", type=Path, help="names the models (protobuf text)")
    models.add_argument(
        "--model_config_file_poll_wait_seconds", type=float, default=0.0,
        help="time between two readings of that file; 0 reads it once",
    )  # fmt: skip
    models.add_argument(
        "--file_system_poll_wait_seconds", "--poll_seconds", type=float, default=1.0,
        help="time between two looks for new versions",
    )  # fmt: skip
    models.add_argument(
        "--allow_version_labels_for_unavailable_models", **switch,
        help="let labels name versions that do not serve",
    )  # fmt: skip

    network = made.add_argument_group("network")
    network.add_argument("--host", default="127.0.0.1", help="address to listen on")
    network.add_argument("--rest_api_port", type=int, help="port of the REST API; 0: a free one")
    network.add_argument(
        "--port", type=int,
        help="with DIR: the same as --rest_api_port; else port of gRPC, as TF Serving has it",
    )  # fmt: skip
    network.add_argument("--grpc_port", type=int, help="port of gRPC, with DIR as well")
    network.add_argument("--rest_api_timeout_in_ms", type=int, default=30_000, help="then 504")
    network.add_argument("--rest_api_enable_cors_support", **switch, help="CORS headers")
    network.add_argument("--workers", type=int, default=1, help="processes side by side")
    network.add_argument("--ui", **switch, help="a page for people at /ui; ours alone")

    calls = made.add_argument_group("model calls")
    calls.add_argument("--enable_batching", **switch, help="put requests together")
    calls.add_argument("--batching_parameters_file", type=Path, help="how (protobuf text)")
    calls.add_argument("--enable_signature_method_name_check", **switch, help="classify, regress")
    calls.add_argument("--tensorflow_intra_op_parallelism", type=int, default=0)
    calls.add_argument("--tensorflow_inter_op_parallelism", type=int, default=-1)

    watching = made.add_argument_group("watching")
    watching.add_argument("--monitoring_config_file", type=Path, help="Prometheus (protobuf text)")
    watching.add_argument(
        "--access_log", metavar="FILE", help="one line of JSON a request; - stderr"
    )

    guard = made.add_argument_group("safety")
    guard.add_argument("--tls_certificate", type=Path, help="PEM file; HTTPS")
    guard.add_argument("--tls_key", type=Path, help="PEM file")
    guard.add_argument(
        "--token_file", type=Path,
        help=f"holds the bearer token that clients must send; else ${TOKEN_VARIABLE}",
    )  # fmt: skip
    limits = Limits()
    for name, text in _LIMITS.items():
        default = getattr(limits, name)
        guard.add_argument(
            f"--max_{name}", type=type(default), default=default, help=f"{text} ({default})"
        )

    for name in _WITHOUT_EFFECT.split():
        made.add_argument(f"--{name}", nargs="?", help=argparse.SUPPRESS)
    return made


_LIMITS = {
    "body_bytes": "of a request, decompressed",
    "header_bytes": "of a request",
    "tensor_elements": "of one input",
    "connections": "at a time",
    "queue": "requests that wait or run; beyond, 503",
    "head_seconds": "to send headers, and idle",
    "body_seconds": "for each further piece of a body",
}


def parse(arguments: Sequence[str], prog: str = "kerasdl serve") -> Settings:
    """Read a command line.

    Raises:
        InputError: it cannot be read, or a file that it names cannot.
    """
    given = parser(prog).parse_args([_with_underscores(argument) for argument in arguments])
    batching = None
    if given.enable_batching:
        batching = _batching(given.batching_parameters_file)
    elif given.batching_parameters_file:
        raise InputError("`batching_parameters_file` is set without `enable_batching`.")
    rest_api_port, port = given.rest_api_port, given.port
    if given.model_dir is not None and rest_api_port is None:
        rest_api_port, port = port, None
    settings = {
        "rest_api_port": DEFAULT_PORT if rest_api_port is None else rest_api_port,
        "port": port if given.grpc_port is None else given.grpc_port,
        "enable_cors": given.rest_api_enable_cors_support,
        "check_method_names": given.enable_signature_method_name_check,
        "batching": batching,
        "intra_op": given.tensorflow_intra_op_parallelism,
        "inter_op": given.tensorflow_inter_op_parallelism,
        "limits": Limits(**{name: getattr(given, f"max_{name}") for name in _LIMITS}),
        "token": _token(given.token_file),
    }
    if given.monitoring_config_file:
        from kerasdl.server.config import read_monitoring

        settings["metrics_path"] = read_monitoring(given.monitoring_config_file)
    names = set(Settings.__dataclass_fields__) - set(settings) - {"metrics_path"}
    settings.update({name: getattr(given, name) for name in names})
    return Settings(**settings)


def _with_underscores(argument: str) -> str:
    if not argument.startswith("--"):
        return argument
    name, equals, value = argument.partition("=")
    return "--" + name[2:].replace("-", "_") + equals + value


def _batching(file: Path | None) -> Batching:
    if file is None:
        return Batching()
    from kerasdl.server.config import read_batching

    parameters = read_batching(file)
    given = {
        name: getattr(parameters, name).value
        for name in Batching.__dataclass_fields__
        if name != "allowed_batch_sizes" and parameters.HasField(name)
    }
    return Batching(**given, allowed_batch_sizes=tuple(parameters.allowed_batch_sizes))


def _token(file: Path | None) -> str | None:
    if file is None:
        return os.environ.get(TOKEN_VARIABLE) or None
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"`token_file` {file} cannot be read: {error}") from error
