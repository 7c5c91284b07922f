"""Calls of a stock client of `tensorflow-serving-api`."""

import contextlib

import grpc
import pytest
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

SECONDS = 60


@contextlib.contextmanager
def listening(store, **options):
    """An endpoint on the models of a store; gives a channel to it."""
    from kerasdl.server.grpc import Endpoint

    endpoint = Endpoint(store, **options)
    endpoint.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{endpoint.port}") as channel:
            yield channel
    finally:
        endpoint.stop(5)


def stub_of(channel):
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


def request_for(model, signature="", version=None, label=None, output_filter=(), **inputs):
    request = predict_pb2.PredictRequest(output_filter=output_filter)
    request.model_spec.name = model
    request.model_spec.signature_name = signature
    if version is not None:
        request.model_spec.version.value = version
    if label is not None:
        request.model_spec.version_label = label
    for name, value in inputs.items():
        if not isinstance(value, tensor_pb2.TensorProto):
            value = tf.make_tensor_proto(value)
        request.inputs[name].CopyFrom(value)
    return request


def refusal(method, request):
    with pytest.raises(grpc.RpcError) as caught:
        method(request, timeout=SECONDS)
    return caught.value.code().name, caught.value.details()
