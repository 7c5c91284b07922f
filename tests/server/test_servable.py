import os
import subprocess
import sys

import numpy as np
import pytest

from kerasdl.server import servable as module
from kerasdl.server.codec import TensorSpec
from kerasdl.server.codec.wide import WideArray
from kerasdl.server.errors import ServingError
from kerasdl.server.servable import Servable


def test_runs_a_signature(served_models):
    servable = Servable("two_io", 1, served_models / "two_io" / "1")
    inputs = {"a": np.ones((2, 2), np.float32), "b": np.array([1, 2], np.int32)}
    outputs = servable.predict("serving_default", inputs)
    assert outputs["sum"].tolist() == [3, 4]
    assert outputs["doubled"].tolist() == [2, 4]
    assert servable.signatures["indep"].inputs["a"] == TensorSpec("indep_a:0", "float", (None, 2))


def test_strings_keep_zero_bytes(served_models):
    servable = Servable("strings", 1, served_models / "strings" / "1")
    text = np.array([b"a\0b\0", b""], object)
    assert servable.predict("serving_default", {"text": text})["out"].tolist() == [b"a\0b\0", b""]


def test_refusal_of_an_operation(served_models):
    servable = Servable("failing", 1, served_models / "failing" / "1")
    with pytest.raises(ServingError, match="must be positive") as caught:
        servable.predict("serving_default", {"x": np.array([-1], np.float32)})
    assert caught.value.http_status == 400
    with pytest.raises(ServingError, match="Integer division by zero"):
        servable.predict("div", {"x": np.array([0], np.int32)})
    # and it works on
    assert servable.predict("serving_default", {"x": np.float32([4])})["y"].tolist() == [2]


def test_unknown_signature(served_models):
    servable = Servable("strings", 1, served_models / "strings" / "1")
    with pytest.raises(ServingError, match='"nope" not found in signature def'):
        servable.predict("nope", {})


def test_folder_without_a_model(tmp_path):
    with pytest.raises(ServingError, match=r"should have a file called `saved_model.pb`") as caught:
        Servable("m", 1, tmp_path)
    assert caught.value.code == "NOT_FOUND"


@pytest.mark.parametrize("content", [b"", b"no protocol buffer at all"])
def test_broken_model(tmp_path, content):
    (tmp_path / "saved_model.pb").write_bytes(content)
    with pytest.raises(ServingError):
        Servable("m", 1, tmp_path)


def test_retired_version_finishes_its_requests(served_models):
    servable = Servable("half_plus_two", 123, served_models / "half_plus_two" / "123")
    x = {"x": np.float32([1])}
    assert servable.acquire()
    servable.retire()
    assert not servable.acquire()  # no new requests
    assert servable.predict("serving_default", x)["y"].tolist() == [2.5]  # the running one
    servable.release()
    with pytest.raises(ServingError):  # closed
        servable.predict("serving_default", x)


@pytest.mark.parametrize("shape", [(), (0,), (8, 8, 1), (1, 8, 8, 3), (2, 1, 8, 8, 1)])
def test_guard_keeps_wrong_shapes_from_convolutions(served_models, monkeypatch, shape):
    """With oneDNN some of these abort the process, so they must not reach the graph."""
    monkeypatch.setattr(module, "_ONEDNN_IS_OFF", False)
    servable = Servable("convolution", 1, served_models / "convolution" / "1")
    with pytest.raises(ServingError, match=r"must be of shape \[any, 8, 8, 1\]") as caught:
        servable.predict("serving_default", {"x": np.zeros(shape, np.float32)})
    assert caught.value.http_status == 400
    good = servable.predict("serving_default", {"x": np.ones((2, 8, 8, 1), np.float32)})
    assert good["y"].shape == (2, 8, 8, 2)


def test_guard_leaves_other_models_alone(served_models, monkeypatch):
    monkeypatch.setattr(module, "_ONEDNN_IS_OFF", False)
    servable = Servable("half_plus_two", 123, served_models / "half_plus_two" / "123")
    # As TF Serving has it: the declared shape [None, 3] is not checked.
    assert servable.predict("vec", {"x": np.float32([1, 2])})["y"].tolist() == [2.5, 3]


def test_without_onednn_convolutions_refuse_wrong_shapes_themselves(served_models):
    """In a process of its own, as oneDNN is switched when TensorFlow is imported."""
    code = """
import sys, numpy as np
from kerasdl.server import servable
from kerasdl.server.errors import ServingError
assert servable._ONEDNN_IS_OFF
model = servable.Servable("convolution", 1, sys.argv[1])
assert not model._guarded
for shape in [(), (0,), (8, 8, 1), (2, 1, 8, 8, 1)]:
    try:
        model.predict("serving_default", {"x": np.zeros(shape, np.float32)})
    except ServingError as error:
        assert error.http_status == 400, error
    else:
        raise AssertionError(shape)
print("alive")
"""
    path = str(served_models / "convolution" / "1")
    environment = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": "0"}
    result = subprocess.run(
        [sys.executable, "-c", code, path], env=environment, capture_output=True, text=True
    )
    assert result.stdout.strip() == "alive", result.stderr[-2000:]


@pytest.mark.parametrize("rank", [65, 254])
def test_more_dimensions_than_numpy_has(served_models, rank):
    servable = Servable("half_plus_two", 123, served_models / "half_plus_two" / "123")
    wide = WideArray(np.array([1, 2], np.float32), (1,) * (rank - 1) + (2,))
    for _ in range(2):
        y = servable.predict("anyshape", {"x": wide})["y"]
        assert (y.shape, y.reshape(-1).tolist()) == (wide.shape, [1, 2])


def test_refusal_of_a_wide_array_shows_no_trace(served_models):
    servable = Servable("convolution", 1, served_models / "convolution" / "1")
    wide = WideArray(np.ones(1, np.float32), (1,) * 70)
    with pytest.raises(ServingError) as caught:
        servable.predict("serving_default", {"x": wide})
    assert caught.value.http_status == 400
    assert "File" not in caught.value.message


def test_a_server_does_without_keras_and_jax():
    script = """
import sys
sys.orig_argv = ["python", "kerasdl", "serve"]
import kerasdl.server.models, kerasdl.server.service, kerasdl.server.grpc
assert not {"keras", "jax"} & set(sys.modules), "two seconds and 200 MB more"
import tensorflow as tf
assert tf.keras.layers.Dense.__module__.startswith("keras.")  # for who asks
"""
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment)
