import ssl

import pytest

from kerasdl.client import AsyncClient, Client
from kerasdl.client.connection import Connection, _proxy
from kerasdl.errors import InputError

URL = "http://127.0.0.1:8501"


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8501", "ftp://x", "http://", "http://h:port", "", "http://h/?q", None, 1]
)
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_bad_url(kind, url):
    with pytest.raises(InputError, match="`url` must look like"):
        kind(url)


def test_no_password_in_the_url():
    with pytest.raises(InputError, match="give `token`") as caught:
        Client("https://user:secret@host")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), "1"])
def test_bad_timeout(timeout):
    with pytest.raises(InputError, match="`timeout` must be a positive number"):
        Client(timeout=timeout)


@pytest.mark.parametrize("retries", [-1, 1.5, None])
def test_bad_retries(retries):
    with pytest.raises(InputError, match="`retries` must be 0 or more"):
        Client(retries=retries)


@pytest.mark.parametrize("token", ["two words", "new\nline", "schlüssel"])
def test_bad_token_is_not_repeated(token):
    with pytest.raises(InputError, match="printable ASCII") as caught:
        Client(token=token)
    assert token not in str(caught.value)


def test_token_never_shows():
    client = Client(URL, token="s3cret")
    for shown in (repr(client), str(client), repr(client._connection), repr(client._http.headers)):
        assert "s3cret" not in shown


def test_token_of_the_environment(monkeypatch):
    monkeypatch.setenv("KERASDL_SERVING_TOKEN", "from-environment\n")
    assert Client(URL)._http.headers["authorization"] == "Bearer from-environment"
    assert Client(URL, token="given")._http.headers["authorization"] == "Bearer given"
    assert "authorization" not in Client(URL, token="")._http.headers


def test_certificates_of_ones_own(tmp_path):
    with pytest.raises(InputError, match=r"cannot read '/no/such\.pem': No such file"):
        Client("https://host", verify="/no/such.pem")
    (tmp_path / "broken.pem").write_text("no certificate")
    with pytest.raises(InputError, match="`verify` must be"):
        Client("https://host", verify=tmp_path / "broken.pem")
    with pytest.raises(InputError, match="`verify` must be"):
        Client("https://host", verify=1.5)
    Client("https://host", verify=ssl.create_default_context()).close()


def test_proxy_is_for_the_world_outside(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", "inside.example")
    assert _proxy("http://127.0.0.1:8501") is None
    assert _proxy("http://[::1]:8501") is None
    assert _proxy("http://inside.example") is None
    assert _proxy("http://models.example") == "http://proxy:3128"


def test_connection_is_the_arguments():
    connection = Connection("http://h:1/", 2.0, 0, "t", True)
    assert connection.url == "http://h:1"
    assert connection.options(asynchronous=False)["timeout"].connect == 2.0
