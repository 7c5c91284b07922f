"""HTTP client for TF Serving's REST API: the embedded server or the real one.

client = Client("http://127.0.0.1:8501")
client.predict_images("vit_digits", "digit.png")
client.predict("vit_digits", inputs=images, signature_name="tensor")
"""

import base64
import json
import os
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import numpy as np

from kerasdl.errors import InputError

DEFAULT_URL = "http://127.0.0.1:8501"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class ServerError(RuntimeError):
    """The server answered, but with an error.

    Args:
        status: HTTP status.
        message: what the server said.
    """

    def __init__(self, status: int, message: str):
        super().__init__(f"{message} (HTTP status {status})")
        self.status = status
        self.message = message


class ConnectionFailed(ConnectionError):
    """No answer came: the server is not there, or it took too long.

    Args:
        url: where the server was looked for.
        reason: what went wrong.
    """

    def __init__(self, url: str, reason: str):
        port = urlsplit(url).port or 80
        super().__init__(
            f"No answer from {url}: {reason}. "
            f"A server on this machine is started with: kerasdl serve DIR --port {port}"
        )
        self.url = url
        self.reason = reason


class Client:
    """Asks a server for predictions. Keeps its connection; close it, or use it in a `with` block.

    Args:
        url: base URL of the server, without `/v1`.
        timeout: seconds to wait for the connection and for each answer.

    Raises:
        InputError: the URL is none, or the timeout is not positive.

    Example:
        >>> with Client("http://127.0.0.1:8501") as client:
        ...     client.url
        'http://127.0.0.1:8501'
    """

    def __init__(self, url: str = DEFAULT_URL, timeout: float = 30.0):
        try:
            parts = urlsplit(url)
            valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:  # such as a port that is no number
            valid = False
        if not valid:
            raise InputError(f"`url` must look like {DEFAULT_URL}, received {url!r}.")
        if not timeout > 0:
            raise InputError(f"`timeout` must be a positive number of seconds, received {timeout}.")
        self.url = url.rstrip("/")
        # A proxy from the environment is for the world outside, not for this machine.
        self._http = httpx.Client(timeout=timeout, trust_env=parts.hostname not in _LOOPBACK)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *error) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def status(self, model: str, version: int | None = None) -> list[dict[str, Any]]:
        """State of a model's versions, the highest first.

        Args:
            model: name of the model.
            version: one version only.

        Returns:
            A dictionary per version: `version`, `state` (`AVAILABLE` when it answers), `status`.

        Raises:
            ServerError: unknown model or version.
            ConnectionFailed: no answer.
        """
        return self._ask("GET", _path(model, version))["model_version_status"]

    def metadata(self, model: str, version: int | None = None) -> dict[str, Any]:
        """Signatures of a model.

        Args:
            model: name of the model.
            version: number of the version; the newest without.

        Returns:
            By signature: `inputs` and `outputs` with `dtype` and `tensor_shape`, as the server
            gives them.

        Raises:
            ServerError: unknown model or version.
            ConnectionFailed: no answer.
        """
        answer = self._ask("GET", _path(model, version) + "/metadata")
        return answer["metadata"]["signature_def"]["signature_def"]

    def predict(
        self,
        model: str,
        instances: Any = None,
        inputs: Any = None,
        signature_name: str | None = None,
        version: int | None = None,
    ) -> Any:
        """Ask for predictions, in row format (`instances`) or column format (`inputs`).

        Args:
            model: name of the model.
            instances: a sequence with one element per example: an array, a number, a string,
                `bytes`, or a dictionary of these by input name.
            inputs: the whole batch: an array, or a dictionary of arrays by input name.
            signature_name: signature to run; `serving_default` without.
            version: version to ask; the newest without.

        Returns:
            For `instances` a list with one element per example: plain values, or a dictionary by
            output name where there are several. For `inputs` a NumPy array, or a dictionary of
            them by output name. Binary outputs are `bytes`.

        Raises:
            InputError: neither or both of `instances` and `inputs`, or a value without JSON form.
            ServerError: the server refused the request; it says why.
            ConnectionFailed: no answer.
        """
        if (instances is None) == (inputs is None):
            raise InputError("Give one of `instances` and `inputs`.")
        request: dict[str, Any] = {}
        if signature_name is not None:
            request["signature_name"] = signature_name
        if instances is not None:
            request["instances"] = to_json(instances)
        else:
            request["inputs"] = to_json(inputs)
        answer = self._ask("POST", _path(model, version) + ":predict", json.dumps(request))
        if instances is not None:
            return _from_json(answer["predictions"])
        outputs = _from_json(answer["outputs"])
        if isinstance(outputs, dict):
            return {name: _as_array(value) for name, value in outputs.items()}
        return _as_array(outputs)

    def predict_images(
        self,
        model: str,
        images: str | os.PathLike | bytes | Iterable[str | os.PathLike | bytes],
        signature_name: str | None = None,
        version: int | None = None,
    ) -> list[Any]:
        """Send encoded images (PNG, JPEG) to a model that takes image bytes.

        Args:
            model: name of the model.
            images: paths of files, or the encoded bytes themselves; one or several.
            signature_name: signature to run; `serving_default` without.
            version: version to ask; the newest without.

        Returns:
            One prediction per image, such as `{"label": ..., "probability": ...}`.

        Raises:
            InputError: a file is missing or cannot be read.
            ServerError: the server refused the request; it says why.
            ConnectionFailed: no answer.
        """
        if isinstance(images, (str, bytes, os.PathLike)):
            images = [images]
        encoded = [image if isinstance(image, bytes) else _read(image) for image in images]
        if not encoded:
            return []
        return self.predict(
            model, instances=encoded, signature_name=signature_name, version=version
        )

    def _ask(self, method: str, path: str, body: str | None = None) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        try:
            response = self._http.request(method, self.url + path, content=body, headers=headers)
        except httpx.TimeoutException as error:
            seconds = self._http.timeout.read
            raise ConnectionFailed(self.url, f"nothing within {seconds:g} seconds") from error
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            raise ConnectionFailed(self.url, reason.rstrip(".")) from error
        try:
            answer = json.loads(response.content.decode("utf-8", "surrogateescape"))
        except ValueError:
            answer = None
        if response.status_code != 200 or not isinstance(answer, dict):
            message = answer.get("error") if isinstance(answer, dict) else None
            message = message or response.reason_phrase or "no message"
            if response.status_code == 200:
                message = "the answer is not JSON; is this a model server?"
            raise ServerError(response.status_code, message)
        return answer


