"""The text of a request -> Python values, as RapidJSON reads it for TF Serving.

orjson does the work wherever its answer is the same. The reader below takes over for what orjson
refuses or reads otherwise: NaN, Infinity, text after the document, repeated keys, a byte order
mark, bytes that are not UTF-8, nesting beyond 1,024. It has no recursion, so deep nesting cannot
exhaust the stack. Strings are `str`; bytes that are not UTF-8 become surrogate escapes
(PEP 383), so that they can be written out again unchanged.
"""

import math
import re

import orjson

from kerasdl.server.codec.pretty import debug_string
from kerasdl.server.errors import ServingError

_SPACE = re.compile(rb"[ \n\r\t]*+")
_PLAIN = re.compile(rb'[^"\\\x00-\x1f]*+')
_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*+)(\.[0-9]++)?([eE][+-]?[0-9]++)?")
# A run of numbers, each with its comma: read by orjson in one go.
_RUN = re.compile(
    rb"(?:-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?[ \n\r\t]*+,[ \n\r\t]*+)++"
)
_SPECIAL = re.compile(rb"-?(NaN|Infinity|Inf(?!i))")
_MAX_DEPTH = 20_000  # TF Serving reads 10,000 levels and dies of 50,000
_LITERALS = {b"n": (b"null", None), b"t": (b"true", True), b"f": (b"false", False)}
_ESCAPES = {
    b'"': b'"',
    b"\\": b"\\",
    b"/": b"/",
    b"b": b"\b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
}


class RepeatedKeys(dict):
    """A JSON object with repeated keys: look-up finds the first of them, `pairs` has them all."""

    def __init__(self, pairs: list):
        super().__init__(reversed(pairs))
        self.pairs = pairs


def parse(text: bytes) -> dict:
    """Read the body of a request.

    Args:
        text: the body.

    Returns:
        The JSON object; of repeated keys the first counts.

    Raises:
        ServingError: the text is not JSON, or not an object. The message is RapidJSON's, with the
            offset of the fault in bytes.

    Example:
        >>> parse(b'{"instances": [1.5, NaN]} and more')
        {'instances': [1.5, nan]}
    """
    if not text:
        raise ServingError("JSON Parse error: The document is empty")
    try:
        value = orjson.loads(text)
        # Each member has one colon outside strings. More colons than members: a string holds
        # one, or a key came twice, of which orjson keeps the last.
        colons = text.count(b":")
        if type(value) is dict and colons != len(value) and colons != _members(value):
            value = _Reader(text).read()
    except orjson.JSONDecodeError:
        value = _Reader(text).read()
    if not isinstance(value, dict):
        raise ServingError(f"JSON Value: {debug_string(value)} Is not object")
    return value


def _members(value) -> int:
    """Number of members of all objects in `value`."""
    count, todo = 0, [value]
    while todo:
        item = todo.pop()
        if type(item) is dict:
            count += len(item)
            todo.extend(item.values())
        elif type(item) is list and item and type(item[0]) not in (float, int):
            todo.extend(item)
        # A list that begins with a number is not searched: an object further on is an error in
        # any case, and its colons only send the text to the careful reader.
    return count


