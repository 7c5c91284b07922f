import pickle
import subprocess
import sys

import numpy as np
import pytest
from serving_models import png

from kerasdl.client import BadRequest, Client, NotFound, ServerError, to_json
from kerasdl.errors import InputError


@pytest.fixture
def client(server_url):
    with Client(server_url) as client:
        yield client


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
    with pytest.raises(InputError, match=r"Cannot read .*nope.png: No such file"):
        client.predict_images("images", tmp_path / "nope.png")


def test_server_error_says_what_the_server_said(client):
    with pytest.raises(NotFound) as caught:
        client.predict("nope", instances=[1])
    assert caught.value.status == 404
    assert caught.value.message == "Servable not found for request: Latest(nope)"
    with pytest.raises(ServerError, match="does not have named input") as caught:
        client.predict("half_plus_two", instances=[{"z": 1}])
    assert caught.value.status == 400
    with pytest.raises(ServerError, match="Could not find version 9"):
        client.status("half_plus_two", 9)


def test_server_error_says_how_to_mend_it(client):
    with pytest.raises(BadRequest) as caught:
        client.predict("convolution", inputs=np.zeros((8, 8)))
    assert "shape (any, 8, 8, 1), received float64 of shape (8, 8)" in caught.value.hint
    assert "x[np.newaxis, ..., np.newaxis]" in str(caught.value)
    with pytest.raises(BadRequest, match=r'b\.astype\("int32"\)'):
        client.predict("two_io", inputs={"a": np.ones((1, 2)), "b": np.array([1.0])})
    with pytest.raises(BadRequest, match="no signature `explain`; it has `serving_default`"):
        client.explain("images", [png(0)])
    with pytest.raises(NotFound) as caught:
        client.predict("half_plus_two", instances=[1], version=9)
    assert caught.value.hint == "Versions that answer: 123."


def test_errors_travel_between_processes(client):
    with pytest.raises(ServerError) as caught:
        client.predict("half_plus_two", instances=[1], version=9)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert type(copy) is NotFound
    assert (copy.status, copy.message, copy.hint) == (404, caught.value.message, caught.value.hint)


def test_files_by_path(client, tmp_path):
    (tmp_path / "mail.txt").write_bytes(b"caf\xc3\xa9")
    assert client.predict("strings", [tmp_path / "mail.txt", "text"]) == ["café", "text"]
    with pytest.raises(InputError, match=r"Cannot read .*nope"):
        client.predict("strings", [tmp_path / "nope"])


@pytest.mark.parametrize(
    "signature", ["f32", "f64", "i8", "i16", "i32", "i64", "u8", "u32", "u64", "bool"]
)
def test_arrays_of_every_kind(client, signature):
    kind = {"f": "float", "i": "int", "u": "uint"}.get(signature[0])
    dtype = "bool" if signature == "bool" else kind + signature[1:]
    x = np.array([[0, 1, 100]]).astype(dtype)
    y = client.predict("dtypes", inputs=x, signature_name=signature)
    assert y.shape == (1, 3)
    np.testing.assert_array_equal(y.astype(dtype), x)


def test_a_type_that_json_does_not_carry(client):
    with pytest.raises(ServerError) as caught:
        client.predict("dtypes", inputs=np.float16([1]), signature_name="f16")
    assert caught.value.status in (400, 501)


def test_names_are_escaped(client):
    with pytest.raises(ServerError, match="any versions of model a/b c"):
        client.status("a/b c")


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
        "assert not {'tensorflow', 'keras', 'httptools'} & set(sys.modules)\n"
    )
    import kerasdl

    subprocess.run([sys.executable, "-c", code, kerasdl.__path__[0]], check=True)
