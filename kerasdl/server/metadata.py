"""The answers that describe a model: its metadata and the status of its versions."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from google.protobuf.json_format import MessageToDict


def metadata_json(name: str, version: int, meta_graph) -> bytes:
    """The answer to `GET /v1/models/NAME/metadata`.

    Args:
        name: name of the model.
        version: number of the version.
        meta_graph: the `MetaGraphDef` of the SavedModel.
    """
    signatures = {
        key: MessageToDict(
            definition,
            preserving_proto_field_name=True,
            always_print_fields_with_no_presence=True,
        )
        for key, definition in sorted(meta_graph.signature_def.items())
    }
    return _dump(
        {
            "model_spec": {"name": name, "version": str(version), "signature_name": ""},
            "metadata": {"signature_def": {"signature_def": signatures}},
        }
    )


@dataclass(frozen=True)
class VersionStatus:
    """State of one version.

    Args:
        version: its number.
        state: `START`, `LOADING`, `AVAILABLE`, `UNLOADING` or `END`.
        error_code: `OK`, or why it could not be loaded.
        error_message: the same in words.
    """

    version: int
    state: str
    error_code: str = "OK"
    error_message: str = ""


def status_json(versions: Iterable[VersionStatus]) -> bytes:
    r"""The answer to `GET /v1/models/NAME`.

    Example:
        >>> import json
        >>> json.loads(status_json([VersionStatus(3, "AVAILABLE")]))["model_version_status"][0]
        {'version': '3', 'state': 'AVAILABLE', 'status': {'error_code': 'OK', 'error_message': ''}}
    """
    return _dump(
        {
            "model_version_status": [
                {
                    "version": str(version.version),
                    "state": version.state,
                    "status": {
                        "error_code": version.error_code,
                        "error_message": version.error_message,
                    },
                }
                for version in versions
            ]
        }
    )


def _dump(value: dict) -> bytes:
    text = json.dumps(value, indent=1, ensure_ascii=False) + "\n"
    return text.encode("utf-8", "surrogateescape")
