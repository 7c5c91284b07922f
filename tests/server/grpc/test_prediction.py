"""A stock client of `tensorflow-serving-api` asks for predictions and metadata."""

import numpy as np
import pytest
import tensorflow as tf
from grpc_calls import SECONDS, refusal, request_for
from tensorflow.core.framework import tensor_pb2, types_pb2
from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2


def test_predict(prediction):
    answer = prediction.Predict(request_for("half_plus_two", x=np.float32([1, 2])), SECONDS)
    np.testing.assert_array_equal(tf.make_ndarray(answer.outputs["y"]), np.float32([2.5, 3]))
    assert answer.model_spec.name == "half_plus_two"
    assert answer.model_spec.version.value == 123
    assert answer.model_spec.signature_name == "serving_default"


def test_predict_with_names_version_and_filter(prediction):
    request = request_for(
        "two_io",
        "serving_default",
        version=1,
        output_filter=["doubled"],
        a=np.ones((2, 2), np.float32),
        b=np.int32([3, 4]),
    )
    answer = prediction.Predict(request, SECONDS)
    assert list(answer.outputs) == ["doubled"]
    assert tf.make_ndarray(answer.outputs["doubled"]).tolist() == [6, 8]


@pytest.mark.parametrize(
    "signature",
    ["f16", "bf16", "f32", "f64", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "bool",
     "c64"],
)  # fmt: skip
@pytest.mark.parametrize("shape", [(), (3,), (0,), (2, 1, 2)])
def test_every_type_and_shape(prediction, signature, shape):
    kinds = {"f": "float", "bf": "bfloat", "i": "int", "u": "uint", "c": "complex"}
    dtype = "bool" if signature == "bool" else kinds[signature.rstrip("0123456789")]
    dtype += "" if signature == "bool" else signature.lstrip("abcdefghijklmnopqrstuvwxyz")
    x = (np.arange(np.prod(shape, dtype=int)).reshape(shape) % 2).astype(
        tf.as_dtype(dtype).as_numpy_dtype
    )
    answer = prediction.Predict(request_for("dtypes", signature, x=x), SECONDS)
    y = tf.make_ndarray(answer.outputs["y"])
    assert (y.dtype, y.shape) == (x.dtype, x.shape)
    np.testing.assert_array_equal(y, x)


def test_strings_travel_as_bytes(prediction):
    data = [b"\xff\x00", b"", "été".encode()]
    answer = prediction.Predict(request_for("strings", "echo_bytes", text=data), SECONDS)
    assert tf.make_ndarray(answer.outputs["out_bytes"]).tolist() == data


X = np.float32([1])
SPLAT = tensor_pb2.TensorProto(
    dtype=types_pb2.DT_FLOAT,
    tensor_shape={"dim": [{"size": 1 << 40}]},
    float_val=[1.0],
)
TORN = tensor_pb2.TensorProto(
    dtype=types_pb2.DT_FLOAT, tensor_shape={"dim": [{"size": 3}]}, tensor_content=b"12345"
)
SHAPELESS = tensor_pb2.TensorProto(
    dtype=types_pb2.DT_FLOAT, tensor_shape={"unknown_rank": True}, float_val=[1.0]
)
NEGATIVE = tensor_pb2.TensorProto(
    dtype=types_pb2.DT_FLOAT, tensor_shape={"dim": [{"size": -3}]}, float_val=[1.0]
)
OVERFLOWING = tensor_pb2.TensorProto(
    dtype=types_pb2.DT_FLOAT, tensor_shape={"dim": [{"size": 1 << 62}] * 4}, float_val=[1.0]
)
RESOURCE = tensor_pb2.TensorProto(dtype=types_pb2.DT_RESOURCE, tensor_shape={})


