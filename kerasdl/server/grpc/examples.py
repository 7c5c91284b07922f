"""Classify and regress: `tf.Example` messages in, outputs of a signature out."""

import numpy as np
from tensorflow_serving.apis import classification_pb2, input_pb2, regression_pb2

from kerasdl.server.errors import ServingError


def serialised(message: input_pb2.Input) -> np.ndarray:
    """The examples of a request.

    Args:
        message: examples, with or without features that all share.

    Returns:
        Serialised examples, (N,), of type `object`.

    Raises:
        ServingError: there are none.
    """
    context = b""
    if message.WhichOneof("kind") == "example_list_with_context":
        listed = message.example_list_with_context
        context = listed.context.SerializeToString()
    else:
        listed = message.example_list
    if not listed.examples:
        raise ServingError("Input is empty")
    examples = np.empty(len(listed.examples), object)
    # Protocol buffers merge by standing one after the other: an example's own feature wins.
    examples[:] = [context + example.SerializeToString() for example in listed.examples]
    return examples


def classifications(
    classes: np.ndarray | None, scores: np.ndarray | None
) -> classification_pb2.ClassificationResult:
    """The result of a classify request.

    Args:
        classes: (N, C) labels, bytes; `None` for empty ones.
        scores: (N, C) of float32; `None` for zeros.

    Example:
        >>> result = classifications(np.array([[b"cat"]], object), np.array([[0.25]], np.float32))
        >>> result.classifications[0].classes[0].label
        'cat'
    """
    shape = (classes if scores is None else scores).shape
    labels = np.full(shape, b"", object) if classes is None else classes
    numbers = np.zeros(shape, np.float32) if scores is None else scores
    result = classification_pb2.ClassificationResult()
    for row_labels, row_numbers in zip(labels, numbers.tolist(), strict=True):
        row = result.classifications.add()
        for label, score in zip(row_labels, row_numbers, strict=True):
            # The field is text: what is no UTF-8 cannot stand in it.
            row.classes.add(label=label.decode("utf-8", "replace"), score=score)
    return result


def regressions(values: np.ndarray) -> regression_pb2.RegressionResult:
    """The result of a regress request.

    Args:
        values: (N,) or (N, 1) of float32.

    Example:
        >>> [r.value for r in regressions(np.array([0.5, 1], np.float32)).regressions]
        [0.5, 1.0]
    """
    result = regression_pb2.RegressionResult()
    for value in values.reshape(-1).tolist():
        result.regressions.add(value=value)
    return result
