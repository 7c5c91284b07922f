"""Axes in another order."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="kerasdl")
class Permute(keras.Layer):
    r"""Put the axes behind the batch in another order.

    $$y_{b,\, i_{p(1)}, \dots, i_{p(n)}} = x_{b,\, i_1, \dots, i_n}$$

    Args:
        dims: $p$: the input's axes in their new order, counted from 1.
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, …) with as many further axes as `dims` has entries.

    Returns:
        Tensor (B, …).

    Raises:
        ValueError: If `dims` is no permutation of 1 … n.

    Source:
        Indexing; no paper.

    Example:
        >>> tuple(Permute((2, 1))(keras.ops.ones((2, 3, 4))).shape)
        (2, 4, 3)

    Differences from Keras: none.
    """

    def __init__(self, dims, **kwargs):
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                "Invalid permutation argument `dims`: it must hold each of 1 … n once, "
                f"received {dims!r}."
            )
        self.input_spec = keras.InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs):
        """Transpose."""
        return ops.transpose(inputs, (0, *self.dims))

    def compute_output_shape(self, input_shape):
        """Return the permuted shape."""
        return (input_shape[0], *(input_shape[d] for d in self.dims))

    def compute_output_spec(self, inputs):
        """Return a symbolic tensor of the input's kind: integers stay integers, sparse sparse."""
        shape = self.compute_output_shape(inputs.shape)
        return keras.KerasTensor(shape, dtype=inputs.dtype, sparse=inputs.sparse)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "dims": self.dims}
