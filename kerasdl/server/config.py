"""TF Serving's configuration files, all of them protobuf text.

`tensorflow-serving-api` has the message of `--model_config_file`. Those of batching and monitoring
it leaves out; they are declared here, by their names in TF Serving's `session_bundle_config.proto`
and `monitoring_config.proto`.
"""

import functools
import os
from collections.abc import Iterable
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from google.protobuf.wrappers_pb2 import DESCRIPTOR as WRAPPERS

from kerasdl.errors import InputError
from kerasdl.server.versions import ModelSource, Policy, all_versions, latest, specific

_BATCHING = {
    "max_batch_size": ".google.protobuf.Int64Value",
    "batch_timeout_micros": ".google.protobuf.Int64Value",
    "max_enqueued_batches": ".google.protobuf.Int64Value",
    "num_batch_threads": ".google.protobuf.Int64Value",
    "thread_pool_name": ".google.protobuf.StringValue",
    "allowed_batch_sizes": "repeated int64",
    "pad_variable_length_inputs": "bool",
    "enable_large_batch_splitting": ".google.protobuf.BoolValue",
    "max_execution_batch_size": ".google.protobuf.Int64Value",
}
_MONITORING = {"prometheus_config": ".kerasdl.serving.PrometheusConfig"}
_PROMETHEUS = {"enable": "bool", "path": "string"}


def read_models(file: str | os.PathLike) -> list[ModelSource]:
    """Read a `--model_config_file`.

    Args:
        file: protobuf text of `ModelServerConfig`. A `base_path` that is not absolute starts at
            the folder of this file.

    Raises:
        InputError: it cannot be read, or says what cannot be served.
    """
    from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

    file = Path(file).absolute()
    config = _read(file, "model_config_file", ModelServerConfig())
    if not config.HasField("model_config_list"):
        raise InputError(f"`model_config_file` {file} has no model_config_list.")
    return sources_of(config.model_config_list.config, file.parent)


def sources_of(models: Iterable, folder: Path | None = None) -> list[ModelSource]:
    """The models that `ModelConfig` messages name.

    Args:
        models: the messages.
        folder: where relative base paths start; `None` refuses them.

    Raises:
        InputError: one of them says what cannot be served.
    """
    sources: dict[str, ModelSource] = {}
    for model in models:
        if not model.name:
            raise InputError("A model of the configuration has no name.")
        if model.name in sources:
            raise InputError(f"Illegal to list model {model.name} multiple times in config list")
        platform = model.model_platform or {0: "", 1: "tensorflow"}.get(model.model_type, "other")
        if not platform:
            raise InputError(
                "Illegal setting neither ModelServerConfig::model_type (deprecated) nor "
                f"ModelServerConfig::model_platform, model name is {model.name}"
            )
        if platform != "tensorflow":
            raise InputError(f"Model {model.name} requests unsupported platform {platform}")
        base_path = Path(model.base_path)
        if not model.base_path or (folder is None and not base_path.is_absolute()):
            raise InputError(
                f"Expected model {model.name} to have an absolute path or URI; "
                f"got base_path()={model.base_path}"
            )
        sources[model.name] = ModelSource(
            model.name,
            (folder or Path("/")) / base_path,
            _policy(model),
            dict(model.version_labels),
        )
    return list(sources.values())


def _policy(model) -> Policy:
    policy = model.model_version_policy
    match policy.WhichOneof("policy_choice"):
        case "all":
            return all_versions
        case "specific":
            return specific(*policy.specific.versions)
    return latest(policy.latest.num_versions or 1)


def read_batching(file: str | os.PathLike):
    """Read a `--batching_parameters_file`: protobuf text of `BatchingParameters`.

    Raises:
        InputError: it cannot be read, or holds no positive sizes.
    """
    parameters = _read(Path(file), "batching_parameters_file", _messages()["BatchingParameters"]())
    sizes = list(parameters.allowed_batch_sizes)
    if sizes and (sizes != sorted(set(sizes)) or sizes[0] < 1):
        raise InputError(f"`allowed_batch_sizes` must be positive and increase, received {sizes}.")
    largest = parameters.max_batch_size.value if parameters.HasField("max_batch_size") else None
    if sizes and largest and sizes[-1] != largest:
        raise InputError(
            f"The last of `allowed_batch_sizes` must be max_batch_size, {largest}, "
            f"received {sizes}."
        )
    for name in ("max_batch_size", "max_enqueued_batches", "num_batch_threads"):
        if parameters.HasField(name) and getattr(parameters, name).value < 1:
            raise InputError(f"`{name}` must be positive.")
    return parameters


def read_monitoring(file: str | os.PathLike) -> str | None:
    """Read a `--monitoring_config_file`: the path of the Prometheus page, `None` if it is off.

    Raises:
        InputError: it cannot be read.
    """
    config = _read(Path(file), "monitoring_config_file", _messages()["MonitoringConfig"]())
    if not config.prometheus_config.enable:
        return None
    return config.prometheus_config.path or "/monitoring/prometheus/metrics"


def _read(file: Path, argument: str, message):
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise InputError(f"`{argument}` {file} cannot be read: {reason}") from error
    try:
        return text_format.Parse(text, message)
    except text_format.ParseError as error:
        raise InputError(f"`{argument}` {file} is not valid: {error}") from error


@functools.cache
def _messages() -> dict:
    """Classes of the messages that `tensorflow-serving-api` lacks, by name."""
    file = descriptor_pb2.FileDescriptorProto(
        name="kerasdl/serving.proto",
        package="kerasdl.serving",
        syntax="proto3",
        dependency=[WRAPPERS.name],
    )
    declared = {
        "BatchingParameters": _BATCHING,
        "PrometheusConfig": _PROMETHEUS,
        "MonitoringConfig": _MONITORING,
    }
    kinds = descriptor_pb2.FieldDescriptorProto
    for name, fields in declared.items():
        message = file.message_type.add(name=name)
        for number, (field, kind) in enumerate(fields.items(), 1):
            repeated = kind.startswith("repeated ")
            kind = kind.removeprefix("repeated ")
            added = message.field.add(
                name=field,
                number=number,
                label=kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL,
            )
            if kind.startswith("."):
                added.type, added.type_name = kinds.TYPE_MESSAGE, kind
            else:
                added.type = getattr(kinds, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    wrappers = descriptor_pb2.FileDescriptorProto()
    WRAPPERS.CopyToProto(wrappers)
    pool.Add(wrappers)
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"kerasdl.serving.{name}"))
        for name in declared
    }
