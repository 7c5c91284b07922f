"""What a signature says about its tensors, without TensorFlow."""

from dataclasses import dataclass, field

import numpy as np

# TensorFlow's type name -> NumPy type, for the types that TF Serving reads from JSON.
# `half`, `bfloat16`, `uint16`, the complex and the quantised types are not among them.
NUMPY_TYPES = {
    "float": np.float32,
    "double": np.float64,
    "int8": np.int8,
    "int16": np.int16,
    "int32": np.int32,
    "int64": np.int64,
    "uint8": np.uint8,
    "uint32": np.uint32,
    "uint64": np.uint64,
    "bool": np.bool_,
    "string": np.object_,
}


@dataclass(frozen=True)
class TensorSpec:
    """One input or output of a signature.

    Args:
        node: name of the tensor in the graph, such as `serving_default_x:0`.
        dtype: TensorFlow's name of the type: `float`, `int64`, `string`, `half` …
        shape: sizes, `None` where any size will do; `None` in place of the tuple for any rank.
    """

    node: str
    dtype: str
    shape: tuple[int | None, ...] | None = None

    def accepts(self, shape: tuple[int, ...]) -> bool:
        """Whether an array of this shape is what the signature declares.

        Example:
            >>> TensorSpec("x:0", "float", (None, 3)).accepts((7, 3))
            True
        """
        if self.shape is None:
            return True
        if len(shape) != len(self.shape):
            return False
        for size, wanted in zip(shape, self.shape):  # `all` of a generator is slower
            if wanted is not None and size != wanted:
                return False
        return True


@dataclass(frozen=True)
class Signature:
    """Named inputs and outputs of one function of a SavedModel."""

    inputs: dict[str, TensorSpec] = field(default_factory=dict)
    outputs: dict[str, TensorSpec] = field(default_factory=dict)
