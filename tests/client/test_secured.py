"""Both clients against a server with a certificate of its own and a bearer token."""

import asyncio

import pytest
from certificates import write_certificate
from serving_models import save_scale, serving

from kerasdl.client import AsyncClient, Client, ConnectionFailed, Unauthorized


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("secured")
    certificate, key = write_certificate(folder)
    save_scale(folder / "served" / "m" / "1", 2.0)
    with serving(folder / "served", tls_certificate=certificate, tls_key=key, token="s3cret") as (
        url,
        _,
    ):
        yield url, certificate


def test_certificate_and_token(secured):
    url, certificate = secured
    with Client(url, token="s3cret", verify=certificate) as client:
        assert client.predict("m", [1.0]) == [2.0]
        assert client.models() == ["m"]

    async def ask():
        async with AsyncClient(url, token="s3cret", verify=str(certificate)) as client:
            return await client.predict("m", [1.0])

    assert asyncio.run(ask()) == [2.0]


def test_unknown_certificate(secured):
    url, _ = secured
    with (
        Client(url, token="s3cret", retries=0) as client,
        pytest.raises(ConnectionFailed, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        client.status("m")
    with Client(url, token="s3cret", verify=False) as client:
        assert client.status("m")


@pytest.mark.parametrize("token", ["", "wrong"])
def test_no_token_or_a_wrong_one(secured, token):
    url, certificate = secured
    with (
        Client(url, token=token, verify=certificate) as client,
        pytest.raises(Unauthorized, match=r"(?s)bearer token.*KERASDL_SERVING_TOKEN"),
    ):
        client.predict("m", [1.0])
