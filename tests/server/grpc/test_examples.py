"""Classify and regress over gRPC, by a stock client, beside the same over REST."""

import numpy as np
import pytest
import tensorflow as tf
from grpc_calls import SECONDS, listening, refusal, stub_of
from serving_models import save, serving
from tensorflow_serving.apis import classification_pb2, regression_pb2

from kerasdl.client import Client, ServerError


def save_examples(path):
    """Signatures on `tf.Example` with the features x (float) and s (text, "dflt" without)."""

    def signature(body):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "inputs")])
        def run(inputs):
            features = tf.io.parse_example(
                inputs,
                {
                    "x": tf.io.FixedLenFeature([1], tf.float32),
                    "s": tf.io.FixedLenFeature([1], tf.string, "dflt"),
                },
            )
            return body(features["x"], features["s"])

        return run

    return save(
        path,
        serving_default=signature(
            lambda x, s: {
                "classes": tf.concat([s, tf.fill(tf.shape(s), "été")], 1),
                "scores": tf.concat([x, 1 - x], 1),
            }
        ),
        only_scores=signature(lambda x, s: {"scores": tf.concat([x, -x], 1)}),
        only_classes=signature(lambda x, s: {"classes": s}),
        flat=signature(lambda x, s: {"scores": x[:, 0]}),
        regress=signature(lambda x, s: {"outputs": 2 * x}),
        wide=signature(lambda x, s: {"outputs": tf.concat([x, x], 1)}),
    )


@pytest.fixture(scope="module")
def url_and_prediction(tmp_path_factory):
    folder = tmp_path_factory.mktemp("examples")
    save_examples(folder / "m" / "1")
    with serving(folder) as (url, store), listening(store) as channel:
        yield url, stub_of(channel)


@pytest.fixture
def prediction(url_and_prediction):
    return url_and_prediction[1]


def example(**features):
    kinds = {float: "float_list", bytes: "bytes_list", int: "int64_list"}
    return tf.train.Example(
        features={
            "feature": {
                name: {kinds[type(value)]: {"value": [value]}} for name, value in features.items()
            }
        }
    )


def request_of(kind, *examples, signature="", context=None):
    request = {
        "classify": classification_pb2.ClassificationRequest,
        "regress": regression_pb2.RegressionRequest,
    }[kind]()
    request.model_spec.name = "m"
    request.model_spec.signature_name = signature
    if context is None:
        request.input.example_list.examples.extend(examples)
    else:
        request.input.example_list_with_context.examples.extend(examples)
        request.input.example_list_with_context.context.CopyFrom(context)
    return request


def pairs(answer):
    return [
        [(found.label, found.score) for found in row.classes]
        for row in answer.result.classifications
    ]


def test_classify(prediction):
    answer = prediction.Classify(
        request_of("classify", example(x=0.25, s=b"cat"), example(x=0.5)), SECONDS
    )
    assert pairs(answer) == [[("cat", 0.25), ("été", 0.75)], [("dflt", 0.5), ("été", 0.5)]]
    assert (answer.model_spec.name, answer.model_spec.version.value) == ("m", 1)
    assert answer.model_spec.signature_name == "serving_default"


def test_classes_or_scores_alone(prediction):
    request = request_of("classify", example(x=0.5), signature="only_scores")
    assert pairs(prediction.Classify(request, SECONDS)) == [[("", 0.5), ("", -0.5)]]
    request = request_of("classify", example(x=0.5, s=b"a"), signature="only_classes")
    assert pairs(prediction.Classify(request, SECONDS)) == [[("a", 0.0)]]


def test_a_label_that_is_no_text(prediction):
    request = request_of("classify", example(x=0.5, s=b"\xff"), signature="only_classes")
    assert pairs(prediction.Classify(request, SECONDS)) == [[("�", 0.0)]]


def test_regress(prediction):
    request = request_of("regress", example(x=0.25), example(x=3.0), signature="regress")
    answer = prediction.Regress(request, SECONDS)
    assert [found.value for found in answer.result.regressions] == [0.5, 6.0]
    assert answer.model_spec.signature_name == "regress"


def test_context_stands_behind_an_examples_own(prediction):
    context = example(x=0.25, s=b"all")
    request = request_of("classify", example(s=b"own"), example(), context=context)
    answer = pairs(prediction.Classify(request, SECONDS))
    assert answer == [[("own", 0.25), ("été", 0.75)], [("all", 0.25), ("été", 0.75)]]


@pytest.mark.parametrize(
    ("kind", "signature"),
    [
        ("classify", "nope"),
        ("classify", "regress"),
        ("classify", "flat"),
        ("regress", ""),
        ("regress", "wide"),
        ("regress", "only_scores"),
    ],
)
def test_refusals_read_as_over_rest(url_and_prediction, kind, signature):
    url, prediction = url_and_prediction
    method = {"classify": prediction.Classify, "regress": prediction.Regress}[kind]
    code, text = refusal(method, request_of(kind, example(x=0.5), signature=signature))
    with Client(url) as client, pytest.raises(ServerError) as caught:
        getattr(client, kind)("m", [{"x": 0.5}], signature_name=signature or None)
    assert (code, caught.value.status) == ("INVALID_ARGUMENT", 400)
    message = caught.value.message
    assert text == (message if len(message) <= 1024 else message[:1024] + "...TRUNCATED")


def test_no_examples(prediction):
    for kind, method in (("classify", prediction.Classify), ("regress", prediction.Regress)):
        request = request_of(kind, signature="regress" if kind == "regress" else "")
        assert refusal(method, request) == ("INVALID_ARGUMENT", "Input is empty")
        request.ClearField("input")
        assert refusal(method, request) == ("INVALID_ARGUMENT", "Input is empty")


def test_an_example_without_its_feature(prediction):
    code, text = refusal(prediction.Classify, request_of("classify", example(s=b"a")))
    assert code == "INVALID_ARGUMENT"
    assert "Feature: x (data type: float) is required but could not be found" in text


def test_the_same_over_rest(url_and_prediction):
    url, prediction = url_and_prediction
    rng = np.random.default_rng(0)
    x = rng.random(20).astype(np.float32)
    request = request_of("regress", *(example(x=float(v)) for v in x), signature="regress")
    over_grpc = [found.value for found in prediction.Regress(request, SECONDS).result.regressions]
    with Client(url) as client:
        over_rest = client.regress("m", [{"x": float(v)} for v in x], signature_name="regress")
    np.testing.assert_array_equal(np.float32(over_rest), np.float32(over_grpc))
    np.testing.assert_array_equal(np.float32(over_grpc), 2 * x)
