import gzip
import json
import ssl
import subprocess
import threading
import time

import httpx
import numpy as np
import pytest
from serving_models import models_config, png, save_scale, serving, serving_as

from kerasdl.errors import InputError
from kerasdl.server import flags
from kerasdl.server.batching import helpers
from kerasdl.server.batching.helpers import Helpers
from kerasdl.server.servable import Servable
from kerasdl.server.settings import Limits, Settings

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


def test_a_long_body_is_begun_with_before_it_is_read(served_models, monkeypatch):
    images = np.random.default_rng(0).random((100, 8, 8, 1)).round(6).tolist()
    begun = []
    begin = Helpers.begin

    def spy(self, servable, name, inputs):
        begun.append(begin(self, servable, name, inputs))
        return begun[-1]

    monkeypatch.setattr(Helpers, "begin", spy)
    monkeypatch.setattr(helpers, "_usable_cores", lambda: {0, 1})
    monkeypatch.setattr(Servable, "seconds_for", lambda self, name, rows: 1e-4 * rows)
    # What a call took is the machine's affair: here the model is slow until we say it is quick.
    slowest = 1.0
    monkeypatch.setattr(Servable, "slowest_lately", lambda self, name: slowest)
    with (
        serving(served_models) as (url, store),
        httpx.Client(base_url=url, trust_env=False, timeout=30) as http,
    ):

        def ask(rows):
            text = json.dumps({"instances": rows})
            return http.post("/v1/models/convolution:predict", content=text.encode())

        singles = [ask([image]).json()["predictions"][0] for image in images]
        for slowest in (1.0, 0.0):
            for _ in range(10):
                answer = ask(images)
                np.testing.assert_allclose(answer.json()["predictions"], singles, rtol=1e-5)
            assert len(begun) == (0 if slowest else 10)
        assert all(begun)
        count = len(begun)
        wrong = [*images[:-1], images[-1][:-1]]
        answer = ask(wrong)
        assert answer.status_code == 400
        assert answer.json()["error"].startswith("Failed to process element: 99 of 'instances'")
        assert len(begun) == count + 1
        assert ask([image[:-1] for image in images]).status_code == 400  # not of its shape
        assert ask([image[0] for image in images]).status_code == 400
        assert ask(images).json() == ask(images).json()
        with store.use("convolution") as servable:
            assert servable._running == 1


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


# ---- watching and guarding -----------------------------------------------------------------------


def get(url, path, **options):
    return httpx.get(url + path, trust_env=False, timeout=30, **options)


def test_health_and_readiness(served_models, tmp_path):
    save_scale(tmp_path / "m" / "1", 1.0)
    file = models_config(tmp_path, "m", ("later", f'base_path: "{tmp_path / "later"}"'))
    settings = flags.parse([f"--model_config_file={file}"])
    with serving_as(settings) as (url, store):
        assert get(url, "/healthz").status_code == 200
        answer = get(url, "/readyz")
        assert (answer.status_code, answer.text) == (503, "not available: later\n")
        save_scale(tmp_path / "later" / "1", 1.0)
        store.rescan()
        assert get(url, "/readyz").status_code == 200


