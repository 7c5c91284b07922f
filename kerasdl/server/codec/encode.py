"""Arrays -> the JSON text of an answer, by TF Serving's rules and in its layout.

Row format gives one element per example, `{"predictions": [...]}`; column format one value per
output, `{"outputs": ...}`. A single output stands without its name. String outputs whose name ends
in `_bytes` are written as `{"b64": "..."}`, others as text.
"""

import binascii
from collections.abc import Mapping

import numpy as np

from kerasdl.server.codec.pretty import brace, bracket, float_texts, nest, quote
from kerasdl.server.codec.signature import NUMPY_TYPES
from kerasdl.server.errors import ServingError


def encode_predict(
    outputs: Mapping[str, np.ndarray], dtypes: Mapping[str, str], row_format: bool
) -> bytes:
    r"""Write the answer to a predict request.

    Args:
        outputs: arrays by name.
        dtypes: TensorFlow's names of their types, by name.
        row_format: whether the request had `instances`.

    Raises:
        ServingError: the outputs cannot be split into rows, or a type has no JSON form.

    Example:
        >>> encode_predict({"y": np.array([2.5, 3], np.float32)}, {"y": "float"}, True)
        b'{\n    "predictions": [2.5, 3.0\n    ]\n}'
    """
    text = _rows(outputs, dtypes) if row_format else _columns(outputs, dtypes)
    return text.encode("utf-8", "surrogateescape")


def _columns(outputs: Mapping[str, np.ndarray], dtypes: Mapping[str, str]) -> str:
    depth = 1 if len(outputs) == 1 else 2
    values = {}
    for name, array in outputs.items():
        texts = _texts(name, array, dtypes[name], depth + array.ndim)
        texts = nest(texts, array.shape, depth, multiline=True)
        values[name] = bracket(texts, depth, True) if array.ndim else texts[0]
    value = brace(values, 1) if depth == 2 else next(iter(values.values()))
    return brace({"outputs": value}, 0)


def _rows(outputs: Mapping[str, np.ndarray], dtypes: Mapping[str, str]) -> str:
    batch = 0
    for name, array in outputs.items():
        if not array.ndim:
            raise ServingError(f"Tensor name: {name} has no shape information ")
        if not len(array):
            raise ServingError(f"Tensor name: {name} has invalid batch size: 0")
        if batch and len(array) != batch:
            raise ServingError(
                f"Tensor name: {name} has inconsistent batch size: {len(array)} expecting: {batch}"
            )
        batch = len(array)
    depth = 2 if len(outputs) == 1 else 3  # brackets and braces around one element
    columns = {}
    for name, array in outputs.items():
        texts = _texts(name, array, dtypes[name], depth + array.ndim - 1)
        columns[name] = nest(texts, array.shape, depth - 1, multiline=False)
    if len(columns) == 1:
        (texts,) = columns.values()
        content = ", ".join(texts)
    else:
        rows = zip(*columns.values(), strict=True)
        content = ",".join(
            "\n        " + brace(dict(zip(columns, row, strict=True)), 2) for row in rows
        )
    return '{\n    "predictions": [' + content + "\n    ]\n}"


def _texts(name: str, array: np.ndarray, dtype: str, depth: int) -> list[str]:
    """Text of each element, in C order; `depth` brackets and braces enclose it."""
    if dtype not in NUMPY_TYPES:
        raise ServingError(f"Conversion of tensor type: {dtype} to JSON", "UNIMPLEMENTED")
    if dtype in ("float", "double"):
        return float_texts(array)
    if dtype == "bool":
        return ["true" if value else "false" for value in array.reshape(-1).tolist()]
    if dtype != "string":
        return list(map(str, array.reshape(-1).tolist()))
    values = [
        value if isinstance(value, bytes) else str(value).encode()
        for value in array.reshape(-1).tolist()
    ]
    if name.endswith("_bytes"):
        return [
            brace({"b64": f'"{binascii.b2a_base64(value, newline=False).decode()}"'}, depth)
            for value in values
        ]
    return [quote(value.decode("utf-8", "surrogateescape")) for value in values]
