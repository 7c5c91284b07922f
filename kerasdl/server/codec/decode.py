"""A predict request -> one array per input, by TF Serving's rules.

Row format: `{"instances": [...]}`, one element per example, bare or as an object of named values.
Column format: `{"inputs": ...}`, the whole batch of each input. The rules, each as recorded from
the real server: an array's shape is that of its first elements all the way down, and the rest must
agree; `1.0` is no integer and `true` no number; 8- and 16-bit integers wrap; a string is text or
`{"b64": "..."}`.

Arrays are built level by level with NumPy. Only when a value does not fit does the element-wise
path below run, which words the error and names the first offending element as TF Serving does.
"""

import binascii
import re
from collections.abc import Callable, Mapping
from itertools import chain

import numpy as np

from kerasdl.server.codec.parse import RepeatedKeys, parse
from kerasdl.server.codec.pretty import debug_string
from kerasdl.server.codec.signature import NUMPY_TYPES, Signature, TensorSpec
from kerasdl.server.errors import ServingError

DEFAULT_SIGNATURE = "serving_default"
_TENSOR_MAX_RANK = 254  # TensorFlow's own limit
_NUMPY_MAX_RANK = 64

# 8- and 16-bit integers are read as 32-bit ones and cut to size.
_INTEGER_RANGE = {
    **dict.fromkeys(("int8", "uint8", "int16", "int32"), (-(2**31), 2**31 - 1)),
    "int64": (-(2**63), 2**63 - 1),
    "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**64 - 1),
}


class _Misfit(Exception):
    """The fast path cannot take this value; the element-wise path says why, or takes it."""


def decode_predict(
    body: bytes, find_signature: Callable[[str], Signature]
) -> tuple[str, bool, dict[str, np.ndarray]]:
    """Read a predict request.

    Args:
        body: JSON text.
        find_signature: gives the signature of a name, or raises `ServingError`. It is called
            after the text is known to be JSON, so errors come in TF Serving's order.

    Returns:
        The signature's name, whether the request is in row format, and the inputs by name.

    Raises:
        ServingError: the request does not fit the signature.

    Example:
        >>> signature = Signature({"x": TensorSpec("x:0", "float", (None,))})
        >>> decode_predict(b'{"instances": [1, 2.5]}', lambda name: signature)
        ('serving_default', True, {'x': array([1. , 2.5], dtype=float32)})
    """
    document = parse(body)
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise _format_error(
            document, "not formatted correctly. 'signature_name' key must be a string value."
        )
    signature = find_signature(name or DEFAULT_SIGNATURE)
    if not signature.inputs:
        raise ServingError(f"Failed to get input map for signature: {name or 'DEFAULT'}")
    if "instances" in document:
        if "inputs" in document:
            raise _format_error(
                document,
                "Not formatted correctly expecting only one of 'inputs' or 'instances' "
                "keys to exist ",
            )
        return name or DEFAULT_SIGNATURE, True, _from_rows(document, signature.inputs)
    if "inputs" in document:
        columns = _from_columns(document["inputs"], signature.inputs)
        return name or DEFAULT_SIGNATURE, False, columns
    raise ServingError("Missing 'inputs' or 'instances' key")


def _format_error(value, problem: str) -> ServingError:
    return ServingError(f"JSON Value: {debug_string(value)} {problem}")


def is_base64_object(value) -> bool:
    """Whether a JSON value is `{"b64": "..."}`."""
    return (
        isinstance(value, dict)
        and len(getattr(value, "pairs", value)) == 1
        and isinstance(value.get("b64"), str)
    )


def _is_named(value) -> bool:
    return isinstance(value, dict) and not is_base64_object(value)


# ---- the two formats ---------------------------------------------------------------------------


def _from_columns(value, specs: Mapping[str, TensorSpec]) -> dict[str, np.ndarray]:
    if not _is_named(value):
        if len(specs) > 1:
            raise ServingError(
                "inputs is a plain value/list, but expecting an object as multiple input "
                "tensors required as per tensorinfo_map"
            )
        ((name, spec),) = specs.items()
        return {name: to_array(value, spec.dtype, name)}
    arrays = {}
    for name, spec in specs.items():
        if name not in value:
            raise ServingError(f"Missing named input: {name} in 'inputs' object.")
        arrays[name] = to_array(value[name], spec.dtype, name)
    return arrays


