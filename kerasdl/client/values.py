"""Values to JSON and back, by the rules of TF Serving's REST API."""

import base64
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from kerasdl.errors import InputError


def to_json(value: Any) -> Any:
    """The JSON form of a value: arrays become lists, `bytes` and files become `{"b64": "..."}`.

    Args:
        value: array, number, string, bytes, path (`os.PathLike`) of a file, or sequences and
            dictionaries of these. Tensors of TensorFlow, JAX and PyTorch count as arrays.

    Raises:
        InputError: a value has no JSON form, or a file cannot be read.

    Example:
        >>> to_json({"x": np.eye(2), "image": b"PNG"})
        {'x': [[1.0, 0.0], [0.0, 1.0]], 'image': {'b64': 'UE5H'}}
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"b64": base64.b64encode(value).decode()}
    if isinstance(value, os.PathLike):
        return to_json(read_file(value))
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    if hasattr(value, "__array__"):
        return _array_to_json(np.asarray(value))
    raise InputError(f"A value of type {type(value).__name__} has no JSON form.")


def _array_to_json(array: np.ndarray) -> Any:
    if array.dtype.kind == "f":
        # A long double would stay a NumPy number in the list.
        return array.astype(np.float64, copy=False).tolist()
    if array.dtype.kind in "biu":
        return array.tolist()
    if array.dtype.kind in "OSU":
        return to_json(array.tolist())
    if array.dtype.name.startswith(("bfloat16", "float8")):
        return array.astype(np.float64).tolist()
    raise InputError(f"An array of type {array.dtype} has no JSON form.")


def from_json(value: Any) -> Any:
    """Turn each `{"b64": "..."}` of an answer into `bytes`.

    Example:
        >>> from_json([{"b64": "UE5H"}, "text"])
        [b'PNG', 'text']
    """
    if isinstance(value, dict):
        if value.keys() == {"b64"} and isinstance(value["b64"], str):
            return base64.b64decode(value["b64"])
        return {key: from_json(item) for key, item in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], (dict, list)):
        return [from_json(item) for item in value]
    return value


def to_array(value: Any) -> np.ndarray:
    r"""An output in column format as an array; strings and bytes keep their Python type.

    Example:
        >>> to_array([1, 2]), to_array([b"a\x00"])
        (array([1, 2]), array([b'a\x00'], dtype=object))
    """
    array = np.asarray(value)
    # NumPy's own type for bytes would drop zero bytes at the end.
    return np.array(value, object) if array.dtype.kind == "S" else array


def read_file(path: str | os.PathLike) -> bytes:
    """The bytes of a file.

    Raises:
        InputError: it is missing or cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise InputError(f"Cannot read {os.fspath(path)}: {error.strerror}.") from error
