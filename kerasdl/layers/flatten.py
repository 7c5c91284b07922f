"""The layer that forgets the axes."""

import math

import keras
from keras import ops

from kerasdl.ops.pooling import check_data_format


@keras.saving.register_keras_serializable(package="kerasdl")
class Flatten(keras.Layer):
    r"""Lay all numbers of an example in one row.

    $$y_{b,\,(i W + j) C + c} = x_{b,i,j,c}$$

    Args:
        data_format: `"channels_last"`, `"channels_first"`, or `None` for
            `keras.config.image_data_format()`. With channels first they are brought to the end, so
            that the row has the same order.
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, …).

    Returns:
        Tensor (B, n), n the product of the other sizes.

    Example:
        >>> tuple(Flatten()(ops.ones((2, 3, 4))).shape)
        (2, 12)
    """

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = check_data_format(data_format)
        self.input_spec = keras.InputSpec(min_ndim=1)
        self._build_at_init()

    def call(self, inputs):
        """Reshape to (B, n)."""
        if self.data_format == "channels_first" and len(inputs.shape) > 1:
            inputs = ops.transpose(inputs, (0, *range(2, len(inputs.shape)), 1))
        shape = ops.shape(inputs)
        known = all(isinstance(size, int) for size in shape[1:])
        return ops.reshape(inputs, (shape[0], math.prod(shape[1:]) if known else -1))

    def compute_output_shape(self, input_shape):
        """Return (B, n)."""
        sizes = tuple(input_shape)[1:]
        return (input_shape[0], None if None in sizes else math.prod(sizes))

    def compute_output_spec(self, inputs):
        """Return shape and dtype; what is sparse stays sparse."""
        shape = self.compute_output_shape(inputs.shape)
        return keras.KerasTensor(shape, dtype=inputs.dtype, sparse=inputs.sparse)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "data_format": self.data_format}