def _from_rows(document: dict, specs: Mapping[str, TensorSpec]) -> dict[str, np.ndarray]:
    rows = document["instances"]
    if not isinstance(rows, list):
        raise _format_error(document, "Expecting 'instances' to be an list/array")
    if not rows:
        raise _format_error(document, "No values in 'instances' array")
    named = _is_named(rows[0])
    if not named and len(specs) > 1:
        raise ServingError(
            "instances is a plain list, but expecting list of objects as multiple input "
            "tensors required as per tensorinfo_map"
        )
    try:
        if not named:
            ((name, spec),) = specs.items()
            if any(map(_is_named, rows)):
                raise _Misfit
            return {name: _fast_array(rows, spec.dtype, name)}
        keys = specs.keys()
        if not all(type(row) is dict and row.keys() == keys for row in rows):
            raise _Misfit
        return {
            name: _fast_array([row[name] for row in rows], spec.dtype, name)
            for name, spec in specs.items()
        }
    except _Misfit:
        return _rows_one_by_one(rows, named, specs)


def _rows_one_by_one(
    rows: list, named: bool, specs: Mapping[str, TensorSpec]
) -> dict[str, np.ndarray]:
    columns: dict[str, list[np.ndarray]] = {name: [] for name in specs}
    for index, row in enumerate(rows):
        where = f"Failed to process element: {index}"
        if _is_named(row) != named:
            wanted, got = ("object", "list") if named else ("value/list", "object")
            raise ServingError(f"Expecting {wanted} but got {got} at item {index} of input list")
        if not named:
            (name,) = specs
            _add_item(row, name, specs, columns[name], f"{where} of 'instances' list.")
            continue
        pairs = row.pairs if isinstance(row, RepeatedKeys) else row.items()
        seen = set()
        for key, value in pairs:
            place = f"{where} key: {key} of 'instances' list."
            if key not in specs:
                problem = f"JSON object: does not have named input: {key}"
                raise ServingError(f"{place} Error: INVALID_ARGUMENT: {problem}")
            if key not in seen:
                _add_item(value, key, specs, columns[key], place)
            seen.add(key)
        if seen != specs.keys():
            raise ServingError(
                f"{where} of 'instances' list. JSON object: {debug_string(row)} "
                f"keys must be equal to: {','.join(sorted(specs))}"
            )
    return {name: np.stack(items) for name, items in columns.items()}


def _add_item(
    value, name: str, specs: Mapping[str, TensorSpec], column: list[np.ndarray], place: str
) -> None:
    try:
        item = to_array(value, specs[name].dtype, name, room=1)
        if column and column[0].size != item.size:
            raise ServingError(f"Expecting tensor size: {column[0].size} but got: {item.size}")
        if column and column[0].shape != item.shape:
            wanted, got = (
                "[" + ",".join(map(str, array.shape)) + "]" for array in (column[0], item)
            )
            raise ServingError(f"Expecting shape {wanted} but got: {got}")
    except _TooDeep as error:
        raise ServingError(error.message) from None
    except ServingError as error:
        raise ServingError(f"{place} Error: {error}") from None
    column.append(item)


# ---- one value -> one array --------------------------------------------------------------------


class _TooDeep(ServingError):
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
        return _fast_array(value, dtype, name, room)
    except _Misfit:
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
        raise _TooDeep(f"tensor parsing error: {name}")
    if rank > _NUMPY_MAX_RANK:
        raise _TooDeep(
            f"Input {name} has {rank} dimensions; this server takes up to {_NUMPY_MAX_RANK}"
        )
    return tuple(shape)


def _fast_array(value, dtype: str, name: str, room: int = 0) -> np.ndarray:
    """The array, if all elements are of the right type and shape; `_Misfit` otherwise."""
    shape = _shape_of(value, name, room)
    flat = [value]
    for size in shape:
        if set(map(type, flat)) != {list} or set(map(len, flat)) != {size}:
            raise _Misfit
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
                raise _Misfit from None
    else:
        fits = not flat
    if not fits:
        raise _Misfit
    return _filled(flat, shape, dtype)


def _filled(flat: list, shape: tuple[int, ...], dtype: str) -> np.ndarray:
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
    return array.reshape(shape)


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
    for item in value:  # no deeper than the shape, which has at most 64 levels
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
            f"JSON Value: {debug_string(value)} Type: {_json_type(value)} "
            f"is not of expected type: {dtype}"
        )
    return _bytes_of(value) if dtype == "string" else value


def _json_type(value) -> str:
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
        raise _format_error(value, "not formatted correctly for base64 data")
    return decode_base64(value["b64"])


def decode_base64(text: str) -> bytes:
    """Decode base64: white space is ignored, padding may be left out, but must be right if given.

    Example:
        >>> decode_base64("aGVs bG8"), decode_base64("aGVsbG8=")
        (b'hello', b'hello')
    """
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:  # not plain base64: perhaps spaced or unpadded
        match = re.fullmatch(r"([A-Za-z0-9+/]*)(=*)", re.sub(r"[ \t\n\v\f\r]", "", text))
        if match:
            digits, padding = match.groups()
            missing = -len(digits) % 4
            if missing < 3 and len(padding) in (0, missing):
                return binascii.a2b_base64(digits + "=" * missing)
        raise ServingError("Unable to base64 decode") from None
