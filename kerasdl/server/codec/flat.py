"""The short way for requests that are one array of numbers, as most are: text -> array, no lists.

simdjson reads all numbers of a document into one buffer, whatever the brackets around them. So the
brackets are checked apart: the text without its digits, the *skeleton*, must be that of a full
array, `[[,],[,]]` for (2, 2). `None` means that the long way must be taken, which also words what
is wrong; an array means that the long way would have given the same.
"""

import functools
import math
import re
import threading

import numpy as np
import simdjson

from kerasdl.server.codec.signature import Signature

# What stands around the array; with any other key, escape or order the long way is taken.
_NAME = rb'"signature_name"\s*:\s*"([A-Za-z0-9_]*)"'
_START = re.compile(rb"\s*\{\s*(?:" + _NAME + rb'\s*,\s*)?"(instances|inputs)"\s*:\s*(?=\[)')
_OPENING = re.compile(rb"[\[\s]*+")
_TAIL = re.compile(rb"\]\s*(?:,\s*" + _NAME + rb"\s*)?\}\s*")
_LONGEST_TAIL = 300
# Deleted from the text: for integers the characters of fractions and exponents stay, and break
# the skeleton.
_SPACE = b" \n\r\t"
_DIGITS = b"0123456789-"
_DELETED = {"d": _DIGITS + b"+.eE" + _SPACE, "i": _DIGITS + _SPACE}
# Type of a tensor -> how simdjson hands numbers out.
_KINDS = {"float": "d", "double": "d", "int32": "i", "int64": "i", "int8": "i", "int16": "i"}
_INT32 = (-(2**31), 2**31 - 1)
_NUMPY = {"int8": np.int8, "int16": np.int16, "int32": np.int32, "int64": np.int64}
_DEEPEST = 32
_LARGEST_KEPT = 1 << 22  # bytes of a text after which a parser is thrown away with its buffers

_local = threading.local()


def read_head(body: bytes) -> tuple[str, bool, int, int] | None:
    """Find signature, format and array of a request of the plain kind.

    Args:
        body: JSON text.

    Returns:
        Name of the signature (empty for the default one), whether it is in row format, and where
        the array begins and ends; `None` if the request is not of that kind.

    Example:
        >>> read_head(b'{"instances": [1, 2.5]}')
        ('', True, 14, 22)
    """
    start = _START.match(body)
    if start is None:
        return None
    close = body.rfind(b"]", len(body) - _LONGEST_TAIL if len(body) > _LONGEST_TAIL else 0)
    tail = _TAIL.fullmatch(body, close) if close >= 0 else None
    if tail is None:
        return None
    name, late = start.group(1), tail.group(1)
    if name is not None and late is not None:
        return None
    return (name or late or b"").decode(), start.group(2) == b"instances", start.end(), close + 1


def read_array(
    body: bytes, begin: int, end: int, dtype: str, *, rough: bool = False
) -> np.ndarray | None:
    """The array of a request.

    Args:
        body: JSON text.
        begin: where the array begins.
        end: where it ends.
        dtype: TensorFlow's name of the wanted type.
        rough: whether a float32 array may come as the float64 that was read.

    Returns:
        The array; `None` if it is not full, or not of numbers of that type alone.

    Example:
        >>> read_array(b"[[1, 2.5], [3, 4]]", 0, 18, "float")
        array([[1. , 2.5],
               [3. , 4. ]], dtype=float32)
    """
    kind = _KINDS.get(dtype)
    if kind is None:
        return None
    text = body[begin:end]
    shape = _shape(text.translate(None, _DELETED[kind]))
    if shape is None:
        return None
    numbers = _numbers(text, kind)
    # Fewer numbers than places: somewhere is `[]`, whose skeleton is that of one number.
    if numbers is None or numbers.size != math.prod(shape):
        return None
    if dtype == "float" and not rough:
        with np.errstate(over="ignore"):  # a double beyond float32 becomes infinite
            return numbers.astype(np.float32).reshape(shape)
    if kind == "i":
        if dtype != "int64" and (numbers.min() < _INT32[0] or numbers.max() > _INT32[1]):
            return None
        numbers = numbers.astype(_NUMPY[dtype])  # 8- and 16-bit integers wrap around
    return numbers.reshape(shape)


def row_bytes(body: bytes, begin: int, end: int) -> int:
    """Length of the text of an array's first row with its comma; 0 if it has only one.

    Args:
        body: JSON text.
        begin: where the array begins.
        end: where it ends.

    Example:
        >>> row_bytes(b"[[1, 2.5], [3, 4]]", 0, 18)
        9
    """
    comma = _row_end(body, begin, begin + 1, end)
    return comma - begin if comma else 0


def cut_rows(body: bytes, begin: int, end: int, share: float) -> tuple[bytes, bytes] | None:
    """An array of about that share of the rows, and one of the others; `None` if it has only one.

    If both are full, with rows of the same shape, so is the array of all, and holds their numbers.

    Args:
        body: JSON text.
        begin: where the array begins.
        end: where it ends.
        share: of the text, between 0 and 1.

    Example:
        >>> cut_rows(b"[[1, 2.5], [3, 4]]", 0, 18, 0.3)
        (b'[[1, 2.5]]', b'[ [3, 4]]')
    """
    comma = _row_end(body, begin, begin + max(1, int((end - begin) * share)), end)
    if not comma:
        return None
    text = memoryview(body)
    return b"".join((text[begin:comma], b"]")), b"".join((b"[", text[comma + 1 : end]))


def _row_end(body: bytes, begin: int, start: int, end: int) -> int:
    """Where the comma after the next row stands; 0 if none follows."""
    rank = _OPENING.match(body, begin).group().count(b"[")
    if rank > _DEEPEST:
        return 0
    found = re.compile(rb"\]\s*+" * (rank - 1) + b",").search(body, start, end)
    return found.end() - 1 if found else 0


def plain_input(signature: Signature) -> tuple[str, str] | None:
    """Name and type of a signature's only input, `None` if it has several or is not of numbers."""
    if len(signature.inputs) != 1:
        return None
    ((name, spec),) = signature.inputs.items()
    return (name, spec.dtype) if spec.dtype in _KINDS else None


@functools.lru_cache(maxsize=16)  # clients send the same shape again and again
def _shape(skeleton: bytes) -> tuple[int, ...] | None:
    """Shape of the full array with this skeleton."""
    rank = len(skeleton) - len(skeleton.lstrip(b"["))
    if not 0 < rank <= _DEEPEST:
        return None
    sizes: list[int] = []
    block = b""  # skeleton of one element of the level above
    for level in range(1, rank + 1):
        # The first place where `level` brackets close at once ends the first block of this level.
        closing = skeleton.find(b"]" * level)
        if closing < 0:
            return None
        size, rest = divmod(closing + level - (rank - level) - 1, len(block) + 1)
        if rest or not size:
            return None
        block = b"[" + b",".join([block] * size) + b"]"
        sizes.append(size)
    return tuple(reversed(sizes)) if block == skeleton else None


def _numbers(text: bytes, kind: str) -> np.ndarray | None:
    parser = getattr(_local, "parser", None) or simdjson.Parser()
    # A parser serves one document at a time; should an error keep one alive, a new one is made.
    _local.parser = None
    try:
        document = parser.parse(text)
        buffer = document.as_buffer(of_type=kind)
        numbers = np.frombuffer(buffer, np.float64 if kind == "d" else np.int64)
        del document
    except (ValueError, TypeError, RuntimeError):  # no JSON, or no numbers of this kind
        return None
    if len(text) <= _LARGEST_KEPT:
        _local.parser = parser
    return numbers