def _path(model: str, version: int | None) -> str:
    path = f"/v1/models/{quote(model, safe='')}"
    return path if version is None else f"{path}/versions/{int(version)}"


def _read(path: str | os.PathLike) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise InputError(f"Cannot read image {os.fspath(path)}: {error.strerror}.") from error


def to_json(value: Any) -> Any:
    """The JSON form of a value: arrays become lists, `bytes` become `{"b64": "..."}`.

    Args:
        value: array, number, string, bytes, or sequences and dictionaries of these.

    Raises:
        InputError: a value has no JSON form.

    Example:
        >>> to_json({"x": np.eye(2), "image": b"PNG"})
        {'x': [[1.0, 0.0], [0.0, 1.0]], 'image': {'b64': 'UE5H'}}
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"b64": base64.b64encode(value).decode()}
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    if isinstance(value, np.generic):
        return to_json(value.item())
    if not isinstance(value, np.ndarray) and hasattr(value, "__array__"):
        value = np.asarray(value)  # tensors of TensorFlow, JAX, PyTorch
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "biuf":
            return value.tolist()
        if value.dtype.kind in "OSU":
            return to_json(value.tolist())
        if value.dtype.name in ("bfloat16", "float8_e4m3fn", "float8_e5m2"):
            return value.astype(np.float32).tolist()
        raise InputError(f"An array of type {value.dtype} has no JSON form.")
    raise InputError(f"A value of type {type(value).__name__} has no JSON form.")


def _as_array(value: Any) -> np.ndarray:
    array = np.asarray(value)
    # NumPy's own type for bytes would drop zero bytes at the end.
    return np.array(value, object) if array.dtype.kind == "S" else array


def _from_json(value: Any) -> Any:
    """Turn each `{"b64": "..."}` of an answer into `bytes`."""
    if isinstance(value, dict):
        if value.keys() == {"b64"} and isinstance(value["b64"], str):
            return base64.b64decode(value["b64"])
        return {key: _from_json(item) for key, item in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], (dict, list)):
        return [_from_json(item) for item in value]
    return value
