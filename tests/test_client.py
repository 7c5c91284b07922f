import json
import subprocess
import sys

import httpx
import numpy as np
import pytest
from serving_models import png

from kerasdl.client import Client, ConnectionFailed, ServerError, to_json
from kerasdl.errors import InputError


@pytest.fixture
def client(server_url):
    with Client(server_url) as client:
        yield client


def fake(client, answer):
    """Let the client talk to a function instead of a server."""
    client._http = httpx.Client(transport=httpx.MockTransport(answer))
    return client


def test_status(client):
    (status,) = client.status("half_plus_two")
    assert (status["version"], status["state"]) == ("123", "AVAILABLE")
    assert client.status("half_plus_two", 123) == [status]


def test_metadata(client):
    signatures = client.metadata("images", version=1)
    assert signatures["serving_default"]["inputs"]["image_bytes"]["dtype"] == "DT_STRING"


def test_rows_in_rows_out(client):
    assert client.predict("half_plus_two", instances=[1, 2.0, np.float32(5)]) == [2.5, 3, 4.5]
    rows = [{"a": np.array([1, 2]), "b": 3}, {"a": (4, 5), "b": np.int8(6)}]
    answer = client.predict("two_io", instances=rows, signature_name="serving_default", version=1)
    assert answer == [{"sum": 6.0, "doubled": 6}, {"sum": 15.0, "doubled": 12}]


def test_arrays_in_arrays_out(client):
    x = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    y = client.predict("half_plus_two", inputs=x, signature_name="vec")
    assert isinstance(y, np.ndarray)
    # float32 travels with all its digits, so only the division rounds
    np.testing.assert_array_equal(y.astype(np.float32), x / 2 + np.float32(2))
    answer = client.predict("two_io", inputs={"a": np.ones((2, 2)), "b": np.array([1, 2])})
    assert answer["sum"].tolist() == [3, 4]
    assert answer["doubled"].dtype == np.int64


def test_special_numbers_travel(client):
    x = np.float32([np.nan, np.inf, -np.inf])
    np.testing.assert_array_equal(client.predict("half_plus_two", inputs=x), x)


def test_bytes_travel_unchanged(client):
    data = [b"\xff\x00", b"", b"text\x00"]
    options = {"signature_name": "echo_bytes"}
    assert client.predict("strings", instances=data, **options) == data
    assert client.predict("strings", inputs=data, **options).tolist() == data


def test_text_travels_unchanged(client):
    text = ["été", 'a"b\n', "日本", "b64"]
    assert client.predict("strings", instances=text) == text


def test_images_by_path_and_by_bytes(client, tmp_path):
    path = tmp_path / "dark image.png"
    path.write_bytes(png(51))
    dark, bright = client.predict_images("images", [path, png(255)])
    assert dark["label"] == "dark"
    assert dark["probability"] == pytest.approx(0.8, rel=1e-6)  # 51 is a fifth of 255
    assert dark["classes"] == ["dark", "bright"]
    assert bright["probabilities"] == [0, 1]
    for single in (path, str(path)):
        assert client.predict_images("images", single) == [dark]
    assert client.predict_images("images", []) == []


def test_missing_image(client, tmp_path):
    with pytest.raises(InputError, match=r"Cannot read image .*nope.png: No such file"):
        client.predict_images("images", tmp_path / "nope.png")


def test_server_error_says_what_the_server_said(client):
    with pytest.raises(ServerError) as caught:
        client.predict("nope", instances=[1])
    assert caught.value.status == 404
    assert caught.value.message == "Servable not found for request: Latest(nope)"
    with pytest.raises(ServerError, match="does not have named input") as caught:
        client.predict("half_plus_two", instances=[{"z": 1}])
    assert caught.value.status == 400
    with pytest.raises(ServerError, match="Could not find version 9"):
        client.status("half_plus_two", 9)


def test_names_are_escaped(client):
    with pytest.raises(ServerError, match="any versions of model a/b c"):
        client.status("a/b c")


def test_nobody_there():
    with Client("http://127.0.0.1:9") as client, pytest.raises(ConnectionFailed) as caught:
        client.status("m")
    assert "No answer from http://127.0.0.1:9: " in str(caught.value)
    assert "kerasdl serve DIR --port 9" in str(caught.value)


def test_no_answer_in_time(client):
    def slow(request):
        raise httpx.ReadTimeout("", request=request)

    with pytest.raises(ConnectionFailed, match="nothing within 5 seconds"):
        fake(client, slow).status("m")


@pytest.mark.parametrize("status", [200, 502])
def test_answer_of_something_else(client, status):
    with pytest.raises(ServerError) as caught:
        fake(client, lambda request: httpx.Response(status, text="<html>")).status("m")
    assert caught.value.status == status


def test_request_goes_out_in_tf_servings_form(client):
    seen = []

    def answer(request):
        seen.append((request.method, request.url.raw_path, json.loads(request.content)))
        return httpx.Response(200, json={"predictions": [1]})

    fake(client, answer).predict("m x", instances=[b"PNG"], signature_name="s", version=3)
    body = {"signature_name": "s", "instances": [{"b64": "UE5H"}]}
    assert seen == [("POST", b"/v1/models/m%20x/versions/3:predict", body)]


@pytest.mark.parametrize("url", ["127.0.0.1:8501", "ftp://x", "http://", "http://h:port", ""])
def test_bad_url(url):
    with pytest.raises(InputError, match="`url` must look like"):
        Client(url)


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_bad_timeout(timeout):
    with pytest.raises(InputError, match="`timeout` must be a positive number"):
        Client(timeout=timeout)


@pytest.mark.parametrize("arguments", [{}, {"instances": [1], "inputs": [1]}])
def test_one_of_instances_and_inputs(client, arguments):
    with pytest.raises(InputError, match="one of `instances` and `inputs`"):
        client.predict("m", **arguments)


@pytest.mark.parametrize("value", [object(), {1, 2}, np.array([1j])])
def test_values_without_json_form(value):
    with pytest.raises(InputError, match="has no JSON form"):
        to_json([value])


def test_loopback_needs_no_proxy(server_url, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with Client(server_url) as client:
        assert client.status("half_plus_two")


def test_client_does_not_import_tensorflow_itself():
    """Read from the module's own imports: the package around it may load Keras."""
    code = (
        "import sys, importlib.util\n"
        "import types; package = types.ModuleType('kerasdl'); package.__path__ = [sys.argv[1]]\n"
        "sys.modules['kerasdl'] = package\n"
        "import kerasdl.client\n"
        "rooms = {name.split('.')[1] for name in sys.modules if name.startswith('kerasdl.')}\n"
        "assert rooms == {'client', 'errors'}, rooms\n"
        "assert not {'tensorflow', 'keras', 'uvicorn'} & set(sys.modules)\n"
    )
    import kerasdl

    subprocess.run([sys.executable, "-c", code, kerasdl.__path__[0]], check=True)