def test_token(served_models, tmp_path, caplog):
    log = tmp_path / "access.log"
    with serving(served_models, token="secret", access_log=str(log)) as (url, _):
        path = "/v1/models/half_plus_two"
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic secret"}):
            answer = get(url, path, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert set(answer.json()) == {"error"}
            assert get(url, "/monitoring/prometheus/metrics", headers=headers).status_code == 401
        right = {"Authorization": "Bearer secret"}
        assert get(url, path, headers=right).status_code == 200
        call = {"json": {"instances": [1]}, "trust_env": False}
        for _ in range(2):  # the second time the path is known
            assert httpx.post(f"{url}{PREDICT}", **call).status_code == 401
            assert httpx.post(f"{url}{PREDICT}", headers=right, **call).status_code == 200
        assert get(url, "/healthz").status_code == 200
    assert "secret" not in log.read_text() + caplog.text


def test_access_log_and_request_id(served_models, tmp_path):
    log = tmp_path / "access.log"
    with serving(served_models, access_log=str(log)) as (url, _):
        body = b'{"instances": [1]}'
        sent = {"X-Request-Id": "abc-1", "Authorization": "Bearer hidden"}
        answer = httpx.post(f"{url}{PREDICT}", content=body, headers=sent, trust_env=False)
        assert answer.headers["x-request-id"] == "abc-1"
        bad = get(url, "/v1/models/nope", headers={"X-Request-Id": "no good id"})
        assert bad.headers["x-request-id"] not in ("", "no good id")
    first, second = map(json.loads, log.read_text().splitlines())
    assert (first["id"], first["status"], first["model"]) == ("abc-1", 200, "half_plus_two")
    assert (first["method"], first["path"], first["client"]) == ("POST", PREDICT, "127.0.0.1")
    assert (first["bytes_in"], first["bytes_out"]) == (len(body), len(answer.content))
    assert (second["status"], second["model"]) == (404, "")
    assert "hidden" not in log.read_text()


def test_tls(served_models, tmp_path):
    request = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    request += " -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem"
    subprocess.run(
        ["openssl", *request.split()],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    files = {"tls_certificate": tmp_path / "cert.pem", "tls_key": tmp_path / "key.pem"}
    with serving(served_models, **files) as (url, _):
        assert url.startswith("https:")
        trust = ssl.create_default_context(cafile=tmp_path / "cert.pem")
        with httpx.Client(verify=trust, trust_env=False) as client:
            answer = client.post(f"{url}{PREDICT}", json={"instances": [1]})
            assert answer.json() == {"predictions": [2.5]}
    with pytest.raises(InputError, match="cannot be used"):
        Settings(model_dir=served_models, tls_certificate=tmp_path / "no", tls_key=tmp_path).tls()


def test_metrics_under_tf_servings_names(served_models):
    with serving(served_models) as (url, _):
        for _ in range(3):
            httpx.post(f"{url}{PREDICT}", json={"instances": [1]}, trust_env=False)
        httpx.post(f"{url}{PREDICT}", content=b"{", trust_env=False)
        httpx.post(f"{url}/v1/models/hostile-name:predict", content=b"{}", trust_env=False)
        page = get(url, "/monitoring/prometheus/metrics")
    assert page.headers["content-type"] == "text/plain"
    lines = page.text.splitlines()
    assert "# TYPE :tensorflow:serving:request_count counter" in lines
    assert "# TYPE :tensorflow:serving:request_latency histogram" in lines
    found = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    count = ':tensorflow:serving:request_count{model_name="half_plus_two",status="%s"}'
    assert int(found[count % "OK"]) >= 3
    assert int(found[count % "INVALID_ARGUMENT"]) >= 1
    labels = '{model_name="half_plus_two",API="predict",entrypoint="REST"'
    latency = ":tensorflow:serving:request_latency"
    assert found[f'{latency}_bucket{labels},le="+Inf"}}'] == found[f"{latency}_count{labels}}}"]
    assert f'{latency}_bucket{labels},le="188.957"}}' in found
    assert int(found[":tensorflow:core:direct_session_runs{}"]) >= 3
    path = served_models / "half_plus_two" / "123"
    assert int(found[f':tensorflow:cc:saved_model:load_latency{{model_path="{path}"}}']) > 0
    loads = ':tensorflow:cc:saved_model:load_attempt_count{model_path="%s",status="success"}'
    assert int(found[loads % path]) >= 1
    assert "hostile-name" not in page.text  # else clients could fill the memory


def test_metrics_can_be_elsewhere_or_off(served_models):
    with serving(served_models, metrics_path="/m") as (url, _):
        assert get(url, "/m").status_code == 200
        assert get(url, "/monitoring/prometheus/metrics").status_code == 404
    with serving(served_models, metrics_path=None) as (url, _):
        assert get(url, "/monitoring/prometheus/metrics").status_code == 404


def test_full_queue_and_deadline(tmp_path):
    save_scale(tmp_path / "slow" / "1", 1.0, steps=30_000)
    save_scale(tmp_path / "quick" / "1", 1.0)
    options = {"limits": Limits(queue=1), "rest_api_timeout_in_ms": 300}
    with serving(tmp_path, **options) as (url, _):

        def ask(name):
            target = f"{url}/v1/models/{name}:predict"
            return httpx.post(target, json={"instances": [1]}, trust_env=False, timeout=60)

        answers = []
        slow = threading.Thread(target=lambda: answers.append(ask("slow")))
        slow.start()
        time.sleep(0.1)
        refused = ask("quick")
        slow.join()
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        (late,) = answers
        assert late.status_code == 504
        assert late.json() == {"error": "Timed out waiting for notification"}
        deadline = time.monotonic() + 60
        while ask("quick").status_code != 200:  # once the slow call has ended
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_too_many_elements(served_models):
    with serving(served_models, limits=Limits(tensor_elements=10)) as (url, _):
        answer = httpx.post(f"{url}{PREDICT}", json={"instances": [1.0] * 11}, trust_env=False)
        assert answer.status_code == 400
        assert answer.json()["error"] == "Input x has 11 elements; this server takes up to 10"


@pytest.mark.parametrize("path", ["/v1/models/..%2F..%2Fetc", "/v1/models/%2e%2e", "/../etc"])
def test_no_path_reaches_the_file_system(http, path):
    answer = http.get(path)
    assert answer.status_code == 404
    assert "root" not in answer.text
