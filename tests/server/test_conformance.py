"""Answers recorded from a real TF Serving 2.20, on models rebuilt with the same signatures.

One exchange a line in `cases/*.jsonl`. Compared are the status, a 200 body as JSON with numbers to
float32 precision, and the text of errors.
"""

import json

import httpx
import pytest
from serving_cases import as_bytes, cases, same, send
from serving_models import models_config, save_plus, serving_as

from kerasdl.server import flags

CASES = cases("*.jsonl")


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_answers_as_recorded(server_url, case):
    check(server_url, case)


# ---- with flags ----------------------------------------------------------------------------------

BATCHING = "max_batch_size { value: 64 } batch_timeout_micros { value: 1000 }"
FLAGS = {
    "cfg_batching": ["--enable_batching=true", "--batching_parameters_file={folder}/batching"],
    "cfg_cors": ["--rest_api_enable_cors_support=true"],
    "cfg_method_check": ["--enable_signature_method_name_check=true"],
    "versions_labels": ["--allow_version_labels_for_unavailable_models"],
}
VERSIONS = """
    model_version_policy { specific { versions: 1 versions: 2 } }
    version_labels { key: "stable" value: 1 } version_labels { key: "canary" value: 2 }
"""


@pytest.mark.parametrize("name", FLAGS)
def test_answers_as_recorded_with_flags(served_models, tmp_path, name):
    models = ["half_plus_two", "dtypes", "failing", "classifier", "regressor", "examples"]
    for number in (1, 2, 3):
        save_plus(tmp_path / "versions" / str(number), number + 0.5)
    config = [(model, f'base_path: "{served_models / model}"') for model in models]
    versions = f'base_path: "{tmp_path / "versions"}"'
    config += [("versions", versions + VERSIONS), ("versions_latest", versions)]
    (tmp_path / "batching").write_text(BATCHING)
    arguments = [flag.format(folder=tmp_path) for flag in FLAGS[name]]
    file = models_config(tmp_path, *config)
    recorded = cases(f"flags/{name}.jsonl")
    assert recorded
    with serving_as(flags.parse([f"--model_config_file={file}", *arguments])) as (url, _):
        for case in recorded:
            check(url, case)
        if name == "cfg_cors":
            answer = httpx.get(f"{url}/v1/models/dtypes", trust_env=False)
            assert answer.headers["access-control-allow-origin"] == "*"
        if name == "cfg_batching":  # the real one never answers this
            case = {"method": "POST", "path": "/v1/models/half_plus_two:predict"}
            assert send(url, case | {"body": '{"inputs": []}'})[0] == 400


def check(url, case):
    status, answer = send(url, case)
    assert status == case["status"], answer[:300]
    expected = as_bytes(case, "answer")
    try:
        expected_json = json.loads(expected.decode("utf-8", "surrogateescape"))
    except ValueError:
        assert answer == expected  # a page, or nothing
        return
    assert same(json.loads(answer.decode("utf-8", "surrogateescape")), expected_json), answer[:300]


def test_the_cases_are_there():
    assert len(CASES) > 300
    assert len({case["id"].split("/")[0] for case in CASES}) == 13


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(1, 1.0), (True, 1), ([1.0], [1.0, 2.0]), ({"a": 1.0}, {"b": 1.0}), (1.0, 1.000001)],
)
def test_the_comparison_sees_a_difference(ours, theirs):
    assert not same(ours, theirs)