@pytest.mark.parametrize(
    ("request_", "code", "text"),
    [
        (predict_pb2.PredictRequest(), "INVALID_ARGUMENT", "Missing ModelSpec"),
        (request_for("", x=X), "INVALID_ARGUMENT", "ModelSpec has no name specified."),
        (request_for("nope", x=X), "NOT_FOUND", "Servable not found for request: Latest(nope)"),
        (
            request_for("half_plus_two", version=9, x=X),
            "NOT_FOUND",
            "Servable not found for request: Specific(half_plus_two, 9)",
        ),
        (
            request_for("half_plus_two", label="stable", x=X),
            "INVALID_ARGUMENT",
            "Unrecognized servable version label: stable",
        ),
        (
            request_for("half_plus_two", "nope", x=X),
            "FAILED_PRECONDITION",
            'Serving signature key "nope" not found.',
        ),
        (
            request_for("two_io", a=X),
            "INVALID_ARGUMENT",
            "input size does not match signature: 1!=2 len({a}) != len({a,b}). Sent extra: {}. "
            "Missing but required: {b}.",
        ),
        (
            request_for("half_plus_two", z=X),
            "INVALID_ARGUMENT",
            "input tensor alias not found in signature: z. Inputs expected to be in the set {x}.",
        ),
        (
            request_for("half_plus_two", x=X, output_filter=["z"]),
            "INVALID_ARGUMENT",
            "output tensor alias not found in signature: z Outputs expected to be in the set {y}.",
        ),
        (
            request_for("half_plus_two", x=np.int32([1])),
            "INVALID_ARGUMENT",
            "Expects arg[0] to be float but int32 is provided",
        ),
        (request_for("half_plus_two", x=TORN), "INVALID_ARGUMENT", "tensor parsing error: x"),
        (request_for("half_plus_two", x=SHAPELESS), "INVALID_ARGUMENT", "tensor parsing error: x"),
        (request_for("half_plus_two", x=NEGATIVE), "INVALID_ARGUMENT", "tensor parsing error: x"),
        (
            request_for("half_plus_two", x=RESOURCE),
            "INVALID_ARGUMENT",
            "Expects arg[0] to be float but resource is provided",
        ),
        (
            request_for("half_plus_two", x=SPLAT),
            "INVALID_ARGUMENT",
            "Input x has 1099511627776 elements; at most 1000 are taken",
        ),
    ],
)
def test_refusals(prediction, request_, code, text):
    assert refusal(prediction.Predict, request_) == (code, text)


def test_a_shape_beyond_all_numbers(prediction):
    code, text = refusal(prediction.Predict, request_for("half_plus_two", x=OVERFLOWING))
    assert code == "INVALID_ARGUMENT"
    assert "at most 1000" in text


def test_what_an_operation_refuses_reads_as_over_rest(prediction, server_url):
    from kerasdl.client import Client, ServerError

    with Client(server_url) as client, pytest.raises(ServerError) as caught:
        client.predict("failing", [-1.0])
    code, text = refusal(prediction.Predict, request_for("failing", x=np.float32([-1])))
    assert code == "INVALID_ARGUMENT"
    assert text == caught.value.message[:1024] + (
        "...TRUNCATED" if len(caught.value.message) > 1024 else ""
    )


def test_wrong_rank_never_kills(prediction):
    for shape in [(), (0,), (8, 8), (1, 8, 8, 1, 1)]:
        code, _ = refusal(
            prediction.Predict, request_for("convolution", x=np.zeros(shape, np.float32))
        )
        assert code in ("INVALID_ARGUMENT", "UNIMPLEMENTED")


def test_metadata(prediction):
    request = get_model_metadata_pb2.GetModelMetadataRequest()
    request.model_spec.name = "two_io"
    text = "GetModelMetadataRequest must specify at least one metadata_field"
    assert refusal(prediction.GetModelMetadata, request) == ("INVALID_ARGUMENT", text)
    request.metadata_field.append("signature_def")
    answer = prediction.GetModelMetadata(request, SECONDS)
    assert (answer.model_spec.name, answer.model_spec.version.value) == ("two_io", 1)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert answer.metadata["signature_def"].Unpack(signatures)
    default = signatures.signature_def["serving_default"]
    assert set(default.inputs) == {"a", "b"}
    assert default.inputs["b"].dtype == types_pb2.DT_INT32
    request.metadata_field.append("other")
    text = "Metadata field other is not supported"
    assert refusal(prediction.GetModelMetadata, request) == ("INVALID_ARGUMENT", text)
