"""ModelService: the status of a model's versions, and other models by a request."""

from collections.abc import Sequence
from pathlib import Path

import grpc
from tensorflow.core.protobuf import error_codes_pb2
from tensorflow_serving.apis import get_model_status_pb2, model_management_pb2

from kerasdl.errors import InputError
from kerasdl.server.config import sources_of
from kerasdl.server.errors import ServingError
from kerasdl.server.grpc.prediction import named
from kerasdl.server.grpc.service import service
from kerasdl.server.models import ModelStore

_State = get_model_status_pb2.ModelVersionStatus.State


class Models:
    """The methods of the service.

    Args:
        store: the models.
        folders: those from which a request may have models loaded, and no others.
    """

    def __init__(self, store: ModelStore, folders: Sequence[Path]):
        self._store = store
        self._folders = [Path(folder).resolve() for folder in folders]

    def handler(self) -> grpc.GenericRpcHandler:
        """The service for a gRPC server."""
        return service(
            "tensorflow.serving.ModelService",
            {
                "GetModelStatus": (self.status, get_model_status_pb2.GetModelStatusRequest),
                "HandleReloadConfigRequest": (
                    self.reload,
                    model_management_pb2.ReloadConfigRequest,
                ),
            },
        )

    def status(
        self, request: get_model_status_pb2.GetModelStatusRequest
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """State of a model's versions."""
        spec = named(request)
        version = spec.version.value if spec.HasField("version") else None
        if spec.version_label:
            with self._store.use(spec.name, label=spec.version_label) as servable:
                version = servable.version
        response = get_model_status_pb2.GetModelStatusResponse()
        for found in self._store.status(spec.name, version):
            added = response.model_version_status.add(
                version=found.version, state=_State.Value(found.state)
            )
            added.status.error_code = error_codes_pb2.Code.Value(found.error_code)
            added.status.error_message = found.error_message
        return response

    def reload(
        self, request: model_management_pb2.ReloadConfigRequest
    ) -> model_management_pb2.ReloadConfigResponse:
        """Serve the models that a request names in place of the present ones."""
        if request.config.WhichOneof("config") != "model_config_list":
            raise ServingError(
                "ServerModelConfig type not supported by HandleReloadConfigRequest. "
                "Only ModelConfigList is currently supported"
            )
        try:
            sources = sources_of(request.config.model_config_list.config)
        except InputError as error:
            raise ServingError(str(error)) from error
        for source in sources:
            if not any(source.base_path.resolve().is_relative_to(f) for f in self._folders):
                raise ServingError(
                    f"Model {source.name}: base_path {source.base_path} lies outside of the "
                    "folders that this server was started with",
                    "PERMISSION_DENIED",
                )
        self._store.configure(lambda: sources)
        missing = self._store.missing()
        if missing:
            raise ServingError(
                f"{len(missing)} servable(s) did not become available: {{{', '.join(missing)}}}",
                "UNKNOWN",
            )
        return model_management_pb2.ReloadConfigResponse()
