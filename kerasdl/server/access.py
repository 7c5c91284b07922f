"""The access log: a line of JSON for each request."""

import sys
import time
from typing import BinaryIO

import orjson

from kerasdl.errors import InputError
from kerasdl.server.http import Request, Response


class AccessLog:
    """Notes each request with its answer. Neither bodies nor tokens are noted.

    Args:
        place: file to append to; `-` for stderr.

    Raises:
        InputError: the file cannot be written.
    """

    def __init__(self, place: str):
        try:
            self._file: BinaryIO = sys.stderr.buffer if place == "-" else open(place, "ab")  # noqa: SIM115
        except OSError as error:
            raise InputError(f"`access_log` {place} cannot be written: {error}") from error

    def write(self, request: Request, response: Response, model: str, seconds: float) -> None:
        """Note a request.

        Args:
            request: the request.
            response: its answer.
            model: name of the model, if there is one of that name.
            seconds: from its last byte to its answer.
        """
        line = {
            "time": time.time(),
            "id": request.id.decode("ascii"),
            "client": request.peer,
            "method": request.method,
            "path": request.target.decode("utf-8", "backslashreplace"),
            "model": model.encode("utf-8", "backslashreplace").decode(),
            "status": response.status,
            "bytes_in": request.length,
            "bytes_out": len(response.body),
            "milliseconds": round(seconds * 1e3, 3),
        }
        try:
            self._file.write(orjson.dumps(line) + b"\n")
            self._file.flush()
        except (OSError, ValueError):
            pass  # a full disk is no reason to answer nobody

    def close(self) -> None:
        """Close the file."""
        if self._file is not sys.stderr.buffer:
            self._file.close()
