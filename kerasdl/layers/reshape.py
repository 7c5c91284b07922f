"""The same numbers in another shape."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="kerasdl")
class Reshape(keras.Layer):
    r"""Lay the numbers of each example out anew, in the same order.

    $$y_{b,\, i_1 \dots i_n} = x_{b,\, j_1 \dots j_m}, \qquad
      \mathrm{row}(i_1, \dots, i_n) = \mathrm{row}(j_1, \dots, j_m)$$

    where row(…) counts the numbers of an example, the last axis fastest.

    Args:
        target_shape: Sizes behind the batch. One of them may be −1: it follows from the others.
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, …), dense or sparse.

    Returns:
        Tensor (B, `target_shape`…).

    Raises:
        ValueError: If a size is below −1, more than one is −1, or the input has another number of
            numbers.

    Source:
        Indexing; no paper.

    Example:
        >>> tuple(Reshape((3, -1))(keras.ops.ones((2, 12))).shape)
        (2, 3, 4)

    Differences from Keras: none.
    """

    def __init__(self, target_shape, **kwargs):
        super().__init__(**kwargs)
        self.target_shape = tuple(target_shape)
        if any(size < -1 for size in self.target_shape):
            raise ValueError(
                "Each dimension in `target_shape` must be a non-negative integer, or `-1` for a "
                f"single unknown dimension. Received: target_shape={self.target_shape}."
            )
        if self.target_shape.count(-1) > 1:
            raise ValueError(
                "There must be at most one unknown dimension (-1) in `target_shape`. Received: "
                f"target_shape={self.target_shape}."
            )
        self._build_at_init()

    def call(self, inputs):
        """Reshape; what is not known stays −1."""
        sizes = self.compute_output_shape(inputs.shape)[1:]
        sizes = tuple(-1 if size is None else size for size in sizes)
        return ops.reshape(inputs, (ops.shape(inputs)[0], *sizes))

    def compute_output_shape(self, input_shape):
        """Return (B, `target_shape`…), its −1 replaced where that is known."""
        batch, *sizes = input_shape
        target = self.target_shape
        if None in sizes:
            return (batch, *(None if size == -1 else size for size in target))
        total, known = math.prod(sizes), math.prod(size for size in target if size != -1)
        fits = known > 0 and total % known == 0 if -1 in target else total == known
        if not fits:
            raise ValueError(
                "The total size of the tensor must be unchanged. Received: "
                f"input_shape={tuple(sizes)}, target_shape={target}"
            )
        return (batch, *(total // known if size == -1 else size for size in target))

    def compute_output_spec(self, inputs):
        """Return a symbolic tensor of the input's kind: integers stay integers, sparse sparse."""
        shape = self.compute_output_shape(inputs.shape)
        return keras.KerasTensor(shape, dtype=inputs.dtype, sparse=inputs.sparse)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "target_shape": self.target_shape}
