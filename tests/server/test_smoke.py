"""The recorded exchanges, sent to a server that runs already: `TF_SERVING_URL=... make smoke`.

It may be any, the real TF Serving above all. A case is sent if the server has its model; those that
name no recorded model are sent to all. They were recorded without flags but
`monitoring_config_file`: with `enable_batching`, for one, inputs without rows are refused.
"""

import collections
import http.client
import json
import os
import re
from urllib.parse import unquote, urlsplit

import pytest
from serving_cases import as_bytes, cases, same, send

URL = os.environ.get("TF_SERVING_URL", "")
MODELS = {"half_plus_two", "two_io", "strings", "dtypes", "classifier", "regressor", "examples"}
SHOWN = 10  # cases that do not agree

pytestmark = [
    pytest.mark.skipif(not URL, reason="$TF_SERVING_URL names no server"),
    pytest.mark.allow_hosts([urlsplit(URL).hostname or "127.0.0.1"]),
    pytest.mark.timeout(1800),  # a request that the server leaves unanswered takes 30 s
]


def test_the_server_answers_as_recorded():
    there = {name for name in MODELS if serves(name)}
    sent, different = collections.Counter(), collections.defaultdict(list)
    for case in cases("*.jsonl"):
        model = model_of(case)
        if model is None or model in there:
            sent[model or "no model"] += 1
            problem = problem_of(case)
            if problem:
                different[model or "no model"].append(f"{case['id']}: {problem}")
    for model, count in sorted(sent.items()):
        print(f"{model}: {count - len(different[model])} of {count} agree")
    print("not on the server:", ", ".join(sorted(MODELS - there)) or "none")
    problems = [line for lines in different.values() for line in lines]
    print(f"{sent.total() - len(problems)} of {sent.total()} answers of {URL} are as recorded")
    assert not problems, "\n".join(problems[:SHOWN])


def serves(model):
    status, _ = send(URL, {"method": "GET", "path": f"/v1/models/{model}"})
    return status == 200


def model_of(case):
    """The recorded model that a case needs, `None` if it is answered without one."""
    found = re.search(r"/v1/models/([^/:?]+)", case["path"])
    name = unquote(found[1]) if found else None
    return name if name in MODELS else None


def problem_of(case):
    """What differs from the recording; empty if nothing does."""
    try:
        status, answer = send(URL, case)
    except (OSError, http.client.HTTPException) as error:
        return f"no answer: {error}"
    if status != case["status"]:
        return f"{status} instead of {case['status']}: {answer[:200]}"
    expected = as_bytes(case, "answer")
    try:
        theirs = json.loads(expected.decode("utf-8", "surrogateescape"))
        alike = same(json.loads(answer.decode("utf-8", "surrogateescape")), theirs)
    except ValueError:
        alike = answer == expected  # a page, or nothing
    return "" if alike else f"{answer[:200]} instead of {expected[:200]}"
