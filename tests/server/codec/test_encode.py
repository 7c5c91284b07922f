import json

import numpy as np
import pytest

from kerasdl.server.codec import encode_predict
from kerasdl.server.errors import ServingError


def strings(*values):
    array = np.empty(len(values), object)
    array[:] = values
    return array


def test_single_output_stands_without_its_name():
    array = np.array([[1, 2], [3, 4]], np.int32)
    rows = encode_predict({"y": array}, {"y": "int32"}, True)
    columns = encode_predict({"y": array}, {"y": "int32"}, False)
    assert json.loads(rows) == {"predictions": [[1, 2], [3, 4]]}
    assert json.loads(columns) == {"outputs": [[1, 2], [3, 4]]}


def test_several_outputs():
    outputs = {"p": np.array([0.5, 0.25], np.float32), "ok": np.array([True, False])}
    dtypes = {"p": "float", "ok": "bool"}
    rows = json.loads(encode_predict(outputs, dtypes, True))
    assert rows == {"predictions": [{"p": 0.5, "ok": True}, {"p": 0.25, "ok": False}]}
    columns = json.loads(encode_predict(outputs, dtypes, False))
    assert columns == {"outputs": {"p": [0.5, 0.25], "ok": [True, False]}}


def test_layout_of_a_bytes_matrix():
    outputs = {"out_bytes": strings(b"a", b"b").reshape(1, 2)}
    assert encode_predict(outputs, {"out_bytes": "string"}, True).decode() == (
        '{\n    "predictions": [[{\n                "b64": "YQ=="\n            }, {\n'
        '                "b64": "Yg=="\n            }]\n    ]\n}'
    )


def test_text_that_is_not_utf8_goes_out_unchanged():
    answer = encode_predict({"out": strings(b'\xff"\n')}, {"out": "string"}, True)
    assert b'"\xff\\"\\n"' in answer


def test_scalar_in_column_format():
    assert json.loads(encode_predict({"y": np.float32(3.5)}, {"y": "float"}, False)) == {
        "outputs": 3.5
    }


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({"y": np.float32(1)}, "Tensor name: y has no shape information "),
        ({"y": np.zeros((0, 2), np.float32)}, "Tensor name: y has invalid batch size: 0"),
        (
            {"y": np.zeros(2, np.float32), "z": np.zeros(3, np.float32)},
            "Tensor name: z has inconsistent batch size: 3 expecting: 2",
        ),
    ],
)
def test_outputs_that_are_no_rows(outputs, message):
    with pytest.raises(ServingError) as caught:
        encode_predict(outputs, dict.fromkeys(outputs, "float"), True)
    assert caught.value.message == message


def test_type_without_a_json_form():
    with pytest.raises(ServingError) as caught:
        encode_predict({"y": np.zeros(1, np.float16)}, {"y": "half"}, False)
    assert caught.value.http_status == 501
