"""Which signatures treat each example by itself, read off the graph.

Examples of several requests may go through the model together, without anybody having said so, only
if row i of each output depends on row i of the inputs alone. That is proven operation by operation,
from the inputs on, with the shapes that the SavedModel records beside each operation. What is not
known to keep rows apart counts as mixing them, so a proof can be missing, but not wrong.
"""

import re

from google.protobuf.message import Message
from tensorflow.python.framework import tensor_util

from kerasdl.server.batching.rules import CONSTANT, MIXED, ROWS, RULES, SHAPE

_WRITES = re.compile(r"Assign|Scatter|Insert|Import|Enqueue|Print|PyFunc|Random")
_CALLS = ("PartitionedCall", "StatefulPartitionedCall")


def row_wise_signatures(meta_graph: Message) -> frozenset[str]:
    """Names of the signatures whose rows are proven to be independent.

    Args:
        meta_graph: the `MetaGraphDef` of the SavedModel.
    """
    functions = {
        function.signature.name: function for function in meta_graph.graph_def.library.function
    }
    nodes = {node.name: node for node in meta_graph.graph_def.node}
    found = []
    for name, signature in meta_graph.signature_def.items():
        inputs = {_plain(info.name): _dims(info.tensor_shape) for info in signature.inputs.values()}
        if not inputs or not all(dims and dims[0] == -1 for dims in inputs.values()):
            continue
        graph = _Graph(nodes, functions, dict.fromkeys(inputs, ROWS), inputs)
        try:
            if all(graph.kind(info.name) == ROWS for info in signature.outputs.values()):
                found.append(name)
        except (KeyError, IndexError, ValueError, RecursionError):
            continue  # something in the graph that is not understood here
    return frozenset(found)


class _Graph:
    """The main graph or the body of a function, and what is known of its tensors.

    Args:
        nodes: its nodes by name.
        functions: all functions by name.
        known: kinds of tensors, by name: what is fed, or the arguments.
        shapes: their shapes.
    """

    def __init__(self, nodes, functions, known: dict[str, str], shapes: dict[str, tuple | None]):
        self.nodes = nodes
        self.functions = functions
        self.known = known
        self.shapes = shapes

    def kind(self, tensor: str) -> str:
        """What a tensor's rows depend on."""
        tensor = _plain(tensor)
        if tensor not in self.known:
            self.known[tensor] = MIXED  # should a loop lead back here
            self.known[tensor] = self._kind(tensor)
        return self.known[tensor]

    def _kind(self, tensor: str) -> str:
        node = self.nodes[tensor.split(":")[0]]
        inputs = [name for name in node.input if not name.startswith("^")]
        kinds = [self.kind(name) for name in inputs]
        if node.op in ("Const", "VarHandleOp"):
            return CONSTANT
        if node.op in _CALLS:
            return self._call(node, inputs, kinds, tensor)
        if node.op == "Shape" and kinds == [ROWS]:
            return SHAPE
        rule = RULES.get(node.op)
        if rule is None or MIXED in kinds:
            return MIXED
        if all(kind == CONSTANT for kind in kinds):
            return CONSTANT
        result = rule(self, node, inputs, kinds, self.shape(tensor))
        if result == ROWS:
            shape = self.shape(tensor)
            return ROWS if shape and shape[0] == -1 else MIXED
        return result or MIXED

    def shape(self, tensor: str) -> tuple | None:
        """Recorded shape of a tensor, -1 for sizes that vary, `None` if nothing is recorded."""
        tensor = _plain(tensor)
        if tensor in self.shapes:
            return self.shapes[tensor]
        name, *rest = tensor.split(":")
        shapes = self.nodes[name].attr["_output_shapes"].list.shape
        index = int(rest[-1]) if rest else 0
        # Inside functions `name:output:0` counts within one of the outputs. Rules for operations
        # with several outputs do without.
        return _dims(shapes[index]) if index < len(shapes) else None

    def value(self, tensor: str):
        """The numbers of a constant.

        Raises:
            ValueError: it is none.
        """
        node = self.nodes[tensor.split(":")[0]]
        if node.op == "Identity":
            return self.value(node.input[0])
        if node.op != "Const":
            raise ValueError(node.op)
        return tensor_util.MakeNdarray(node.attr["value"].tensor).tolist()

    def _call(self, node, inputs: list[str], kinds: list[str], tensor: str) -> str:
        function = self.functions[node.attr["f"].func.name]
        if any(_WRITES.search(inner.op) for inner in function.node_def):
            return MIXED
        arguments = [argument.name for argument in function.signature.input_arg]
        shapes = {
            name: _dims(function.arg_attr[i].attr["_output_shapes"].list.shape[0])
            for i, name in enumerate(arguments)
            if function.arg_attr[i].attr["_output_shapes"].list.shape
        }
        body = _Graph(
            {inner.name: inner for inner in function.node_def},
            self.functions,
            dict(zip(arguments, kinds, strict=True)),
            dict.fromkeys(arguments) | shapes,
        )
        parts = tensor.split(":")
        output = function.signature.output_arg[int(parts[-1]) if len(parts) > 1 else 0].name
        return body.kind(function.ret[output])


def _plain(tensor: str) -> str:
    """Name of a tensor without the index of an only output."""
    return tensor.removesuffix(":0") if tensor.count(":") == 1 else tensor


def _dims(shape: Message) -> tuple | None:
    return None if shape.unknown_rank else tuple(dim.size for dim in shape.dim)
