import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kerasdl.server.codec.pretty import (
    bracket,
    debug_number,
    debug_string,
    float_texts,
    nest,
    quote,
)


@given(st.text())
def test_quoted_text_reads_back(text):
    assert json.loads(quote(text)) == text


@given(arrays(np.float32, 5, elements=st.floats(width=32)))
def test_float32_reads_back_exactly(values):
    texts = float_texts(values)
    read = np.array([json.loads(text) for text in texts], np.float32)
    np.testing.assert_array_equal(read, values)
    assert all(isinstance(json.loads(text), float) for text in texts)  # never as an integer


@given(arrays(np.float64, 5, elements=st.floats()))
def test_float64_reads_back_exactly(values):
    read = np.array([json.loads(text) for text in float_texts(values)])
    np.testing.assert_array_equal(read, values)


def test_many_float32_are_written_as_each_by_itself():
    rng = np.random.default_rng(0)
    kinds = [
        10 ** rng.uniform(-6, 8, 20_000),
        rng.integers(1, 10 ** rng.integers(1, 10, 20_000)) / 10.0 ** rng.integers(0, 9, 20_000),
        rng.integers(0, 2**32, 20_000, np.uint32).view(np.float32),
        rng.integers(-1000, 1000, 2_000) / 8,
        2.0 ** np.arange(-149, 128),
        [0, -0.0, np.inf, -np.inf, np.nan, 999_999, 999_999.94, 999_999.5, 1e6, 1e-4, 9.9999995],
    ]
    values = np.concatenate([np.asarray(kind, np.float32) for kind in kinds])
    powers = np.float32(10) ** np.arange(-8, 9, dtype=np.float32)
    values = np.concatenate(
        [values, -values, powers, np.nextafter(powers, 0), np.nextafter(powers, np.float32(9e9))]
    )
    texts = float_texts(values)
    assert len(texts) == values.size
    for start in range(0, values.size, 50):
        assert texts[start : start + 50] == float_texts(values[start : start + 50])


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_debug_number_reads_back_exactly(value):
    assert json.loads(debug_number(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e21, "1e21"),
        (1e20, "100000000000000000000.0"),
        (123.456, "123.456"),
        (-0.0, "-0.0"),
        (0.000001, "0.000001"),
        (1.5e-7, "1.5e-7"),
        (1.234e33, "1.234e33"),
        (7, "7"),
        (float("nan"), ""),
    ],
)
def test_debug_number(value, text):
    assert debug_number(value) == text


def test_debug_string_stops_between_two_values():
    text = debug_string({"instances": {f"k{i}": [i, i] for i in range(100)}})
    assert 256 <= len(text) < 300
    assert text.startswith('{\n    "instances": {\n        "k0": [0, 0],\n        "k1": [1, 1]')


def test_debug_string_of_deep_and_large_values_is_cut():
    deep = []
    for _ in range(20_000):
        deep = [deep]
    assert debug_string(deep) == "[" * 256
    assert len(debug_string(list(range(1_000_000)))) < 300


@pytest.mark.parametrize("multiline", [False, True])
@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 0), (0,), (1, 2, 3), (2, 0, 3), (1,) * 100])
def test_nested_text_is_the_array(shape, multiline):
    size = int(np.prod(shape))
    texts = nest([str(i) for i in range(size)], shape, 1, multiline)
    value = json.loads(bracket(texts, 1, multiline))
    read = []
    while isinstance(value, list) and len(read) < len(shape):
        read.append(len(value))
        if not value:
            break
        value = value[0]
    assert tuple(read) == shape[: len(read)]
    if len(shape) <= 3:
        expected = np.arange(size).reshape(shape).tolist()
        assert json.loads(bracket(texts, 1, multiline)) == expected
