import json
import math

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasdl.server.codec.parse import _MAX_DEPTH, RepeatedKeys, _Reader, parse
from kerasdl.server.errors import ServingError

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=5), VALUES), st.booleans())
def test_reads_json_like_the_standard_library(document, escape):
    text = json.dumps(document, ensure_ascii=escape).encode("utf-8", "surrogatepass")
    assert parse(text) == document
    assert _Reader(text).read() == document  # the careful reader, which `parse` spares itself


@given(st.binary(max_size=60) | st.text('{}[]":,0123456789.eE+-\\nult Infa', max_size=60))
def test_any_text_is_read_or_refused(text):
    text = text if isinstance(text, bytes) else text.encode()
    try:
        value = parse(b'{"x":' + text)
    except ServingError:
        return  # any other exception fails the test
    assert isinstance(value, dict)


@pytest.mark.parametrize(
    "value", ["[1, 2.5, -3e2]", '{"a": {"b": []}}', '["\\u00e9\\n"]', "1e-400"]
)
def test_careful_reader_agrees_with_orjson(value):
    assert _Reader(value.encode()).read() == orjson.loads(value)


def test_special_numbers():
    values = parse(b'{"x": [NaN, -NaN, Inf, Infinity, -Inf, -Infinity, 1.5, 2]}')["x"]
    assert math.isnan(values[0])
    assert math.isnan(values[1])
    assert values[2:] == [math.inf, math.inf, -math.inf, -math.inf, 1.5, 2]


def test_first_of_repeated_keys_counts():
    value = parse(b'{"a": 1, "b": {"c": 2, "c": 3}, "a": 4}')
    assert value["a"] == 1
    assert isinstance(value["b"], RepeatedKeys)
    assert value["b"]["c"] == 2
    assert value["b"].pairs == [("c", 2), ("c", 3)]


def test_repeated_keys_are_seen_behind_numbers():
    assert parse(b'{"a": [1, {"k": 1, "k": 2}]}')["a"][1]["k"] == 1


def test_colon_in_a_string_is_no_repeated_key():
    assert parse(b'{"a": "x:y", "b": {"c:d": 1}}') == {"a": "x:y", "b": {"c:d": 1}}


def test_bytes_that_are_not_utf8_survive():
    value = parse(b'{"x": "a\xff\xfeb\xed\xa0\x80"}')["x"]
    assert value.encode("utf-8", "surrogateescape") == b"a\xff\xfeb\xed\xa0\x80"


def test_what_follows_the_document_is_ignored():
    assert parse(b'\xef\xbb\xbf {"x": 1} trailing') == {"x": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "JSON Parse error: The document is empty"),
        (b" \n", "JSON Parse error: The document is empty. at offset: 2"),
        (b"[1]", "JSON Value: [1] Is not object"),
        (b'{"a": \xff}', "JSON Parse error: Invalid value. at offset: 6"),
        (b'{"a": 1e400}', "JSON Parse error: Number too big to be stored in double. at offset: 6"),
        (b'{"a": 1.}', "JSON Parse error: Miss fraction part in number. at offset: 8"),
        (b'{"a": 1e+}', "JSON Parse error: Miss exponent in number. at offset: 9"),
        (b'{"a": "\\u12G4"}', "Incorrect hex digit after \\u escape in string. at offset: 7"),
        (b'{"a": "x', "JSON Parse error: Missing a closing quotation mark in string. at offset: 8"),
        (b'{"a": [1, 2', "Missing a comma or ']' after an array element. at offset: 11"),
        (b'{"a" 1}', "Missing a colon after a name of object member. at offset: 5"),
    ],
)
def test_refusals_name_fault_and_offset(text, message):
    with pytest.raises(ServingError) as caught:
        parse(text)
    assert caught.value.message.endswith(message)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_deep_nesting_is_refused_without_recursion(opening):
    with pytest.raises(ServingError, match="Nesting is deeper"):
        parse(b'{"x":' + opening * 200_000)


def test_nesting_that_tf_serving_reads_is_read():
    depth = 10_000
    assert depth < _MAX_DEPTH
    value = parse(b'{"x":' + b"[" * depth + b"]" * depth + b"}")["x"]
    for _ in range(depth - 1):
        (value,) = value
    assert value == []
