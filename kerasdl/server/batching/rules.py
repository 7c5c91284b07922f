"""What the output of an operation depends on, one rule a kind of operation.

A rule is called with the graph, the node, the names of its inputs and what each depends on, and the
recorded shape of its output. It is not called where one input is `MIXED` or all are `CONSTANT`.
"""

import math

CONSTANT = "the same whatever is asked"
ROWS = "row i depends on row i of the inputs"
SIZE = "the number of rows"
SHAPE = "a shape that begins with the number of rows"
MIXED = "anything else"

# One word a line would fill pages.
_UNARY = """
    Abs AsString Atan Cast CheckNumerics Cos DecodeRaw Elu Erf Erfc Exp Expm1 Floor Gelu Identity
    IsFinite IsNan LeakyRelu Log Log1p LogicalNot Neg OnesLike PreventGradient ReadVariableOp
    Reciprocal Relu Relu6 Round Rsqrt Selu Sigmoid Sign Sin Snapshot Softplus Softsign Sqrt Square
    StopGradient StringLength StringLower StringStrip StringUpper Tan Tanh ZerosLike
"""
_BROADCAST = """
    Add AddN AddV2 Div DivNoNan Equal FloorDiv FloorMod Greater GreaterEqual Less LessEqual
    LogicalAnd LogicalOr Maximum Minimum Mul MulNoNan NotEqual Pow RealDiv SelectV2
    SquaredDifference Sub Xdivy Xlogy
"""
_WINDOWS = """
    AvgPool AvgPool3D BiasAdd Conv2D Conv3D DepthwiseConv2dNative MaxPool MaxPool3D
"""
_REDUCTIONS = "All Any ArgMax ArgMin Max Mean Min Prod Sum"


def _unary(graph, node, inputs, kinds, shape):
    return kinds[0]


def _broadcast(graph, node, inputs, kinds, shape):
    """Rows stay rows if none is stretched, and no constant has one entry for each."""
    for tensor, kind in zip(inputs, kinds, strict=True):
        dims = graph.shape(tensor)
        if dims is None or shape is None:
            return MIXED
        aligned = len(dims) == len(shape)
        if kind == ROWS and not aligned:
            return MIXED
        if kind == CONSTANT and aligned and dims[0] != 1:
            return MIXED
        if kind not in (ROWS, CONSTANT):
            return MIXED
    return ROWS


def _window(graph, node, inputs, kinds, shape):
    """Convolution, pooling and bias: the first axis is left alone."""
    sizes = [*node.attr["strides"].list.i[:1], *node.attr["ksize"].list.i[:1]]
    alone = kinds[0] == ROWS and set(kinds[1:]) <= {CONSTANT}
    return ROWS if alone and set(sizes) <= {1} and len(shape or ()) > 1 else MIXED


def _last_axis(graph, node, inputs, kinds, shape):
    return ROWS if kinds[0] == ROWS and len(shape or ()) > 1 else MIXED


def _matmul(graph, node, inputs, kinds, shape):
    if node.attr["transpose_a"].b:
        return MIXED
    return ROWS if kinds == [ROWS, CONSTANT] else MIXED


def _batch_matmul(graph, node, inputs, kinds, shape):
    ranks = [len(graph.shape(tensor) or ()) for tensor in inputs]
    for kind, rank in zip(kinds, ranks, strict=True):
        if kind == ROWS and (rank < 3 or rank != max(ranks)):
            return MIXED
        if kind == CONSTANT and rank >= max(ranks):
            return MIXED
        if kind not in (ROWS, CONSTANT):
            return MIXED
    return ROWS


def _einsum(graph, node, inputs, kinds, shape):
    left, right = node.attr["equation"].s.decode().replace(" ", "").split("->")
    terms = left.split(",")
    if "." in left or not right:
        return MIXED
    rows = right[0]
    for term, kind in zip(terms, kinds, strict=True):
        if kind == ROWS and (term[:1] != rows or term.count(rows) != 1):
            return MIXED
        if kind != ROWS and (kind != CONSTANT or rows in term):
            return MIXED
    return ROWS


def _batch_norm(graph, node, inputs, kinds, shape):
    return MIXED if node.attr["is_training"].b else _window(graph, node, inputs, kinds, shape)


def _reduce(graph, node, inputs, kinds, shape):
    axes = graph.value(inputs[1])
    axes = axes if isinstance(axes, list) else [axes]
    rank = len(graph.shape(inputs[0]) or ())
    return ROWS if kinds[0] == ROWS and rank and 0 not in [axis % rank for axis in axes] else MIXED


