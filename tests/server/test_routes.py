import pytest

from kerasdl.server.errors import ServingError
from kerasdl.server.routes import Route, match


@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("POST", "/v1/models/m:predict", Route("predict", "m")),
        ("POST", "/v1/models/m/versions/007:predict", Route("predict", "m", 7)),
        ("POST", "/v1/models/m/labels/stable:classify", Route("classify", "m", None, "stable")),
        ("GET", "/v1/models/m", Route("status", "m")),
        ("GET", "/v1/models/m/versions/2/metadata", Route("metadata", "m", 2)),
        ("GET", "/v1/models/mod%C3%A8le%20x", Route("status", "modèle x")),
        ("GET", "/v1/models/..%2Fetc", Route("status", "../etc")),  # a name, never a path
        ("GET", "/v1/models/m/METADATA", Route("status", "m")),
    ],
)
def test_paths(method, path, route):
    assert match(method, path) == route


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/models/m:predict"),
        ("GET", "/v1/models/m/"),
        ("POST", "/v1/models/m"),
        ("POST", "/v1/models/m:predict?x"),
        ("POST", "/v1/models/m:Predict"),
        ("PUT", "/v1/models/m"),
    ],
)
def test_malformed(method, path):
    with pytest.raises(ServingError) as caught:
        match(method, path)
    assert caught.value.message == f"Malformed request: {method} {path}"


@pytest.mark.parametrize("digits", ["9223372036854775808", "9" * 5000])
def test_version_beyond_64_bits(digits):
    with pytest.raises(ServingError) as caught:
        match("GET", f"/v1/models/m/versions/{digits}")
    assert (caught.value.http_status, caught.value.message) == (400, "")
