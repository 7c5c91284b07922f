from pathlib import Path

import numpy as np
import pytest

from kerasdl.client.hints import mend


def spec(dtype, *sizes, unknown=False):
    dims = [{"size": str(size), "name": ""} for size in sizes]
    return {"dtype": f"DT_{dtype}", "tensor_shape": {"dim": dims, "unknown_rank": unknown}}


SIGNATURES = {
    "__saved_model_init_op": {"inputs": {}},
    "serving_default": {"inputs": {"image_bytes": spec("STRING", -1)}},
    "tensor": {"inputs": {"x": spec("FLOAT", -1, 28, 28, 1)}},
    "flat": {"inputs": {"x": spec("FLOAT", -1, 784)}},
    "ids": {"inputs": {"ids": spec("INT32", -1, 4)}},
    "flags": {"inputs": {"on": spec("BOOL", -1)}},
    "any": {"inputs": {"x": spec("FLOAT", unknown=True)}},
    "half": {"inputs": {"x": spec("HALF", -1)}},
    "two": {"inputs": {"a": spec("FLOAT", -1, 2), "b": spec("INT64", -1)}},
}


def hint(name, values, rows=False, signatures=SIGNATURES):
    return mend(signatures, name, rows, values)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((28, 28, 1), "make it a batch of one with x[np.newaxis]"),
        ((5, 28, 28), "add the last axis with x[..., np.newaxis]"),
        ((28, 28), "add both axes with x[np.newaxis, ..., np.newaxis]"),
        ((5, 1, 28, 28), "put channels last with np.moveaxis(x, 1, -1)"),
        ((5, 784), "use x.reshape((5, 28, 28, 1))"),
        ((5, 27, 28, 3), "axis 1 must have size 28, not 27, axis 3 must have size 1, not 3"),
        ((5, 3), "it must have 4 axes, not 2"),
        ((), "it must have 4 axes, not 0"),
        ((5, 28, 28, 1, 1), "leave out the last axis with x[..., 0]"),
    ],
)
def test_shapes(shape, words):
    only = {"tensor": SIGNATURES["tensor"]}
    assert words in hint("tensor", np.zeros(shape), signatures=only)


def test_what_is_said_is_what_helps():
    x = np.zeros((28, 28))
    assert "float32 of shape (any, 28, 28, 1), received float64 of shape (28, 28)" in hint(
        "tensor", x
    )
    assert hint("tensor", x[np.newaxis, ..., np.newaxis]) == ""
    y = np.zeros((5, 1, 28, 28))
    assert hint("tensor", np.moveaxis(y, 1, -1)) == ""
    assert hint("tensor", np.zeros((5, 784)).reshape((5, 28, 28, 1))) == ""


def test_rows():
    assert hint("flat", [np.zeros(784)] * 3, rows=True) == ""
    assert "into a list, [x]" in hint("flat", np.zeros(784), rows=True)
    assert "different sizes" in hint("flat", [[0.0] * 784, [0.0] * 3], rows=True)
    for values in (3, np.float32(3), []):
        assert "one element per example" in hint("flat", values, rows=True)
    assert hint("two", [{"a": [1, 2], "b": 3}], rows=True) == ""
    assert "same keys" in hint("two", [{"a": [1, 2], "b": 3}, {"a": [1, 2]}], rows=True)
    assert "received `a`" in hint("two", [{"a": [1, 2]}], rows=True)
    assert "several inputs; give a dictionary with `a` (float32 of shape (any, 2))" in hint(
        "two", [1], rows=True
    )


def test_types():
    assert 'ids.astype("int32")' in hint("ids", np.zeros((1, 4)))
    assert 'ids.astype("int32")' in hint("ids", np.zeros((1, 4), bool))
    assert "between -2147483648 and 2147483647" in hint("ids", [[1, 2, 3, 2**31]])
    assert hint("ids", [[1, 2, 3, 4]]) == ""
    assert "send numbers" in hint("ids", [["a"] * 4])
    assert "use on != 0" in hint("flags", [1, 0])
    assert hint("flags", [True]) == ""
    assert hint("any", [[[1]]]) == ""
    assert "half, which HTTP with JSON cannot carry" in hint("half", [1.0])
    assert "bytes of a file" in hint("serving_default", np.zeros((28, 28)))
    for text in ("a", b"a", Path("a.png"), bytearray(b"a")):
        assert hint("serving_default", [text], rows=True) == ""


def test_names():
    assert hint("nope", [1]).startswith("The model has no signature `nope`; it has `serving_def")
    assert "__saved" not in hint("nope", [1])
    assert "takes `x` (float32 of shape (any, 784)); received `y`" in hint("flat", {"y": [1]})


def test_another_signature_fits():
    assert 'Signature `flat` takes it: signature_name="flat".' in hint("tensor", np.zeros((5, 784)))