def _reshape(graph, node, inputs, kinds, shape):
    """The same number of entries a row before and after: then rows are the same rows."""
    before = graph.shape(inputs[0])
    if kinds[0] != ROWS or kinds[1] not in (CONSTANT, SHAPE) or not before or not shape:
        return MIXED
    if min(before[1:] + shape[1:], default=0) < 0:
        return MIXED
    return ROWS if math.prod(before[1:]) == math.prod(shape[1:]) else MIXED


def _strided_slice(graph, node, inputs, kinds, shape):
    begin, end, strides = (graph.value(tensor) for tensor in inputs[1:4])
    masks = {
        name: node.attr[f"{name}_mask"].i
        for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")
    }
    if kinds[0] == SHAPE:  # shape[0]
        first = (begin, end, strides) == ([0], [1], [1]) and masks["shrink_axis"] == 1
        return SIZE if first else MIXED
    if kinds[0] != ROWS or masks["new_axis"] & 1 or masks["shrink_axis"] & 1:
        return MIXED
    if masks["ellipsis"] & 1:
        return ROWS if len(graph.shape(inputs[0]) or ()) >= len(begin) else MIXED
    whole = masks["begin"] & 1 and masks["end"] & 1 and strides[0] == 1
    return ROWS if whole else MIXED


def _pack(graph, node, inputs, kinds, shape):
    if kinds[0] == SIZE and set(kinds[1:]) <= {CONSTANT} and not node.attr["axis"].i:
        return SHAPE
    return ROWS if set(kinds) == {ROWS} and node.attr["axis"].i > 0 else MIXED


def _fill(graph, node, inputs, kinds, shape):
    sizes, value = (0, 1) if node.op == "Fill" else (1, 0)
    if kinds[sizes] != SHAPE or kinds[value] != CONSTANT:
        return MIXED
    dims = graph.shape(inputs[value])
    stretched = dims is not None and (len(dims) < len(shape or ()) or dims[0] == 1)
    return ROWS if stretched else MIXED


def _concat(graph, node, inputs, kinds, shape):
    axis, rank = graph.value(inputs[-1]), len(shape or ())
    return ROWS if rank and set(kinds[:-1]) == {ROWS} and axis % rank else MIXED


def _expand(graph, node, inputs, kinds, shape):
    axis, rank = graph.value(inputs[1]), len(shape or ())
    return ROWS if kinds[0] == ROWS and rank and axis % rank else MIXED


def _squeeze(graph, node, inputs, kinds, shape):
    axes, rank = list(node.attr["squeeze_dims"].list.i), len(graph.shape(inputs[0]) or ())
    named = axes and rank and 0 not in [axis % rank for axis in axes]
    return ROWS if kinds[0] == ROWS and named else MIXED


def _transpose(graph, node, inputs, kinds, shape):
    return ROWS if kinds[0] == ROWS and graph.value(inputs[1])[0] == 0 else MIXED


def _pad(graph, node, inputs, kinds, shape):
    return ROWS if kinds[0] == ROWS and graph.value(inputs[1])[0] == [0, 0] else MIXED


def _gather(graph, node, inputs, kinds, shape):
    if node.attr["batch_dims"].i or kinds[:2] != [CONSTANT, ROWS]:
        return MIXED
    return ROWS if node.op == "ResourceGather" or graph.value(inputs[2]) == 0 else MIXED


RULES = {
    **dict.fromkeys(_UNARY.split(), _unary),
    **dict.fromkeys(_BROADCAST.split(), _broadcast),
    **dict.fromkeys(_WINDOWS.split(), _window),
    **dict.fromkeys(_REDUCTIONS.split(), _reduce),
    **dict.fromkeys(("Softmax", "LogSoftmax"), _last_axis),
    "MatMul": _matmul,
    **dict.fromkeys(("BatchMatMulV2", "BatchMatMul"), _batch_matmul),
    "Einsum": _einsum,
    "FusedBatchNormV3": _batch_norm,
    "Reshape": _reshape,
    "StridedSlice": _strided_slice,
    "Pack": _pack,
    **dict.fromkeys(("Fill", "BroadcastTo"), _fill),
    "ConcatV2": _concat,
    "ExpandDims": _expand,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    **dict.fromkeys(("Pad", "PadV2"), _pad),
    **dict.fromkeys(("GatherV2", "ResourceGather"), _gather),
}
