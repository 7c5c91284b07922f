import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasdl.server.codec import decode
from kerasdl.server.codec.arrays import to_array
from kerasdl.server.codec.flat import cut_rows, read_array, read_head, row_bytes
from kerasdl.server.codec.parse import parse
from kerasdl.server.errors import ServingError

TYPES = ["float", "double", "int8", "int16", "int32", "int64"]
numbers = st.one_of(
    st.integers(-(2**65), 2**65),
    st.integers(-300, 300),
    st.floats(width=32),
    st.floats(),
)
nested = st.recursive(
    st.one_of(numbers, st.none(), st.booleans(), st.text(max_size=2)),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=12,
)


def long_way(text, dtype):
    try:
        return to_array(parse(b'{"inputs": ' + text + b"}")["inputs"], dtype)
    except ServingError:
        return None


def check(text, dtype):
    """Whatever the short way gives, the long way gives as well."""
    array = read_array(text, 0, len(text), dtype)
    if array is not None:
        expected = long_way(text, dtype)
        assert expected is not None, (text, dtype)
        assert (array.dtype, array.shape) == (expected.dtype, expected.shape)
        np.testing.assert_array_equal(array, expected)
    return array


@given(st.lists(nested, min_size=1, max_size=4), st.sampled_from(TYPES))
def test_never_gives_what_the_long_way_would_not(value, dtype):
    check(json.dumps(value).encode(), dtype)


@given(st.text("[],.-+eE0123456789 \n", max_size=24), st.sampled_from(TYPES))
def test_never_takes_what_is_no_array(text, dtype):
    check(text.encode(), dtype)


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=5),
    st.sampled_from(TYPES),
    st.integers(0, 2**32),
)
def test_takes_every_full_array(shape, dtype, seed):
    rng = np.random.default_rng(seed)
    value = rng.integers(-100, 100, shape) if "int" in dtype else rng.normal(size=shape)
    array = check(json.dumps(value.tolist()).encode(), dtype)
    assert array is not None
    assert array.shape == tuple(shape)


@pytest.mark.parametrize(
    "text",
    [
        b"[[1],[]]", b"[[],[1]]", b"[[1,2],[3]]", b"[1,[2]]", b"[[1]2,[3]]", b"[1,,2]", b"[1 2]",
        b"[]", b"[[]]", b"[,]", b"[1,]", b"[1]]", b"[[1]", b"[NaN]", b"[null]", b"[1e400]",
        b"[01]", b"[-]", b"[1][2]", b"[1],[2]", b'["1"]', b"[[[1]],[[2],[3]]]",
    ],
)  # fmt: skip
def test_leaves_the_rest_to_the_long_way(text):
    assert read_array(text, 0, len(text), "float") is None


def test_rough_floats_stay_doubles():
    array = read_array(b"[0.1]", 0, 5, "float", rough=True)
    assert (array.dtype, array[0]) == (np.float64, 0.1)


@pytest.mark.parametrize(
    ("body", "head"),
    [
        (b' {"inputs":[1]} ', ("", False, 11, 14)),
        (b'{"signature_name": "s", "instances": [1]}', ("s", True, 37, 40)),
        (b'{"instances": [1], "signature_name": "s"}', ("s", True, 14, 17)),
        (b'{"instances": [1], "more": 1}', None),
        (b'{"instances": [1]} and more', None),
        (b'{"instances": 1}', None),
        (b'{"more": 1, "instances": [1]}', None),
        (b'{"signature_name": "s", "instances": [1], "signature_name": "t"}', None),
        (b'{"instances": {"x": [1]}}', None),
        (b"", None),
    ],
)
def test_read_head(body, head):
    assert read_head(body) == head


def test_repeated_keys_take_the_long_way():
    """Of equal keys the first counts, which a search for the last bracket would miss."""
    from kerasdl.server.codec import Signature, TensorSpec

    signature = Signature({"x": TensorSpec("x:0", "float", (None,))})
    body = b'{"instances": [1], "instances": [2]}'
    _, _, inputs = decode.decode_predict(body, lambda name: signature)
    assert inputs["x"].tolist() == [1]


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.floats(0, 1), st.integers(0, 2**32))
def test_what_is_cut_at_a_row_is_the_whole(shape, share, seed):
    rng = np.random.default_rng(seed)
    array = rng.integers(-1000, 1000, shape) / rng.choice([1, 8])
    space = ["", " ", "\n\t "][seed % 3]
    text = json.dumps(array.tolist(), separators=(space + "," + space, ":"))
    text = text.replace("]", space + "]").replace("[", "[" + space).encode()
    body = b'{"instances": ' + text + b"}"
    begin, end = 14, 14 + len(text)
    pieces = cut_rows(body, begin, end, share)
    if shape[0] == 1:
        assert pieces is None
        assert row_bytes(body, begin, end) == 0
        return
    assert 0 < row_bytes(body, begin, end) < len(text)
    if pieces is None:  # from there on no row ends but the last
        return
    parts = [read_array(piece, 0, len(piece), "double") for piece in pieces]
    assert np.concatenate(parts).tolist() == array.tolist()


@given(st.lists(nested, min_size=2, max_size=4), st.floats(0, 1))
def test_full_pieces_of_one_shape_make_a_full_array(value, share):
    text = json.dumps(value).encode()
    pieces = cut_rows(text, 0, len(text), share)
    parts = [read_array(piece, 0, len(piece), "double") for piece in pieces or ()]
    whole = read_array(text, 0, len(text), "double")
    if not parts:
        return
    full = all(part is not None for part in parts)
    if full and parts[0].shape[1:] == parts[1].shape[1:]:
        assert whole.tolist() == [*parts[0].tolist(), *parts[1].tolist()]
    else:
        assert whole is None
