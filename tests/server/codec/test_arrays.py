import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from kerasdl.server.codec.arrays import (
    Misfit,
    _collect,
    _filled,
    _shape_of,
    decode_base64,
    fast_array,
    to_array,
)
from kerasdl.server.errors import ServingError


@given(arrays(st.sampled_from([np.float32, np.int64, np.uint8, np.bool_]), array_shapes()))
def test_arrays_come_back_as_sent(array):
    array = np.nan_to_num(array)
    names = {"float32": "float"}
    decoded = to_array(array.tolist(), names.get(array.dtype.name, array.dtype.name))
    assert decoded.dtype == array.dtype
    np.testing.assert_array_equal(decoded, array)


NUMBERS = st.sampled_from(
    [0, 1, -1, 2**31, 2**64, 1.0, 2.5, True, None, "a", [], [1], {"b64": "AA=="}, {"b64": "?"}]
)


@given(
    st.lists(NUMBERS | st.lists(NUMBERS, max_size=3), max_size=3),
    st.sampled_from(["float", "int32", "uint8", "bool", "string", "half"]),
)
def test_fast_and_element_wise_paths_agree(value, dtype):
    """What the fast path takes, the other takes with the same result; what one refuses, both do."""

    def element_wise():
        flat = []
        shape = _shape_of(value, "x", 0)
        _collect(value, shape, dtype, flat)
        return _filled(flat, shape, dtype)

    try:
        expected = element_wise()
    except ServingError:
        with pytest.raises((Misfit, ServingError)):
            fast_array(value, dtype, "x")
    else:
        got = fast_array(value, dtype, "x")
        assert got.shape == expected.shape
        assert got.tolist() == expected.tolist()


def test_float_overflow_becomes_infinite():
    assert to_array([1e300, -1e300], "float").tolist() == [np.inf, -np.inf]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([[1], [2, 3]], "unexpected size: 2 at level: 1 expected size: 1"),
        ([1, [2]], "unexpected level: 1 expected < 1"),
        ([[1], 2], "JSON Value: 2 found at incorrect level: 2"),
        ([1, True], "JSON Value: true Type: True is not of expected type: float"),
    ],
)
def test_ragged_and_wrong_values_are_refused(value, message):
    with pytest.raises(ServingError) as caught:
        to_array(value, "float")
    assert message in caught.value.message


def nested(depth):
    value = [1.5]
    for _ in range(depth - 1):
        value = [value]
    return value


@pytest.mark.parametrize("depth", [255, 10_000])
def test_too_many_dimensions(depth):
    with pytest.raises(ServingError, match="tensor parsing error: x"):
        to_array(nested(depth), "float", "x")


@pytest.mark.parametrize("depth", [65, 254])
def test_more_dimensions_than_numpy_has(depth):
    array = to_array(nested(depth), "float", "x")
    assert (array.ndim, array.shape, array.size) == (depth, (1,) * depth, 1)
    assert array.reshape(-1).tolist() == [1.5]


@given(st.binary(max_size=20))
def test_base64_reads_back(data):
    text = base64.b64encode(data).decode()
    assert decode_base64(text) == data
    assert decode_base64(text.rstrip("=")) == data
    assert decode_base64(" \n".join(text)) == data


@pytest.mark.parametrize(
    "text", ["a", "ab=", "ab===", "abcd=", "abcd====", "=", "ab-_", "é===", "ab=c"]
)
def test_bad_base64_is_refused(text):
    with pytest.raises(ServingError, match="Unable to base64 decode"):
        decode_base64(text)
