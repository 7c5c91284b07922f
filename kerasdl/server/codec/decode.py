"""A predict request -> one array per input, by TF Serving's rules.

Row format: `{"instances": [...]}`, one element per example, bare or as an object of named values.
Column format: `{"inputs": ...}`, the whole batch of each input. `arrays` has the rules for the
values. Rows are taken together where they fit, and one by one where an error must be worded.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from kerasdl.server.codec.arrays import (
    Misfit,
    TooDeep,
    fast_array,
    format_error,
    is_base64_object,
    to_array,
)
from kerasdl.server.codec.flat import cut_rows, plain_input, read_array, read_head, row_bytes
from kerasdl.server.codec.parse import RepeatedKeys, parse
from kerasdl.server.codec.pretty import debug_string
from kerasdl.server.codec.signature import Signature, TensorSpec
from kerasdl.server.codec.wide import NUMPY_MAX_RANK, WideArray
from kerasdl.server.errors import ServingError

DEFAULT_SIGNATURE = "serving_default"


class NotPlain(Exception):
    """A request is not one plain array of numbers."""


class Ahead(Protocol):
    """Takes the first rows of an array, while the others are read."""

    def share(self, signature_name: str, row_bytes: int, rows: int) -> float:
        """The share of the rows that it would take, 0 for none.

        Args:
            signature_name: which function they are for.
            row_bytes: length of the text of a row.
            rows: about how many there are.
        """

    def begin(self, signature_name: str, inputs: dict[str, np.ndarray]) -> bool:
        """Take rows; false if it would not have them after all."""


def decode_predict(
    body: bytes,
    find_signature: Callable[[str], Signature],
    *,
    rough: bool = False,
    ahead: Ahead | None = None,
) -> tuple[str, bool, dict[str, np.ndarray]]:
    """Read a predict request.

    Args:
        body: JSON text.
        find_signature: gives the signature of a name, or raises `ServingError`. It may be called
            twice. Its error is raised after the text is known to be JSON: errors come in TF
            Serving's order.
        rough: whether float32 arrays may come as float64, to be converted by the caller.
        ahead: takes the first rows of a long array, if it wants them, while the others are read.
            With it only the short way is tried, whose time is short and known.

    Returns:
        The signature's name, whether the request is in row format, and the inputs by name, without
        the rows that `ahead` has taken.

    Raises:
        ServingError: the request does not fit the signature.
        NotPlain: the short way does not lead to an array.

    Example:
        >>> signature = Signature({"x": TensorSpec("x:0", "float", (None,))})
        >>> decode_predict(b'{"instances": [1, 2.5]}', lambda name: signature)
        ('serving_default', True, {'x': array([1. , 2.5], dtype=float32)})
    """
    plain = _plain(body, find_signature, rough, ahead)
    if plain is not None:
        return plain
    if ahead is not None:
        raise NotPlain
    document = parse(body)
    name = requested_signature(document)
    signature = find_signature(name)
    if not signature.inputs:
        named = "DEFAULT" if name == DEFAULT_SIGNATURE else name
        raise ServingError(f"Failed to get input map for signature: {named}")
    if "instances" in document:
        if "inputs" in document:
            raise format_error(
                document,
                "Not formatted correctly expecting only one of 'inputs' or 'instances' "
                "keys to exist ",
            )
        return name, True, _from_rows(document, signature.inputs)
    if "inputs" in document:
        columns = _from_columns(document["inputs"], signature.inputs)
        return name, False, columns
    raise ServingError("Missing 'inputs' or 'instances' key")


def _plain(
    body: bytes, find_signature: Callable[[str], Signature], rough: bool, ahead: Ahead | None
) -> tuple[str, bool, dict[str, np.ndarray]] | None:
    """The short way; `None` if the long way must be taken, be it for its error.

    Raises:
        NotPlain: the short way ended after the first rows had been taken.
    """
    head = read_head(body)
    if head is None:
        return None
    name, row_format, begin, end = head
    name = name or DEFAULT_SIGNATURE
    try:
        only = plain_input(find_signature(name))
    except ServingError:
        return None
    if only is None:
        return None
    key, dtype = only

    def read(text: bytes, begin: int, end: int) -> np.ndarray | None:
        return read_array(text, begin, end, dtype, rough=rough and ahead is None)

    length = 0 if ahead is None else row_bytes(body, begin, end)
    share = ahead.share(name, length, (end - begin) // length) if length else 0.0
    pieces = cut_rows(body, begin, end, share) if share else None
    first = read(pieces[0], 0, len(pieces[0])) if pieces else None
    if first is not None and ahead.begin(name, {key: first}):
        array = read(pieces[1], 0, len(pieces[1]))
        if array is None or array.shape[1:] != first.shape[1:]:
            raise NotPlain
    else:
        array = read(body, begin, end)
    return None if array is None else (name, row_format, {key: array})


def requested_signature(document: dict) -> str:
    """Name of the signature that a request asks for.

    Raises:
        ServingError: it is no string.
    """
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise format_error(
            document, "not formatted correctly. 'signature_name' key must be a string value."
        )
    return name or DEFAULT_SIGNATURE


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
        raise format_error(document, "Expecting 'instances' to be an list/array")
    if not rows:
        raise format_error(document, "No values in 'instances' array")
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
                raise Misfit
            return {name: fast_array(rows, spec.dtype, name)}
        keys = specs.keys()
        if not all(type(row) is dict and row.keys() == keys for row in rows):
            raise Misfit
        return {
            name: fast_array([row[name] for row in rows], spec.dtype, name)
            for name, spec in specs.items()
        }
    except Misfit:
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
    if any(isinstance(item, WideArray) for items in columns.values() for item in items):
        raise TooDeep(
            f"Rows of more than {NUMPY_MAX_RANK} dimensions must be plain lists of numbers"
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
    except TooDeep as error:
        raise ServingError(error.message) from None
    except ServingError as error:
        raise ServingError(f"{place} Error: {error}") from None
    column.append(item)
