"""Clients that know nothing of this project: `requests`, and gRPC with `tensorflow-serving-api`."""

import json
import socket

import grpc
import numpy as np
import requests
import tensorflow as tf
from serving_models import png, serving
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from kerasdl.client import Client


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def test_requests(server_url):
    """As TF Serving's tutorial asks."""
    images = np.random.default_rng(0).random((3, 8, 8, 1))
    data = json.dumps({"signature_name": "serving_default", "instances": images.tolist()})
    headers = {"content-type": "application/json"}
    json_response = requests.post(
        f"{server_url}/v1/models/convolution:predict", data=data, headers=headers
    )
    predictions = json.loads(json_response.text)["predictions"]
    expected = tf.nn.conv2d(images.astype("float32"), tf.ones((3, 3, 1, 2)), 1, "SAME")
    np.testing.assert_allclose(predictions, expected, atol=1e-5)  # float32 sums of nine numbers


def test_one_server_answers_both_ways(served_models):
    port = free_port()
    with (
        serving(served_models, port=port) as (url, _),
        Client(url) as client,
        grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        over_rest = client.predict_images("images", [png(0), png(255)])
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        request = predict_pb2.PredictRequest()
        request.model_spec.name = "images"
        request.inputs["image_bytes"].CopyFrom(tf.make_tensor_proto([png(0), png(255)]))
        answer = stub.Predict(request, 60)
    assert [row["label"] for row in over_rest] == ["dark", "bright"]
    assert tf.make_ndarray(answer.outputs["label"]).tolist() == [b"dark", b"bright"]
