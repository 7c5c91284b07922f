"""PredictionService: predict, classify, regress and the metadata of a model."""

import contextlib
from collections.abc import Callable, Iterable, Mapping

import grpc
import numpy as np
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    model_pb2,
    predict_pb2,
    regression_pb2,
)

from kerasdl.server.calls import check_classify, check_regress, checked_classes, checked_values
from kerasdl.server.codec import Signature
from kerasdl.server.codec.decode import DEFAULT_SIGNATURE
from kerasdl.server.errors import ServingError
from kerasdl.server.grpc.examples import classifications, regressions, serialised
from kerasdl.server.grpc.service import service
from kerasdl.server.grpc.tensors import dtype_name, to_array, to_message
from kerasdl.server.models import ModelStore
from kerasdl.server.servable import Servable

# Runs a signature on arrays by name; `Servable.predict`, or what puts requests together first.
Run = Callable[[Servable, str, Mapping[str, np.ndarray]], Mapping[str, np.ndarray]]


class Prediction:
    """The methods of the service.

    Args:
        store: the models.
        run: runs a signature.
        most_elements: most elements of one input.
        check_method_names: whether classify and regress look at the signature's method.
    """

    def __init__(
        self, store: ModelStore, run: Run, most_elements: int, check_method_names: bool = False
    ):
        self._store = store
        self._run = run
        self._most_elements = most_elements
        self._check_method_names = check_method_names

    def handler(self) -> grpc.GenericRpcHandler:
        """The service for a gRPC server."""
        return service(
            "tensorflow.serving.PredictionService",
            {
                "Predict": (self.predict, predict_pb2.PredictRequest),
                "Classify": (self.classify, classification_pb2.ClassificationRequest),
                "Regress": (self.regress, regression_pb2.RegressionRequest),
                "GetModelMetadata": (
                    self.metadata,
                    get_model_metadata_pb2.GetModelMetadataRequest,
                ),
            },
        )

    def predict(self, request: predict_pb2.PredictRequest) -> predict_pb2.PredictResponse:
        """Run a signature."""
        with use(self._store, request) as servable:
            name = request.model_spec.signature_name or DEFAULT_SIGNATURE
            if name not in servable.signatures:
                raise ServingError(
                    f'Serving signature key "{name}" not found.', "FAILED_PRECONDITION"
                )
            signature = servable.signature(name)
            inputs = self._inputs(request, signature)
            wanted = _wanted(request.output_filter, signature)
            outputs = self._run(servable, name, inputs)
            response = predict_pb2.PredictResponse(model_spec=answered_by(servable, name))
            for key in wanted:
                dtype = signature.outputs[key].dtype
                response.outputs[key].CopyFrom(to_message(outputs[key], dtype))
        return response

    def _inputs(
        self, request: predict_pb2.PredictRequest, signature: Signature
    ) -> dict[str, np.ndarray]:
        sent, required = set(request.inputs), set(signature.inputs)
        if len(sent) != len(required):
            raise ServingError(
                f"input size does not match signature: {len(sent)}!={len(required)} "
                f"len({_braced(sent)}) != len({_braced(required)}). "
                f"Sent extra: {_braced(sent - required)}. "
                f"Missing but required: {_braced(required - sent)}."
            )
        for name in sorted(sent - required):
            raise ServingError(
                f"input tensor alias not found in signature: {name}. "
                f"Inputs expected to be in the set {_braced(required)}."
            )
        arrays = {}
        for index, name in enumerate(sorted(sent)):
            tensor, dtype = request.inputs[name], signature.inputs[name].dtype
            if dtype_name(tensor) != dtype:
                raise ServingError(
                    f"Expects arg[{index}] to be {dtype} but {dtype_name(tensor)} is provided"
                )
            arrays[name] = to_array(tensor, name, self._most_elements)
        return arrays

    def classify(
        self, request: classification_pb2.ClassificationRequest
    ) -> classification_pb2.ClassificationResponse:
        """Run a signature on examples, for classes and their scores."""
        with use(self._store, request) as servable:
            name, count, outputs = self._run_on_examples(servable, request, check_classify)
            result = classifications(*checked_classes(outputs, count))
            return classification_pb2.ClassificationResponse(
                model_spec=answered_by(servable, name), result=result
            )

    def regress(
        self, request: regression_pb2.RegressionRequest
    ) -> regression_pb2.RegressionResponse:
        """Run a signature on examples, for one number each."""
        with use(self._store, request) as servable:
            name, count, outputs = self._run_on_examples(servable, request, check_regress)
            result = regressions(checked_values(outputs, count))
            return regression_pb2.RegressionResponse(
                model_spec=answered_by(servable, name), result=result
            )

    def _run_on_examples(
        self, servable: Servable, request, check: Callable[..., None]
    ) -> tuple[str, int, Mapping[str, np.ndarray]]:
        name = request.model_spec.signature_name or DEFAULT_SIGNATURE
        definition = servable.signature_defs.get(name)
        if definition is None:
            raise ServingError(f"No signature was found with the name: {name}")
        check(definition, self._check_method_names)
        examples = serialised(request.input)
        return name, len(examples), self._run(servable, name, {"inputs": examples})

    def metadata(
        self, request: get_model_metadata_pb2.GetModelMetadataRequest
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """Signatures of a model."""
        with use(self._store, request) as servable:
            if not request.metadata_field:
                raise ServingError(
                    "GetModelMetadataRequest must specify at least one metadata_field"
                )
            for field in request.metadata_field:
                if field != "signature_def":
                    raise ServingError(f"Metadata field {field} is not supported")
            signatures = get_model_metadata_pb2.SignatureDefMap()
            for name, definition in servable.signature_defs.items():
                signatures.signature_def[name].CopyFrom(definition)
            response = get_model_metadata_pb2.GetModelMetadataResponse(
                model_spec=answered_by(servable)
            )
            response.metadata["signature_def"].Pack(signatures)
        return response


def named(request) -> model_pb2.ModelSpec:
    """The model that a request names.

    Raises:
        ServingError: it names none.
    """
    if not request.HasField("model_spec"):
        raise ServingError("Missing ModelSpec")
    if not request.model_spec.name:
        raise ServingError("ModelSpec has no name specified.")
    return request.model_spec


def use(store: ModelStore, request) -> contextlib.AbstractContextManager[Servable]:
    """Hold the version that a request asks for."""
    spec = named(request)
    version = spec.version.value if spec.HasField("version") else None
    return store.use(spec.name, version, spec.version_label or None)


def answered_by(servable: Servable, signature_name: str = "") -> model_pb2.ModelSpec:
    """What a response says of the version that gave it."""
    spec = model_pb2.ModelSpec(name=servable.name, signature_name=signature_name)
    spec.version.value = servable.version
    return spec


def _wanted(output_filter: Iterable[str], signature: Signature) -> list[str]:
    wanted = list(dict.fromkeys(output_filter)) or list(signature.outputs)
    for name in wanted:
        if name not in signature.outputs:
            raise ServingError(
                f"output tensor alias not found in signature: {name} "
                f"Outputs expected to be in the set {_braced(signature.outputs)}."
            )
    return wanted


def _braced(names: Iterable[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"
