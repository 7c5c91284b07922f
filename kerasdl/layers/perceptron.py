"""The perceptron as a layer."""

import keras

from kerasdl import initializers
from kerasdl.activations import step
from kerasdl.layers.arguments import positive_integer
from kerasdl.ops.linear import affine


@keras.saving.register_keras_serializable(package="kerasdl")
class Perceptron(keras.Layer):
    r"""Perceptrons side by side on the same input: weighted sums, each cut at its threshold.

    $$o = \mathrm{step}(x W + b), \qquad
      \mathrm{step}(z) = \begin{cases} 1 & z \ge 0 \\ 0 & z < 0 \end{cases}$$

    Args:
        units: Number $K$ of perceptrons.
        kernel_initializer: Initialiser of $W$ (n, K), whose columns are the $w$ of each perceptron.
        bias_initializer: Initialiser of $b$ (K,), the thresholds with the sign turned.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, …, n).

    Returns:
        Tensor (B, …, K) of zeros and ones. A mask is passed on.

    Raises:
        ValueError: If `units` is not a positive integer.

    Source:
        Rosenblatt, 1958, The Perceptron.

    Example:
        >>> layer = Perceptron(1, "ones", keras.initializers.Constant(-1.5))  # "and"
        >>> x = keras.ops.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
        >>> [int(o) for o in layer(x)[:, 0]]
        [0, 0, 0, 1]

    The derivative of the step is 0: gradient descent learns nothing here. `kerasdl.models`' model
    of the same name learns by the perceptron's own rule.
    """

    def __init__(self, units=1, kernel_initializer="zeros", bias_initializer="zeros", **kwargs):
        super().__init__(**kwargs)
        self.units = positive_integer("units", units)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.input_spec = keras.InputSpec(min_ndim=2)
        self.supports_masking = True

    def build(self, input_shape):
        """Create $W$ and $b$."""
        n = input_shape[-1]
        self.kernel = self.add_weight(
            name="kernel", shape=(n, self.units), initializer=self.kernel_initializer
        )
        self.bias = self.add_weight(
            name="bias", shape=(self.units,), initializer=self.bias_initializer
        )
        self.input_spec = keras.InputSpec(min_ndim=2, axes={-1: n})

    def call(self, inputs):
        """Compute step(x W + b)."""
        return step(self.weighted_sum(inputs))

    def weighted_sum(self, inputs):
        """Return $z = x W + b$ (B, …, K), before the step."""
        return affine(inputs, self.kernel, self.bias)

    def compute_output_shape(self, input_shape):
        """Return (B, …, units)."""
        return (*input_shape[:-1], self.units)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
        }
