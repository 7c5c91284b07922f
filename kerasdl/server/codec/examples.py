"""A classify or regress request -> serialised `tf.Example`s, by TF Serving's rules; and back.

`{"examples": [{"feature": value}], "context": {…}}`: a value is a number, a boolean, a string,
`{"b64": "…"}`, or a list of one of these. `context` holds features that all examples share; an
example's own come after. Whole numbers become `int64`, others `float`.
"""

from collections.abc import Sequence

import numpy as np

from kerasdl.server.codec.arrays import decode_base64, format_error, is_base64_object, json_type
from kerasdl.server.codec.decode import requested_signature
from kerasdl.server.codec.parse import RepeatedKeys, parse
from kerasdl.server.codec.pretty import brace, float_texts, quote
from kerasdl.server.errors import ServingError

# Kind of a feature, as `tf.train.Feature` and its messages call it -> type of one value.
_KINDS = {"int64": int, "float": float, "bytes": bytes}


def decode_examples(body: bytes) -> tuple[str, np.ndarray]:
    """Read a classify or regress request.

    Args:
        body: JSON text.

    Returns:
        Name of the signature, and the serialised examples, (N,), of type `object`.

    Raises:
        ServingError: the request is malformed.
    """
    document = parse(body)
    name = requested_signature(document)
    context = _features(document["context"]) if "context" in document else {}
    if "examples" not in document:
        raise format_error(
            document, "When method is classify, key 'examples' is expected and was not found"
        )
    rows = document["examples"]
    if not isinstance(rows, list):
        raise format_error(document, "Expecting 'examples' value to be an list/array")
    if not rows:
        raise format_error(document, "'examples' value is an empty array")
    serialised = np.empty(len(rows), object)
    serialised[:] = [_serialise(context | _features(row)) for row in rows]
    return name, serialised


def _features(row) -> dict[str, tuple[str | None, list]]:
    """Kind and values of each feature; of repeated names the last counts."""
    if not isinstance(row, dict):
        raise ServingError(f"Example must be JSON object but got JSON {json_type(row)}")
    pairs = row.pairs if isinstance(row, RepeatedKeys) else row.items()
    return {name: _feature(name, content) for name, content in pairs}


def _feature(name: str, content) -> tuple[str | None, list]:
    kind, values = None, []
    for item in content if isinstance(content, list) else [content]:
        value = _value(name, item)
        found = next(known for known, type_ in _KINDS.items() if type(value) is type_)
        kind = kind or found
        if found != kind:
            raise ServingError(f"Unexpected element type in feature: {name} expecting type: {kind}")
        values.append(value)
    return kind, values


def _value(name: str, item) -> int | float | bytes:
    if isinstance(item, str):
        return item.encode("utf-8", "surrogateescape")
    if isinstance(item, bool):
        return int(item)
    if isinstance(item, int):
        if item >= 2**63:
            raise ServingError(f"Feature: {name} has uint64 element. Only int64 is supported.")
        return item
    if isinstance(item, float):
        return item
    if is_base64_object(item):
        return decode_base64(item["b64"])
    raise ServingError(f"Feature: {name} has element with unexpected JSON type: {json_type(item)}")


def _serialise(features: dict[str, tuple[str | None, list]]) -> bytes:
    from tensorflow.core.example.example_pb2 import Example

    example = Example()
    for name, (kind, values) in features.items():
        try:
            feature = example.features.feature[name]
        except ValueError as error:  # a name that is no text
            raise ServingError(f"Feature name is not valid UTF-8: {error}") from error
        if kind is None:
            continue
        if kind == "float":  # beyond float32 is infinite, which protobuf would refuse
            with np.errstate(over="ignore"):
                values = np.array(values, np.float32)
        getattr(feature, f"{kind}_list").value.extend(values)
    return example.SerializeToString()


def encode_classes(classes: np.ndarray | None, scores: np.ndarray | None) -> bytes:
    r"""Write the answer to a classify request.

    Args:
        classes: (N, C) labels, bytes; `None` for empty ones.
        scores: (N, C) of float32; `None` for zeros.

    Example:
        >>> encode_classes(np.array([[b"cat"]], object), np.array([[0.25]], np.float32))
        b'{\n    "results": [[["cat", 0.25]]\n    ]\n}'
    """
    shape = (classes if scores is None else scores).shape
    texts = float_texts(np.zeros(shape, np.float32) if scores is None else scores)
    labels = [b""] * len(texts) if classes is None else classes.reshape(-1).tolist()
    pairs = [
        f"[{quote(_text(label))}, {score}]" for label, score in zip(labels, texts, strict=True)
    ]
    rows = _brackets(pairs, shape[1])
    return _encode('{\n    "results": [' + ", ".join(rows) + "\n    ]\n}")


def encode_values(values: np.ndarray) -> bytes:
    r"""Write the answer to a regress request.

    Args:
        values: (N,) of float32.

    Example:
        >>> encode_values(np.array([0.5, 1], np.float32))
        b'{\n    "results": [0.5, 1.0]\n}'
    """
    return _encode(brace({"results": "[" + ", ".join(float_texts(values)) + "]"}, 0))


def _brackets(texts: Sequence[str], size: int) -> list[str]:
    groups = range(0, len(texts), size) if size else ()
    return ["[" + ", ".join(texts[start : start + size]) + "]" for start in groups]


def _text(label: bytes) -> str:
    return label.decode("utf-8", "surrogateescape")


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
