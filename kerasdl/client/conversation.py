"""One call from its request to its result, whoever carries the requests."""

import json
from collections.abc import Generator
from typing import Any

import httpx

from kerasdl.client.calls import Call, metadata_call
from kerasdl.client.connection import TOKEN_VARIABLE
from kerasdl.client.errors import ConnectionFailed, ServerError, server_error
from kerasdl.client.hints import mend

Conversation = Generator[Call, httpx.Response, Any]


def converse(call: Call) -> Conversation:
    """Yield each request that is to be sent and take its response; return what the caller gets.

    One request it is, unless the server refuses it: then what the model takes is asked for, and
    what does not fit is put into the error.

    Args:
        call: what is asked for.

    Raises:
        ServerError: the server refused.
    """
    if not call.path:
        return call.read({})
    try:
        return call.read(_answer((yield call)))
    except ServerError as error:
        refused = error
    hint = ""
    if refused.status in (401, 403):
        hint = f"Give `token=`, or set {TOKEN_VARIABLE} in the environment."
    try:
        if call.sent and refused.status in (400, 500):
            path = call.path.rpartition(":")[0]
            ask = metadata_call(path)
            hint = mend(ask.read(_answer((yield ask))), *call.sent)
        elif call.model and refused.status in (400, 404) and call.version is not None:
            versions = _answer((yield Call("GET", call.model, dict)))["model_version_status"]
            ready = [entry["version"] for entry in versions if entry["state"] == "AVAILABLE"]
            hint = f"Versions that answer: {', '.join(ready) or 'none'}."
    except (ServerError, ConnectionFailed, LookupError, TypeError):
        pass  # a hint that cannot be had must not hide what the server said
    raise server_error(refused.status, refused.message, hint) from None


def _answer(response: httpx.Response) -> dict[str, Any]:
    try:
        answer = json.loads(response.content.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        answer = None
    if response.status_code == 200 and isinstance(answer, dict):
        return answer
    if response.status_code == 200:
        raise ServerError(200, "the answer is not JSON; is this a model server?")
    message = answer.get("error") if isinstance(answer, dict) else None
    raise server_error(response.status_code, str(message or response.reason_phrase or "no message"))
