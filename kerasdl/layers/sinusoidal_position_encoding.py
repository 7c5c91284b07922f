"""Sinusoidal positions."""

import keras
from keras import ops

from kerasdl.ops.embedding import sinusoidal_encoding


@keras.saving.register_keras_serializable(package="kerasdl")
class SinusoidalPositionEncoding(keras.Layer):
    r"""Add sines and cosines of the position; nothing is learned, any length will do.

    $$z_{t} = x_{t} + \mathrm{PE}_{t}, \qquad
      \mathrm{PE}_{t,\,2i} = \sin(t / \lambda^{2i/D}), \quad
      \mathrm{PE}_{t,\,2i+1} = \cos(t / \lambda^{2i/D})$$

    Args:
        max_wavelength: $\lambda$.
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, T, D); D must be known.
        positions: Integers (T,) or (B, T); default 0, 1, …, T − 1.

    Returns:
        Tensor (B, T, D). A mask is passed on.

    Source:
        Vaswani et al., 2017, Attention Is All You Need, section 3.5.

    Example:
        >>> z = SinusoidalPositionEncoding()(keras.ops.zeros((1, 2, 2)))
        >>> [[round(float(v), 4) for v in row] for row in z[0]]
        [[0.0, 1.0], [0.8415, 0.5403]]

    Differences from the paper: none. KerasHub's `SinePositionEncoding` returns the encoding
    without adding it.
    """

    def __init__(self, max_wavelength=10_000, **kwargs):
        super().__init__(**kwargs)
        self.max_wavelength = max_wavelength
        self.input_spec = keras.InputSpec(ndim=3)
        self.supports_masking = True
        self.built = True

    def call(self, inputs, positions=None):
        """Add the encoding of the positions."""
        T, D = ops.shape(inputs)[1:]
        if positions is None and isinstance(T, int):
            encoding = ops.convert_to_tensor(
                sinusoidal_encoding(T, D, self.max_wavelength), dtype=inputs.dtype
            )
        else:
            t = ops.arange(T) if positions is None else positions
            encoding = ops.cast(self._encoding_of_tensors(t, D), inputs.dtype)
        return inputs + encoding

    def _encoding_of_tensors(self, t, D):
        # The same equation in tensors, for positions that are not known before the graph runs.
        column = ops.arange(D, dtype="int32")
        i = ops.cast(column // 2, "float32")
        angle = ops.expand_dims(ops.cast(t, "float32"), -1) / ops.power(
            float(self.max_wavelength), 2 * i / D
        )
        return ops.where(column % 2 == 0, ops.sin(angle), ops.cos(angle))  # (…, T, D)

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return input_shape

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "max_wavelength": self.max_wavelength}
