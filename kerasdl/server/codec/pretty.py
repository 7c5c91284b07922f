"""Numbers, strings and the layout of JSON as TF Serving prints them."""

import math
import re

import numpy as np
import orjson

_INDENT = 4
_MANY = 64  # numbers from which on it pays to use NumPy and orjson
_DEBUG_LIMIT = 256  # characters after which TF Serving stops to quote a value in an error
_POWERS = np.array([float(10**k) for k in range(23)])  # of ten that are exact in float64
_SHORT_ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
}
_TO_ESCAPE = re.compile(r'["\\\x00-\x1f]')


def quote(text: str) -> str:
    r"""A JSON string; only what must be escaped is.

    Example:
        >>> print(quote('é "x"'))
        "é \"x\""
    """
    return '"' + _TO_ESCAPE.sub(_escape, text) + '"'


def _escape(match: re.Match) -> str:
    character = match.group()
    return _SHORT_ESCAPES.get(character) or f"\\u{ord(character):04X}"


def float_texts(values: np.ndarray) -> list[str]:
    """Numbers of an answer: 6 digits where these read back exactly, else as many as it takes.

    Args:
        values: array of float32 (else 9 digits) or float64 (else 17), any shape.

    Returns:
        One text per number, in C order.

    Example:
        >>> float_texts(np.array([0.1, 1 / 3, 1e6, 2], np.float32))
        ['0.1', '0.333333343', '1e+06', '2.0']
    """
    values = values.reshape(-1)
    if values.size < _MANY or values.dtype != np.float32:
        return _printed(values)
    numbers, same = _read_back(values)
    texts = orjson.dumps(numbers, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].decode().split(",")
    rest = (~same).nonzero()[0]
    for index, text in zip(rest.tolist(), _printed(values[rest]), strict=True):
        texts[index] = text
    return texts


def _printed(values: np.ndarray) -> list[str]:
    enough = "%.9g" if values.dtype == np.float32 else "%.17g"
    numbers = values.tolist()
    texts = ["%.6g" % number for number in numbers]  # noqa: UP031 - the layout of C's printf
    # Rounded to 6 digits no finite number becomes infinite, so nothing overflows.
    read_back = np.array(list(map(float, texts)), values.dtype)
    for index in (read_back != values).nonzero()[0].tolist():
        number = numbers[index]
        if number == number:  # NaN is the one number that differs from itself
            texts[index] = enough % number
    return [text if "." in text or "e" in text else _as_float(text) for text in texts]


