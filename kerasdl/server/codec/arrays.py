"""One JSON value -> one array, by TF Serving's rules.

An array's shape is that of its first elements all the way down, and the rest must agree; `1.0` is
no integer and `true` no number; 8- and 16-bit integers wrap; a string is text or
`{"b64": "..."}`.

Arrays are built level by level with NumPy. Only when a value does not fit does the element-wise
path below run, which words the error and names the first offending element as TF Serving does.
"""

import binascii
import contextlib
import re
from itertools import chain

import numpy as np

from kerasdl.server.codec.pretty import debug_string
from kerasdl.server.codec.signature import NUMPY_TYPES
from kerasdl.server.codec.wide import WideArray, shaped
from kerasdl.server.errors import ServingError

_TENSOR_MAX_RANK = 254  # TensorFlow's own limit

# 8- and 16-bit integers are read as 32-bit ones and cut to size.
_INTEGER_RANGE = {
    **dict.fromkeys(("int8", "uint8", "int16", "int32"), (-(2**31), 2**31 - 1)),
    "int64": (-(2**63), 2**63 - 1),
    "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**64 - 1),
}


class Misfit(Exception):
    """The fast path cannot take this value; the element-wise path says why, or takes it."""


class TooDeep(ServingError):
    """More brackets than a tensor has dimensions; reported without naming an element."""


def to_array(value, dtype: str, name: str = "", room: int = 0) -> np.ndarray:
    """Turn a JSON value into an array.

    Args:
        value: number, string, `{"b64": ...}` object, or nested lists of them.
        dtype: TensorFlow's name of the type.
        name: name of the input, for the error of a value nested too deeply.
        room: dimensions to be added to the array later.

    Raises:
        ServingError: wrong type, ragged lists, number out of range, unsupported type.

    Example:
        >>> to_array([[1, 2], [3, 300]], "uint8")
        array([[ 1,  2],
               [ 3, 44]], dtype=uint8)
    """
    try:
        return fast_array(value, dtype, name, room)
    except Misfit:
        shape = _shape_of(value, name, room)
        flat: list = []
        _collect(value, shape, dtype, flat)
        return _filled(flat, shape, dtype)


def _shape_of(value, name: str, room: int) -> tuple[int, ...]:
    shape = []
    while type(value) is list:
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    rank = len(shape) + room
    if rank > _TENSOR_MAX_RANK:
        raise TooDeep(f"tensor parsing error: {name}")
    return tuple(shape)


def fast_array(value, dtype: str, name: str = "", room: int = 0) -> np.ndarray:
    """Like `to_array`, but only if all elements are of the right type and shape.

    Raises:
        Misfit: they are not.
    """
    shape = _shape_of(value, name, room)
    flat = [value]
    for size in shape:
        if set(map(type, flat)) != {list} or set(map(len, flat)) != {size}:
            raise Misfit
        flat = list(chain.from_iterable(flat))
    types = set(map(type, flat))
    if dtype in ("float", "double"):
        fits = types <= {float, int}
    elif dtype in _INTEGER_RANGE:
        low, high = _INTEGER_RANGE[dtype]
        fits = types <= {int} and (not flat or (low <= min(flat) and max(flat) <= high))
    elif dtype == "bool":
        fits = types <= {bool}
    elif dtype == "string":
        fits = types <= {str, dict}
        if fits:
            try:
                flat = [_bytes_of(item) for item in flat]
            except ServingError:
                raise Misfit from None
    else:
        fits = not flat
    if not fits:
        raise Misfit
    return _filled(flat, shape, dtype)


def _filled(flat: list, shape: tuple[int, ...], dtype: str) -> np.ndarray | WideArray:
    if dtype not in NUMPY_TYPES:  # only an empty array comes so far
        raise ServingError(f"Empty value for type: {dtype}", "UNIMPLEMENTED")
    wanted = NUMPY_TYPES[dtype]
    if dtype == "string":
        array = np.empty(len(flat), wanted)
        array[:] = flat
    elif dtype in ("int8", "uint8", "int16"):
        array = np.array(flat, np.int32).astype(wanted)  # wraps around
    else:
        with np.errstate(over="ignore"):  # a double beyond float32 becomes infinite
            array = np.array(flat, wanted)
    return shaped(array, shape)


def _collect(value, shape: tuple[int, ...], dtype: str, flat: list, level: int = 0) -> None:
    """Depth first, as TF Serving does it, so that the first fault is the same one."""
    if type(value) is not list:
        if level != len(shape):
            raise ServingError(
                f"JSON Value: {debug_string(value)} found at incorrect level: {level + 1} "
                f"in the JSON DOM. Expected at level: {len(shape)}"
            )
        flat.append(_element(value, dtype))
        return
    if level >= len(shape):
        raise ServingError(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(value) != shape[level]:
        raise ServingError(
            f"Encountered list at unexpected size: {len(value)} at level: {level} "
            f"expected size: {shape[level]}"
        )
    for item in value:  # no deeper than the shape, which has at most 254 levels
        _collect(item, shape, dtype, flat, level + 1)


def _element(value, dtype: str):
    if dtype not in NUMPY_TYPES:
        raise ServingError(
            f"Conversion of JSON Value: {debug_string(value)} to type: {dtype}", "UNIMPLEMENTED"
        )
    kind = type(value)
    if dtype in ("float", "double"):
        fits = kind in (float, int)
    elif dtype in _INTEGER_RANGE:
        low, high = _INTEGER_RANGE[dtype]
        fits = kind is int and low <= value <= high
    elif dtype == "bool":
        fits = kind is bool
    else:
        fits = kind is str or isinstance(value, dict)
    if not fits:
        raise ServingError(
            f"JSON Value: {debug_string(value)} Type: {json_type(value)} "
            f"is not of expected type: {dtype}"
        )
    return _bytes_of(value) if dtype == "string" else value


def json_type(value) -> str:
    """Name of a JSON value's type, as errors call it."""
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return "True" if value else "False"
    for kind, name in ((dict, "Object"), (list, "Array"), (str, "String")):
        if isinstance(value, kind):
            return name
    return "Number"


def _bytes_of(value) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    if not is_base64_object(value):
        raise format_error(value, "not formatted correctly for base64 data")
    return decode_base64(value["b64"])


def decode_base64(text: str) -> bytes:
    """Decode base64: white space is ignored, padding may be left out, but must be right if given.

    Example:
        >>> decode_base64("aGVs bG8"), decode_base64("aGVsbG8=")
        (b'hello', b'hello')
    """
    # As nearly all of it comes. Python's strict mode lets padding pass that is too long.
    if len(text) % 4 == 0 and not text.endswith("==="):
        with contextlib.suppress(ValueError):
            return binascii.a2b_base64(text, strict_mode=True)
    match = re.fullmatch(r"([A-Za-z0-9+/]*)(=*)", re.sub(r"[ \t\n\v\f\r]", "", text))
    if match:
        digits, padding = match.groups()
        missing = -len(digits) % 4
        if missing < 3 and len(padding) in (0, missing):
            return binascii.a2b_base64(digits + "=" * missing)
    raise ServingError("Unable to base64 decode")


def format_error(value, problem: str) -> ServingError:
    """The error that quotes a JSON value and names what is wrong with it."""
    return ServingError(f"JSON Value: {debug_string(value)} {problem}")


def is_base64_object(value) -> bool:
    """Whether a JSON value is `{"b64": "..."}`."""
    return (
        isinstance(value, dict)
        and len(getattr(value, "pairs", value)) == 1
        and isinstance(value.get("b64"), str)
    )
