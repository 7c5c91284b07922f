import json

import numpy as np
import pytest

from kerasdl.server.codec.decode import NotPlain, decode_predict
from kerasdl.server.codec.signature import Signature, TensorSpec
from kerasdl.server.errors import ServingError


def decode(document, **types):
    signature = Signature({name: TensorSpec(f"{name}:0", dtype) for name, dtype in types.items()})
    return decode_predict(json.dumps(document).encode(), lambda name: signature)


def test_row_and_column_format_give_the_same():
    rows = {"instances": [{"a": [1, 2], "b": 3}, {"a": [4, 5], "b": 6}]}
    columns = {"inputs": {"a": [[1, 2], [4, 5]], "b": [3, 6]}}
    for document, row_format in [(rows, True), (columns, False)]:
        name, is_row, arrays_ = decode(document, a="float", b="int32")
        assert (name, is_row) == ("serving_default", row_format)
        assert arrays_["a"].dtype == np.float32
        assert arrays_["a"].tolist() == [[1, 2], [4, 5]]
        assert arrays_["b"].tolist() == [3, 6]


def test_signature_is_looked_up_by_name_after_the_text_is_read():
    asked = []

    def find(name):
        asked.append(name)
        raise ServingError("unknown")

    with pytest.raises(ServingError, match="Parse error"):
        decode_predict(b"{", find)
    assert asked == []
    with pytest.raises(ServingError, match="unknown"):
        decode_predict(b'{"signature_name": "other", "inputs": 1}', find)
    assert asked == ["other"]


@pytest.mark.parametrize("value", [65504, 0.1])
def test_types_without_a_json_form(value):
    with pytest.raises(ServingError, match="to type: half") as caught:
        decode({"inputs": value}, x="half")
    assert caught.value.code == "UNIMPLEMENTED"


def test_repeated_key_in_a_row_counts_once():
    signature = Signature({"a": TensorSpec("a:0", "float"), "b": TensorSpec("b:0", "int32")})
    body = b'{"instances": [{"a": 1, "b": 2, "a": 9}, {"a": 3, "b": 4}]}'
    _, _, inputs = decode_predict(body, lambda name: signature)
    assert {name: array.tolist() for name, array in inputs.items()} == {"a": [1, 3], "b": [2, 4]}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"a": [1], "b": 1}, {"a": [1, 2], "b": 1}], "element: 1 key: a of 'instances' list. "),
        ([{"a": 1, "b": 1}, {"a": 1}], "element: 1 of 'instances' list. JSON object: {"),
        ([{"a": 1, "b": 1}, 5], "Expecting object but got list at item 1"),
    ],
)
def test_rows_that_do_not_fit_are_named(rows, message):
    with pytest.raises(ServingError) as caught:
        decode({"instances": rows}, a="float", b="int32")
    assert message in caught.value.message


class Taker:
    """Takes the first rows of a request, or would rather not."""

    def __init__(self, share=0.5, takes=True):
        self._share, self.takes = share, takes
        self.taken = None
        self.asked = None

    def share(self, signature_name, row_bytes, rows):
        self.asked = signature_name, row_bytes, rows
        return self._share

    def begin(self, signature_name, inputs):
        if self.takes:
            self.taken = inputs["x"]
        return self.takes


def decode_ahead(value, taker, dtype="float"):
    signature = Signature({"x": TensorSpec("x:0", dtype)})
    body = json.dumps({"signature_name": "s", "instances": value}).encode()
    return decode_predict(body, lambda name: signature, rough=True, ahead=taker)


def test_first_rows_are_handed_on_while_the_others_are_read():
    rows = [[float(i), i + 0.5] for i in range(10, 20)]
    taker = Taker()
    name, row_format, inputs = decode_ahead(rows, taker)
    assert (name, row_format, taker.asked) == ("s", True, ("s", 13, 10))
    assert [*taker.taken.tolist(), *inputs["x"].tolist()] == rows
    assert 0 < len(taker.taken) < 10
    assert taker.taken.dtype == inputs["x"].dtype == np.float32  # no conversion is left to do
    for taker in (Taker(share=0.0), Taker(takes=False)):
        assert decode_ahead(rows, taker)[2]["x"].tolist() == rows
    assert decode_ahead([1, 2, 3], Taker(), "int32")[2]["x"].size < 3


@pytest.mark.parametrize("last", [[1], [1, "2"], [[1, 2]], "x", {"x": 1}])
def test_rows_that_do_not_fit_those_that_were_handed_on(last):
    taker = Taker()
    with pytest.raises(NotPlain):
        decode_ahead([[1, 2]] * 9 + [last], taker)
    assert taker.taken is not None


@pytest.mark.parametrize("value", [[["a"]], [{"x": 1}], 1, [], [True, False]])
def test_what_is_no_plain_array_is_not_read_ahead(value):
    taker = Taker()
    with pytest.raises(NotPlain):
        decode_ahead(value, taker)
    assert taker.taken is None
