"""The grammar of TF Serving's REST paths."""

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from kerasdl.server.errors import ServingError

_MODEL = r"([^/:]+)"
_VERSION = r"(?:/versions/([0-9]+)|/labels/([^/:]+))?"
_PREDICT = re.compile(rf"/v1/models/{_MODEL}{_VERSION}:(classify|regress|predict)", re.I)
_STATUS = re.compile(rf"/v1/models(?:/{_MODEL})?{_VERSION}(?:/(metadata))?", re.I)
_PREFIX = re.compile(r"/v1/", re.I)
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True)
class Route:
    """What a request asks for.

    Args:
        action: `predict`, `classify`, `regress`, `status` or `metadata`.
        model: name of the model.
        version: number of the version; `None` for the newest.
        label: version label; `None` without.
    """

    action: str
    model: str
    version: int | None = None
    label: str | None = None


def in_api(path: str) -> bool:
    """Whether a path belongs to the API; all others are answered with a 404 page."""
    return bool(_PREFIX.match(path))


def is_well_formed(path: str) -> bool:
    """Whether each percent sign in a path starts an escape."""
    return not _BAD_PERCENT.search(path)


def match(method: str, path: str) -> Route:
    """Read method and path of a request.

    Args:
        method: HTTP method.
        path: path with query, percent escapes as they came.

    Raises:
        ServingError: malformed request, or a version that does not fit in 64 bits.

    Example:
        >>> match("POST", "/v1/models/vit/versions/3:predict")
        Route(action='predict', model='vit', version=3, label=None)
        >>> match("GET", "/v1/models/vit/metadata").action
        'metadata'
    """
    found = None
    if method == "POST":
        found = _PREDICT.fullmatch(path)
    elif method == "GET":
        found = _STATUS.fullmatch(path)
    # Upper case is let through by the expressions but not by TF Serving's look at the action.
    action = found and found.group(4)
    if not found or (method == "POST" and action != action.lower()):
        raise ServingError(f"Malformed request: {method} {path}")
    if method == "GET":
        action = "metadata" if action == "metadata" else "status"
    model, digits, label = found.group(1), found.group(2), found.group(3)
    if model is None:
        raise ServingError("Missing model name in request.")
    version = int(digits) if digits and len(digits) < 40 else None
    if digits and (version is None or version >= 2**63):
        raise ServingError("")
    return Route(action, _unquote(model), version, _unquote(label) if label else None)


def _unquote(text: str) -> str:
    return unquote_to_bytes(text).decode("utf-8", "surrogateescape")
