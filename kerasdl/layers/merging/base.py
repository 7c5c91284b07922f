"""What the layers that merge tensors element by element share: lists in, broadcasting, masks."""

import functools

import keras
from keras import ops


class Merge(keras.Layer):
    """Base of the layers that make one tensor of a list, element by element.

    A subclass says in `merge` how. Tensors of a lower rank get axes of size 1 behind the batch.

    Raises:
        ValueError: If the inputs are no list, or their shapes do not go together.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def merge(self, inputs):
        """Merge tensors of one rank."""
        raise NotImplementedError

    def build(self, input_shape):
        """Check the shapes; there are no weights."""
        check_list(input_shape, "A merge layer")
        self.compute_output_shape(input_shape)

    def call(self, inputs):
        """Merge."""
        if not isinstance(inputs, list | tuple):
            raise ValueError(
                "A merge layer should be called on a list of inputs. "
                f"Received: inputs={inputs} (not a list of tensors)"
            )
        ranks = [len(x.shape) for x in inputs]
        if len(set(ranks)) > 1:
            inputs = [_of_rank(max(ranks), x) for x in inputs]
        return self.merge(inputs)

    def compute_output_shape(self, input_shape):
        """Return the shape to which all broadcast."""
        batches = {shape[0] for shape in input_shape} - {None}
        if len(batches) > 1:
            raise ValueError(
                "Cannot merge tensors with different batch sizes. "
                f"Received tensors with shapes {input_shape}"
            )
        sizes = functools.reduce(_broadcast, [tuple(shape)[1:] for shape in input_shape])
        return (batches.pop() if batches else None, *sizes)

    def compute_output_spec(self, inputs):
        """Return a symbolic tensor: integers stay integers, sparse tensors stay sparse."""
        shape = self.compute_output_shape([x.shape for x in inputs])
        return keras.KerasTensor(
            shape, dtype=self.result_dtype(inputs), sparse=all(x.sparse for x in inputs)
        )

    def result_dtype(self, inputs):
        """Return the dtype of the result."""
        dtype = keras.backend.result_type(*(x.dtype for x in inputs))
        return self.compute_dtype if "float" in dtype else dtype

    def compute_mask(self, inputs, mask=None):
        """Keep what any input keeps; no mask if one of the inputs has none."""
        if mask is None:
            return None
        check_masks(inputs, mask)
        if any(m is None for m in mask):
            return None
        return functools.reduce(ops.logical_or, mask)


def check_list(input_shape, layer: str) -> None:
    """Check that shapes are a list of shapes.

    Raises:
        ValueError: Naming the layer and what came.

    Example:
        >>> check_list((None, 3), "An `Add` layer")
        Traceback (most recent call last):
        ...
        ValueError: An `Add` layer should be called on a list of at least 1 input. Received: \
input_shape=(None, 3) (not a list of shapes)
    """
    fits = isinstance(input_shape, list | tuple) and len(input_shape) > 0
    if not fits or not isinstance(input_shape[0], list | tuple):
        raise ValueError(
            f"{layer} should be called on a list of at least 1 input. "
            f"Received: input_shape={input_shape} (not a list of shapes)"
        )


def check_masks(inputs, mask) -> None:
    """Check that there is a mask, or None, for each input.

    Raises:
        ValueError: Naming the argument and what came.

    Example:
        >>> check_masks([1, 2], [None])
        Traceback (most recent call last):
        ...
        ValueError: The lists `inputs` and `mask` should have the same length. Received: \
2 inputs and 1 masks
    """
    for name, value in (("mask", mask), ("inputs", inputs)):
        if not isinstance(value, list | tuple):
            raise ValueError(f"`{name}` should be a list. Received: {name}={value}")
    if len(mask) != len(inputs):
        raise ValueError(
            "The lists `inputs` and `mask` should have the same length. "
            f"Received: {len(inputs)} inputs and {len(mask)} masks"
        )


def _of_rank(rank, x):
    for _ in range(rank - len(x.shape)):
        x = ops.expand_dims(x, axis=1)
    return x


def _broadcast(a, b):
    """Return the sizes to which two tuples of sizes broadcast; `None` is not known."""
    longer, shorter = (a, b) if len(a) >= len(b) else (b, a)
    head, tail = longer[: len(longer) - len(shorter)], longer[len(longer) - len(shorter) :]
    sizes = []
    for n, m in zip(tail, shorter, strict=True):
        if n is None or m is None:
            sizes.append(None)
        elif n != m and 1 not in (n, m):
            raise ValueError(f"Inputs have incompatible shapes. Received shapes {a} and {b}")
        else:
            sizes.append(m if n == 1 else n)
    return (*head, *sizes)
