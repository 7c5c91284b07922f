"""Tensor messages to arrays and back."""

import math

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, types_pb2

from kerasdl.server.errors import ServingError


def dtype_name(message: tensor_pb2.TensorProto) -> str:
    """TensorFlow's name of a message's type, as signatures have it.

    Example:
        >>> dtype_name(tf.make_tensor_proto(1.5))
        'float'
    """
    try:
        return types_pb2.DataType.Name(message.dtype).removeprefix("DT_").lower()
    except ValueError:  # a number that stands for no type
        return f"type {message.dtype}"


def to_array(message: tensor_pb2.TensorProto, name: str, most_elements: int) -> np.ndarray:
    """The array of a message.

    Args:
        message: a tensor.
        name: of the input, for the error.
        most_elements: most elements it may have. A message of a few bytes can stand for any number
            of equal ones.

    Raises:
        ServingError: the message is none, or too large.

    Example:
        >>> to_array(tf.make_tensor_proto([[1, 2]]), "x", 10)
        array([[1, 2]], dtype=int32)
    """
    sizes = [dim.size for dim in message.tensor_shape.dim]
    if message.tensor_shape.unknown_rank or min(sizes, default=0) < 0:
        raise ServingError(f"tensor parsing error: {name}")
    if math.prod(sizes) > most_elements:
        raise ServingError(
            f"Input {name} has {math.prod(sizes)} elements; at most {most_elements} are taken"
        )
    try:
        return tf.make_ndarray(message)
    except (ValueError, TypeError, IndexError, KeyError, OverflowError) as error:
        raise ServingError(f"tensor parsing error: {name}") from error


def to_message(array: np.ndarray, dtype: str) -> tensor_pb2.TensorProto:
    """The message of an array.

    Args:
        array: an output; strings as `object`.
        dtype: TensorFlow's name of its type.

    Example:
        >>> to_message(np.array([1.5]), "double").dtype == types_pb2.DT_DOUBLE
        True
    """
    return tf.make_tensor_proto(array, tf.as_dtype(dtype), shape=array.shape)
