"""What the file of a SavedModel says, before anything of it runs."""

from pathlib import Path

from google.protobuf.message import DecodeError
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from kerasdl.server.codec import Signature, TensorSpec
from kerasdl.server.errors import ServingError

_ABORT_ON_WRONG_RANK = ("Conv", "DepthwiseConv", "MaxPool3D", "AvgPool3D")


def check_readable(file: Path) -> None:
    """Refuse a file that is no protocol buffer, in the words of TensorFlow's C++ loader.

    The Python loader that is used here tries the text format next and complains of that.
    """
    try:
        saved_model_pb2.SavedModel.FromString(file.read_bytes())
    except DecodeError:
        raise ServingError("Read less bytes than requested", "OUT_OF_RANGE") from None
    except OSError as error:
        raise ServingError(f"{file}; {error.strerror}", "NOT_FOUND") from error


def signature_of(definition: meta_graph_pb2.SignatureDef) -> Signature:
    """Names, types and shapes of a signature."""
    return Signature(
        {key: _spec(info) for key, info in sorted(definition.inputs.items())},
        {key: _spec(info) for key, info in sorted(definition.outputs.items())},
    )


def _spec(info: meta_graph_pb2.TensorInfo) -> TensorSpec:
    shape = None
    if not info.tensor_shape.unknown_rank:
        shape = tuple(dim.size if dim.size >= 0 else None for dim in info.tensor_shape.dim)
    dtype = types_pb2.DataType.Name(info.dtype).removeprefix("DT_").lower()
    return TensorSpec(info.name, dtype, shape)


def may_abort(meta_graph: meta_graph_pb2.MetaGraphDef) -> bool:
    """Whether the graph has operations that abort the process on input of the wrong rank."""
    graph = meta_graph.graph_def
    bodies = [graph.node, *(function.node_def for function in graph.library.function)]
    return any(node.op.startswith(_ABORT_ON_WRONG_RANK) for body in bodies for node in body)
