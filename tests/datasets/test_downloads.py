import socket
import time

import pytest

from kerasdl.datasets import downloads
from kerasdl.errors import InputError


def test_silent_server_is_given_up_soon(monkeypatch):
    monkeypatch.setattr(downloads, "_CONNECT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/file"
        start = time.monotonic()
        assert downloads.trouble_reaching(url) is not None
        assert time.monotonic() - start < 2


class Manager:
    """In the place of TFDS's own, which would try for minutes."""

    def __init__(self, error=None):
        self.error = error

    def download(self, urls):
        if self.error is not None:
            raise self.error
        return {key: f"/downloads/{key}" for key in urls}


def test_fetch_does_not_start_what_cannot_work(monkeypatch):
    monkeypatch.setattr(downloads, "trouble_reaching", lambda url: f"no way to {url}")
    with pytest.raises(InputError, match="advice: no way to a:1"):
        downloads.fetch(Manager(AssertionError()), {"a": "a:1", "b": "b:2"}, "advice: {}".format)


def test_fetch_gives_the_same_advice_when_the_download_breaks_off(monkeypatch):
    monkeypatch.setattr(downloads, "trouble_reaching", lambda url: None)
    broken = ConnectionError("broken off")
    with pytest.raises(InputError, match="advice: broken off") as caught:
        downloads.fetch(Manager(broken), {"a": "a:1"}, "advice: {}".format)
    assert caught.value.__cause__ is broken


def test_fetch_returns_the_files(monkeypatch):
    monkeypatch.setattr(downloads, "trouble_reaching", lambda url: None)
    files = downloads.fetch(Manager(), {"a": "a:1", "b": "b:2"}, str)
    assert files == {"a": "/downloads/a", "b": "/downloads/b"}
