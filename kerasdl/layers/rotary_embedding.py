"""Rotary positions."""

import keras

from kerasdl import ops


@keras.saving.register_keras_serializable(package="kerasdl")
class RotaryEmbedding(keras.Layer):
    r"""Turn queries or keys by their positions, so that scores depend on distances alone.

    $$\begin{pmatrix} y_{t,i} \\ y_{t,i+d/2} \end{pmatrix} =
      \begin{pmatrix} \cos t\theta_i & -\sin t\theta_i \\
                      \sin t\theta_i & \cos t\theta_i \end{pmatrix}
      \begin{pmatrix} x_{t,i} \\ x_{t,i+d/2} \end{pmatrix}, \qquad \theta_i = \lambda^{-2i/d}$$

    Args:
        max_wavelength: $\lambda$.
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, T, …, d), $d$ even.
        start_index: Position of the first step.
        positions: Integers (T,) or (B, T), in place of `start_index`.

    Returns:
        Tensor of the input's shape. A mask is passed on.

    Raises:
        ValueError: If $d$ is odd.

    Source:
        Su et al., 2021, RoFormer: Enhanced Transformer with Rotary Position Embedding, section
        3.2.2.

    Example:
        >>> y = RotaryEmbedding()(keras.ops.array([[[1.0, 0.0], [1.0, 0.0]]]))
        >>> [[round(float(v), 4) for v in row] for row in y[0]]
        [[1.0, 0.0], [0.5403, 0.8415]]

    Differences from the paper: see `kerasdl.ops.rotary_embedding`. KerasHub's layer has further
    axes and a scaling factor; on (B, T, …, d) the numbers are the same.
    """

    def __init__(self, max_wavelength=10_000, **kwargs):
        super().__init__(**kwargs)
        self.max_wavelength = max_wavelength
        self.input_spec = keras.InputSpec(min_ndim=3)
        self.supports_masking = True
        self.built = True

    def call(self, inputs, start_index=0, positions=None):
        """Turn each pair of features."""
        if positions is None:
            positions = keras.ops.arange(keras.ops.shape(inputs)[1]) + start_index
        return ops.rotary_embedding(inputs, positions, self.max_wavelength)

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return input_shape

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "max_wavelength": self.max_wavelength}
