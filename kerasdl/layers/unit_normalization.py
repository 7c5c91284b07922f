"""Normalisation to length 1."""

import keras

from kerasdl import ops
from kerasdl.layers.arguments import axes_within


@keras.saving.register_keras_serializable(package="kerasdl")
class UnitNormalization(keras.Layer):
    r"""Divide the features of each example by their Euclidean norm.

    $$y = \frac{x}{\lVert x \rVert_2}$$

    Args:
        axis: Axis or axes of the features.
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, …).

    Returns:
        A tensor of the shape of `inputs`; half precision is computed in float32. Zeros stay zeros.
        A mask is passed on.

    Raises:
        TypeError: If `axis` is neither an integer nor integers.
        ValueError: If it is out of bounds.

    Example:
        >>> y = UnitNormalization()(keras.ops.array([[3.0, 4.0]]))
        >>> [round(float(v), 6) for v in y[0]]
        [0.6, 0.8]

    Differences from Keras: the gradient at an example of zeros is that of $x / 10^{-12}$, there it
    is NaN. Half precision does not overflow.
    """

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(axis, int | list | tuple):
            raise TypeError(
                "Invalid value for `axis` argument: expected an int or a list/tuple of ints. "
                f"Received: axis={axis}"
            )
        self.axis = axis if isinstance(axis, int) else list(axis)
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs):
        """Divide by the norm."""
        return keras.ops.cast(ops.unit_normalization(inputs, self.axis), inputs.dtype)

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        axes_within(self.axis, input_shape)
        return input_shape

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "axis": self.axis}
