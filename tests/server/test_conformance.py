"""Answers recorded from a real TF Serving 2.20, on models rebuilt with the same signatures.

One exchange a line in `cases/*.jsonl`. Compared are the status, a 200 body as JSON with numbers to
float32 precision, and the text of errors.
"""

import base64
import http.client
import json
import math
from pathlib import Path
from urllib.parse import urlsplit

import pytest

CASES = [
    json.loads(line)
    for file in sorted((Path(__file__).parent / "cases").glob("*.jsonl"))
    for line in file.read_text(encoding="utf-8").splitlines()
]


def as_bytes(case, key):
    text = case.get(key, "")
    return base64.b64decode(text) if case.get(f"{key}_encoding") else text.encode()


def send(url, case):
    # Not httpx: the path and the headers must go out exactly as recorded.
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    body = as_bytes(case, "body")
    try:
        connection.putrequest(case["method"], case["path"], skip_accept_encoding=True)
        for name, value in case.get("headers", {}).items():
            connection.putheader(name, value)
        if body or case["method"] == "POST":
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def same(ours, theirs):
    if isinstance(ours, float) and isinstance(theirs, float):
        # float32 has 24 bits, so two roundings of one number differ by at most 2^-23 of it
        return (
            ours == theirs
            or (math.isnan(ours) and math.isnan(theirs))
            or math.isclose(ours, theirs, rel_tol=2**-23)
        )
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(same(ours[key], theirs[key]) for key in ours)
    return type(ours) is type(theirs) and ours == theirs


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_answers_as_recorded(server_url, case):
    status, answer = send(server_url, case)
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
    assert len({case["id"].split("/")[0] for case in CASES}) == 11


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(1, 1.0), (True, 1), ([1.0], [1.0, 2.0]), ({"a": 1.0}, {"b": 1.0}), (1.0, 1.000001)],
)
def test_the_comparison_sees_a_difference(ours, theirs):
    assert not same(ours, theirs)
