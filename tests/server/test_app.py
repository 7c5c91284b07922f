import gzip
import json
import threading
import time

import httpx
import pytest
from serving_models import png, save_scale, serving

from kerasdl.server.settings import Limits

PREDICT = "/v1/models/half_plus_two:predict"


@pytest.fixture(scope="module")
def http(server_url):
    with httpx.Client(base_url=server_url, trust_env=False, timeout=30) as client:
        yield client


def test_metadata_names_signatures_types_and_shapes(http):
    answer = http.get("/v1/models/two_io/metadata").json()
    assert answer["model_spec"] == {"name": "two_io", "version": "1", "signature_name": ""}
    signatures = answer["metadata"]["signature_def"]["signature_def"]
    assert set(signatures) == {"serving_default", "indep", "__saved_model_init_op"}
    default = signatures["serving_default"]
    assert default["inputs"]["a"] == {
        "name": "serving_default_a:0",
        "dtype": "DT_FLOAT",
        "tensor_shape": {
            "dim": [{"size": "-1", "name": ""}, {"size": "2", "name": ""}],
            "unknown_rank": False,
        },
    }
    assert default["method_name"] == "tensorflow/serving/predict"
    assert default["defaults"] == {}
    assert set(default["outputs"]) == {"sum", "doubled"}
    assert http.get("/v1/models/two_io/versions/1/metadata").json() == answer


def test_undecodable_image_is_the_clients_fault(http):
    import base64

    def ask(*images):
        rows = [{"b64": base64.b64encode(image).decode()} for image in images]
        return http.post("/v1/models/images:predict", json={"instances": rows})

    answer = ask(png(255), b"no image")
    assert answer.status_code == 400
    assert set(answer.json()) == {"error"}
    assert "Traceback" not in answer.text
    (prediction,) = ask(png(255)).json()["predictions"]
    assert prediction["label"] == "bright"


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": []},
        {"inputs": 1.0},
        {"instances": [[[0.5] * 8] * 8]},
        {"instances": [[[[0.5]] * 7] * 8]},
        {"instances": [[[["x"]]]]},
        {"instances": [[]]},
    ],
)
def test_wrong_rank_and_empty_input_never_kill(http, body):
    answer = http.post("/v1/models/convolution:predict", json=body)
    assert answer.status_code == 400
    assert set(answer.json()) == {"error"}


@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize("depth", [2_000, 50_000, 200_000])
def test_deep_nesting_never_kills(http, opening, depth):
    body = '{"signature_name": "anyshape", "instances":' + opening * depth
    assert http.post(PREDICT, content=body).status_code == 400
    assert http.get("/v1/models/half_plus_two").status_code == 200


def test_unknown_label(http):
    answer = http.post("/v1/models/half_plus_two/labels/stable:predict", json={"instances": [1]})
    assert answer.status_code == 400
    assert answer.json()["error"] == "Unrecognized servable version label: stable"


def test_fault_of_ours_is_not_shown(http, monkeypatch, caplog):
    from kerasdl.server import app

    def fail(*_, **__):
        raise RuntimeError("secret")

    monkeypatch.setattr(app, "read_call", fail)
    answer = http.post(PREDICT, json={"instances": [1]})
    assert (answer.status_code, answer.json()) == (500, {"error": "Internal error"})
    assert "secret" in caplog.text


def test_body_limit_holds_before_and_after_decompression(served_models):
    with (
        serving(served_models, limits=Limits(body_bytes=1000)) as (url, _),
        httpx.Client(base_url=url, trust_env=False) as http,
    ):
        small = json.dumps({"instances": [1.0] * 10}).encode()
        large = json.dumps({"instances": [1.0] * 1000}).encode()
        packed = gzip.compress(large)
        assert len(packed) < 1000 < len(large)
        assert http.post(PREDICT, content=small).status_code == 200
        assert http.post(PREDICT, content=large).status_code == 413
        answer = http.post(PREDICT, content=packed, headers={"Content-Encoding": "gzip"})
        assert answer.status_code == 413
        assert "exceeds 1000 bytes" in answer.json()["error"]


def test_slow_model_does_not_hold_up_others(served_models, tmp_path):
    save_scale(tmp_path / "slow" / "1", 1.0, steps=20_000)
    save_scale(tmp_path / "quick" / "1", 1.0)
    with serving(tmp_path) as (url, _):
        took = {}

        def ask(name):
            started = time.perf_counter()
            answer = httpx.post(
                f"{url}/v1/models/{name}:predict",
                json={"instances": [1]},
                trust_env=False,
                timeout=60,
            )
            assert answer.json() == {"predictions": [1.0]}
            took[name] = time.perf_counter() - started

        ask("quick")
        slow = threading.Thread(target=ask, args=["slow"])
        slow.start()
        time.sleep(0.1)
        for _ in range(5):
            ask("quick")
            assert slow.is_alive()
        slow.join()
        assert took["slow"] > took["quick"]


def test_new_version_takes_traffic_and_broken_one_does_not(tmp_path):
    save_scale(tmp_path / "m" / "1", 1.0)
    with serving(tmp_path) as (url, _), httpx.Client(base_url=url, trust_env=False) as http:

        def answer():
            return http.post("/v1/models/m:predict", json={"instances": [1]}).json()

        assert answer() == {"predictions": [1.0]}
        save_scale(tmp_path / "staged", 2.0).rename(tmp_path / "m" / "2")
        (tmp_path / "m" / "3").mkdir()
        deadline = time.monotonic() + 20
        while len(http.get("/v1/models/m").json()["model_version_status"]) < 3 or (
            answer() != {"predictions": [2.0]}
        ):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        broken, *others = http.get("/v1/models/m").json()["model_version_status"]
        assert broken["version"] == "3"
        assert (broken["state"], broken["status"]["error_code"]) == ("END", "NOT_FOUND")
        assert [other["state"] for other in others] == ["AVAILABLE", "AVAILABLE"]