def _read_back(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The float64 that the text of each float32 reads back as.

    Such a number is known by its shortest text, which orjson writes quickly: it has no more digits
    than were asked for. The second array says where this text is the one to print, for orjson has
    its own ways with exponents.
    """
    exact = values.astype(np.float64)
    sizes = np.abs(exact)
    same = (sizes >= 1e-4) & (sizes < 999_999)
    sizes = np.where(same, sizes, 1.0)
    before_point = np.floor(np.log10(sizes)).astype(np.intp)  # digits, less one

    six, sure_of_six = _rounded(sizes, before_point, 6)
    nine, sure_of_nine = _rounded(sizes, before_point, 9)
    numbers = np.where(six.astype(np.float32) == sizes, six, nine)
    return np.copysign(numbers, exact), same & sure_of_six & sure_of_nine


def _rounded(
    sizes: np.ndarray, before_point: np.ndarray, digits: int
) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of so many digits, and where they are surely those that printf prints.

    Powers of ten up to 22 are exact in float64, and a quotient is rounded once: m / 10ᵏ is what its
    text reads back as. The product may be wrong in its 16th digit: what is that close to a tie is
    left to printf, and so is what a wrong logarithm gives too few or too many digits.
    """
    power = _POWERS[digits - 1 - before_point]
    scaled = sizes * power
    whole = np.rint(scaled)
    sure = np.abs(np.abs(scaled - whole) - 0.5) > 1e-6
    sure &= (scaled >= 10 ** (digits - 1)) & (whole < 10**digits)
    return whole / power, sure


def _as_float(text: str) -> str:
    return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(text) or text + ".0"


def debug_number(value: int | float) -> str:
    """A number as RapidJSON quotes it in an error: shortest digits, plain up to 21 places.

    Example:
        >>> debug_number(1000.0), debug_number(1e300), debug_number(1e-7)
        ('1000.0', '1e300', '1e-7')
    """
    if isinstance(value, int):
        return str(value)
    if value != value or value in (float("inf"), float("-inf")):
        return ""  # its writer refuses these and leaves a gap
    if value == 0:
        return "-0.0" if str(value).startswith("-") else "0.0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        return f"{sign}{digits}{'0' * (point - len(digits))}.0"
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{tail}e{point - 1}"


def debug_string(value) -> str:
    """A JSON value as TF Serving quotes it in an error message.

    Objects stand on several lines, arrays on one; quoting stops after 256 characters.

    Example:
        >>> print(debug_string({"a": [1, 2.0, None]}))
        {
            "a": [1, 2.0, null]
        }
    """
    parts: list[str] = []
    length = 0
    # Written piece by piece and cut at the limit, so that neither a large nor a deep value costs.
    for piece in _pieces(value):
        parts.append(piece)
        length += len(piece.encode("utf-8", "surrogateescape"))
        if length >= _DEBUG_LIMIT:
            break
    return "".join(parts)


def _pieces(value):
    """Texts of a value in order, each with the punctuation that stands before it."""
    stack: list = []  # (iterator over what is left, is it an object)
    prefix = ""
    while True:
        pairs = getattr(value, "pairs", None) or (
            list(value.items()) if isinstance(value, dict) else None
        )
        if pairs is not None or isinstance(value, list):
            is_object = pairs is not None
            content = pairs if is_object else value
            yield prefix + ("{" if is_object else "[")
            if content:
                stack.append([iter(content), is_object, True])
            else:
                yield "}" if is_object else "]"
        else:
            yield prefix + _scalar(value)
        while stack:  # next element, closing what is finished
            frame = stack[-1]
            remaining, is_object, first = frame
            try:
                item = next(remaining)
            except StopIteration:
                stack.pop()
                yield f"\n{' ' * _INDENT * len(stack)}}}" if is_object else "]"
                continue
            frame[2] = False
            if is_object:
                line = ("" if first else ",") + "\n" + " " * _INDENT * len(stack)
                yield line + quote(item[0])
                prefix, value = ": ", item[1]
            else:
                prefix, value = "" if first else ", ", item
            break
        else:
            return


def _scalar(value) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return quote(value) if isinstance(value, str) else debug_number(value)


def nest(texts: list[str], shape: tuple[int, ...], depth: int, multiline: bool) -> list[str]:
    """Put the texts of an array's elements into nested brackets.

    Args:
        texts: one text per element, in C order.
        shape: the array's shape.
        depth: how many brackets and braces enclose the array already.
        multiline: each element on a line of its own, or all of a bracket on one line.

    Returns:
        The elements along the first axis, without the outermost bracket, so that the caller
        chooses it. For a scalar the one text.

    Example:
        >>> nest(["1", "2", "3", "4"], (2, 2), depth=1, multiline=False)
        ['[1, 2]', '[3, 4]']
    """
    for axis in range(len(shape) - 1, 0, -1):
        size = shape[axis]
        groups = math.prod(shape[:axis])
        texts = [
            bracket(texts[i * size : (i + 1) * size], depth + axis, multiline)
            for i in range(groups)
        ]
    return texts


def bracket(texts: list[str], depth: int, multiline: bool) -> str:
    """One JSON array of already written elements, enclosed by `depth` others."""
    if not texts:
        return "[]"
    if not multiline:
        return "[" + ", ".join(texts) + "]"
    line = "\n" + " " * _INDENT * (depth + 1)
    return "[" + line + ("," + line).join(texts) + "\n" + " " * _INDENT * depth + "]"


def brace(members: dict[str, str], depth: int) -> str:
    """One JSON object of already written values, enclosed by `depth` other brackets or braces."""
    line = "\n" + " " * _INDENT * (depth + 1)
    content = ("," + line).join(f"{quote(name)}: {text}" for name, text in members.items())
    return "{" + line + content + "\n" + " " * _INDENT * depth + "}"
