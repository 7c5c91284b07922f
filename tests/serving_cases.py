"""Exchanges recorded from a real TF Serving: read them, send them, compare the answers."""

import base64
import http.client
import json
import math
from pathlib import Path
from urllib.parse import urlsplit

FOLDER = Path(__file__).parent / "server" / "cases"


def cases(pattern):
    return [
        json.loads(line)
        for file in sorted(FOLDER.glob(pattern))
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
