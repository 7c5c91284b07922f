"""Normalisation by the root mean square."""

import keras

from kerasdl import ops
from kerasdl.layers.arguments import axes_within


@keras.saving.register_keras_serializable(package="kerasdl")
class RMSNormalization(keras.Layer):
    r"""Divide the features of each example by their root mean square, then scale them.

    $$y = \gamma \odot \frac{x}{\sqrt{\frac{1}{n} \sum_{i=1}^{n} x_i^2 + \epsilon}}$$

    Args:
        axis: Axis or axes of the features.
        epsilon: $\epsilon$, inside the root.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        x: Tensor (B, …).

    Returns:
        A tensor of the shape of `x`; half precision is computed in float32. As in Keras, a mask is
        not passed on.

    Raises:
        ValueError: If `axis` is out of bounds.

    Source:
        Zhang and Sennrich, 2019, Root Mean Square Layer Normalization, equation 4.

    Example:
        >>> y = RMSNormalization(epsilon=0.0)(keras.ops.array([[1.0, 7.0]]))
        >>> [round(float(v), 6) for v in y[0]]
        [0.2, 1.4]

    Differences from the paper: $\epsilon$ under the root, as in Keras. From Keras: on JAX, float64
    is computed in float64.
    """

    def __init__(self, axis=-1, epsilon=1e-6, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis
        self.epsilon = epsilon

    def build(self, input_shape):
        r"""Create $\gamma$, named "scale", over the feature axes."""
        axes = axes_within(self.axis, input_shape)
        # In Keras' order, so that weights can be exchanged: axes sorted as they were written.
        shape = tuple(input_shape[a] for a in sorted(axes))
        self.scale = self.add_weight(name="scale", shape=shape, initializer="ones")

    def call(self, x):
        """Divide by the root mean square and scale."""
        y = ops.fast_rms_normalization(x, self.scale, self.axis, self.epsilon)
        return keras.ops.cast(y, x.dtype)

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        axes_within(self.axis, input_shape)
        return input_shape

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "axis": self.axis, "epsilon": self.epsilon}
