"""Calls of a signature with inputs of more dimensions than NumPy has.

A copy of the signature's part of the graph, on the same variables, takes its inputs as flat numbers
and shapes, and gives its outputs in the same way. Hardly anybody asks for this: it is made at the
first such request.
"""

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2

from kerasdl.server.codec import Signature
from kerasdl.server.codec.wide import NUMPY_MAX_RANK, shaped
from kerasdl.server.errors import ServingError


def wide_function(session, signature: Signature) -> Callable[[Mapping], dict]:
    """The signature as a function of wide or ordinary arrays by name.

    Args:
        session: holds the graph and its variables.
        signature: names the tensors.
    """
    graph = session.graph
    with graph.as_default():
        outputs = [spec.node for spec in signature.outputs.values()]
        part = tf.compat.v1.graph_util.extract_sub_graph(
            graph.as_graph_def(), [node.split(":")[0] for node in outputs]
        )
        feeds, replaced = [], {}
        for spec in signature.inputs.values():
            flat = tf.compat.v1.placeholder(graph.get_tensor_by_name(spec.node).dtype, [None])
            shape = tf.compat.v1.placeholder(tf.int32, [None])
            axis = tf.compat.v1.placeholder(tf.int32, [])
            feeds += [flat, shape, axis]
            # Reshape stops one short of the 254 dimensions that a tensor may have.
            replaced[spec.node] = tf.expand_dims(tf.reshape(flat, shape), axis)
        results = tf.import_graph_def(part, replaced, outputs, name="wide")
        fetches = [t for result in results for t in (tf.reshape(result, [-1]), tf.shape(result))]
    run = session._make_callable_from_options(
        config_pb2.CallableOptions(
            feed=[tensor.name for tensor in feeds], fetch=[tensor.name for tensor in fetches]
        )
    )

    def call(inputs: Mapping) -> dict:
        fed = []
        for name in signature.inputs:
            sizes = list(inputs[name].shape)
            # So many dimensions are not all larger than 1.
            axis = sizes.index(1) if 1 in sizes else None
            if axis is None:
                raise ServingError(
                    f"Input {name} cannot stand beside one of more than {NUMPY_MAX_RANK} dimensions"
                )
            del sizes[axis]
            fed += [inputs[name].reshape(-1), np.array(sizes, np.int32), np.int32(axis)]
        values = run(*fed)
        return {
            name: shaped(np.asarray(flat), tuple(shape.tolist()))
            for name, flat, shape in zip(signature.outputs, values[::2], values[1::2], strict=True)
        }

    return call
