"""Downloads that fail soon and with advice."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

from kerasdl.errors import InputError

_CONNECT_SECONDS = 3.0


def trouble_reaching(url: str) -> str | None:
    """Ask quickly whether a file can be downloaded at all.

    TFDS tries for minutes before it gives up. One small request, through the proxy that the
    environment may name, tells the same in seconds.

    Args:
        url: Address of a file.

    Returns:
        None if the server answers, else what went wrong.
    """
    answer: list[str | None] = []

    def ask() -> None:
        try:
            response = httpx.head(url, timeout=_CONNECT_SECONDS, follow_redirects=True)
            answer.append(None if response.is_success else f"HTTP status {response.status_code}")
        # Any failure whatever means the same here: this file cannot be had over the network.
        except Exception as error:
            answer.append(str(error) or type(error).__name__)

    # In a thread, because looking up a host name knows no time limit of its own.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(2 * _CONNECT_SECONDS)
    return answer[0] if answer else f"no answer in {2 * _CONNECT_SECONDS:.0f} seconds"


def fetch(
    dl_manager: Any, urls: Mapping[str, str], advice: Callable[[str], str]
) -> dict[str, Path]:
    """Download files with TFDS, after a quick look whether that can work.

    Args:
        dl_manager: The `tfds.download.DownloadManager` of a builder.
        urls: A key for each file to its address.
        advice: Words the error, with the ways to get the data, from what went wrong.

    Returns:
        Key to the downloaded file.

    Raises:
        InputError: If a file cannot be had.
    """
    trouble = trouble_reaching(next(iter(urls.values())))
    if trouble is not None:
        raise InputError(advice(trouble))
    try:
        return dl_manager.download(dict(urls))
    # Whatever stops a download - the network, the server, a wrong checksum, a full disk -
    # the reader needs the same advice, and `from error` keeps what happened.
    except Exception as error:
        raise InputError(advice(str(error))) from error