class _Reader:
    def __init__(self, text: bytes):
        self.text = text + b"\0"  # RapidJSON sees a zero byte at the end as well
        self.position = 3 if text.startswith(b"\xef\xbb\xbf") else 0

    def fail(self, message: str, position: int | None = None):
        at = self.position if position is None else position
        raise ServingError(f"JSON Parse error: {message} at offset: {at}")

    def skip_space(self) -> bytes:
        self.position = _SPACE.match(self.text, self.position).end()
        return self.text[self.position : self.position + 1]

    def read(self):
        if self.skip_space() == b"\0":
            self.fail("The document is empty.")
        stack: list = []  # lists, and [pairs, key] for objects
        while True:
            value = self._value_or_open(stack)
            if value is _OPENED:
                continue
            while True:  # hand the finished value to what encloses it
                if not stack:
                    return value
                top = stack[-1]
                following = self.skip_space()
                if type(top) is list:
                    top.append(value)
                    if following == b",":
                        self.position += 1
                        self.skip_space()
                        self._run_of_numbers(top)
                        break
                    if following != b"]":
                        self.fail("Missing a comma or ']' after an array element.")
                    value = top
                else:
                    top.pairs.append((top.key, value))
                    if following == b",":
                        self.position += 1
                        self.skip_space()
                        top.key = self._key()
                        break
                    if following != b"}":
                        self.fail("Missing a comma or '}' after an object member.")
                    value = dict(top.pairs)
                    if len(value) < len(top.pairs):
                        value = RepeatedKeys(top.pairs)
                self.position += 1
                stack.pop()

    def _value_or_open(self, stack: list):
        """Read a scalar or an empty container, or open a container and wait for its content."""
        first = self.text[self.position : self.position + 1]
        if len(stack) >= _MAX_DEPTH:
            self.fail(f"Nesting is deeper than {_MAX_DEPTH}.")
        if first == b"{":
            self.position += 1
            if self.skip_space() == b"}":
                self.position += 1
                return {}
            frame = _ObjectFrame()
            frame.key = self._key()
            stack.append(frame)
            return _OPENED
        if first == b"[":
            self.position += 1
            if self.skip_space() == b"]":
                self.position += 1
                return []
            stack.append([])
            self._run_of_numbers(stack[-1])
            return _OPENED
        if first == b'"':
            return self._string()
        if first in _LITERALS:
            word, value = _LITERALS[first]
            for byte in word:
                if self.text[self.position] != byte:
                    self.fail("Invalid value.")
                self.position += 1
            return value
        return self._number()

    def _key(self) -> str:
        if self.text[self.position : self.position + 1] != b'"':
            self.fail("Missing a name for object member.")
        key = self._string()
        if self.skip_space() != b":":
            self.fail("Missing a colon after a name of object member.")
        self.position += 1
        self.skip_space()
        return key

    def _string(self) -> str:
        parts = []
        self.position += 1
        while True:
            plain = _PLAIN.match(self.text, self.position)
            parts.append(plain.group())
            self.position = plain.end()
            byte = self.text[self.position : self.position + 1]
            if byte == b'"':
                self.position += 1
                return b"".join(parts).decode("utf-8", "surrogateescape")
            if byte == b"\0":
                self.fail("Missing a closing quotation mark in string.")
            if byte != b"\\":
                self.fail("Invalid escape character in string.")
            parts.append(self._escape())

    def _escape(self) -> bytes:
        start = self.position
        letter = self.text[start + 1 : start + 2]
        self.position += 2
        if letter in _ESCAPES:
            return _ESCAPES[letter]
        if letter != b"u":
            self.fail("Invalid escape character in string.", start)
        point = self._four_hex(start)
        if 0xD800 <= point <= 0xDFFF:
            low = 0
            if point <= 0xDBFF and self.text[self.position : self.position + 2] == b"\\u":
                self.position += 2
                low = self._four_hex(start)
            if not 0xDC00 <= low <= 0xDFFF:
                self.fail("The surrogate pair in string is invalid.", start)
            point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00)
        return chr(point).encode()

    def _four_hex(self, start: int) -> int:
        digits = self.text[self.position : self.position + 4]
        if not re.fullmatch(rb"[0-9a-fA-F]{4}", digits):
            self.fail("Incorrect hex digit after \\u escape in string.", start)
        self.position += 4
        return int(digits, 16)

    def _run_of_numbers(self, into: list):
        run = _RUN.match(self.text, self.position)
        if run:
            try:
                into.extend(orjson.loads(b"[" + run.group().rstrip(b" \n\r\t,") + b"]"))
            except orjson.JSONDecodeError:
                return  # a number too big for a double: read one by one to find its offset
            self.position = run.end()

    def _number(self):
        start = self.position
        special = _SPECIAL.match(self.text, start)
        if special:
            self.position = special.end()
            value = math.nan if special.group(1) == b"NaN" else math.inf
            return -value if special.group().startswith(b"-") else value
        number = _NUMBER.match(self.text, start)
        if not number:
            self.position += self.text[start : start + 1] == b"-"
            self.fail("Invalid value.")
        self.position = number.end()
        fraction, exponent = number.groups()
        following = self.text[self.position : self.position + 1]
        if following == b"." and not fraction and not exponent:
            self.position += 1
            self.fail("Miss fraction part in number.")
        if following in (b"e", b"E") and not exponent:
            self.position += 1
            self.position += self.text[self.position : self.position + 1] in (b"+", b"-")
            self.fail("Miss exponent in number.")
        if not fraction and not exponent and len(number.group()) <= 20:
            value = int(number.group())
            if -(2**63) <= value < 2**64:
                return value
        value = float(number.group())
        if math.isinf(value):
            self.fail("Number too big to be stored in double.", start)
        return value


class _ObjectFrame:
    __slots__ = ("key", "pairs")

    def __init__(self):
        self.pairs: list = []
        self.key = ""


_OPENED = object()
