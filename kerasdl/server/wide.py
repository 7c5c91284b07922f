"""Calls of a signature with inputs of more dimensions than NumPy has.

A copy of the signature's part of the graph, on the same variables, takes its inputs as flat numbers
and shapes, and gives its outputs in the same way. Hardly anybody asks for this: it is made at the
first such request.
"""

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from kerasdl.server.codec import Signature
from kerasdl.server.codec.wide import shaped


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
        feeds, replaced = {}, {}
        for name, spec in signature.inputs.items():
            flat = tf.compat.v1.placeholder(graph.get_tensor_by_name(spec.node).dtype, [None])
            shape = tf.compat.v1.placeholder(tf.int32, [None])
            feeds[name] = flat, shape
            replaced[spec.node] = tf.reshape(flat, shape)
        results = tf.import_graph_def(part, replaced, outputs, name="wide")
        fetches = [(tf.reshape(result, [-1]), tf.shape(result)) for result in results]

    def call(inputs: Mapping) -> dict:
        fed = {}
        for name, (flat, shape) in feeds.items():
            fed[flat] = inputs[name].reshape(-1)
            fed[shape] = np.array(inputs[name].shape, np.int32)
        values = session.run(fetches, fed)
        return {
            name: shaped(np.asarray(flat), tuple(shape.tolist()))
            for name, (flat, shape) in zip(signature.outputs, values, strict=True)
        }

    return call
