"""Activations as layers of their own."""

import warnings

import keras

from kerasdl import activations


class _ElementWise(keras.Layer):
    """A layer without weights that changes each number by itself; shape and mask stay."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def compute_output_shape(self, input_shape):
        """Return the shape of the input."""
        return input_shape


@keras.saving.register_keras_serializable(package="kerasdl")
class Activation(_ElementWise):
    r"""Any activation as a layer.

    $$a = g(z)$$

    Args:
        activation: Name, function or config of $g$.
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Tensor of any shape.

    Returns:
        Tensor of the shape of the input (half of one axis for `glu`). A mask is passed on.

    Source:
        Goodfellow et al., 2016, Deep Learning, section 6.3.

    Example:
        >>> layer = Activation("relu")
        >>> [float(a) for a in layer(keras.ops.array([-3.0, 2.0]))]
        [0.0, 2.0]
    """

    def __init__(self, activation, **kwargs):
        super().__init__(**kwargs)
        self.activation = activations.get(activation)
        self._build_at_init()

    def call(self, inputs):
        """Compute $g(z)$."""
        return self.activation(inputs)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "activation": activations.serialize(self.activation)}


@keras.saving.register_keras_serializable(package="kerasdl")
class ReLU(_ElementWise):
    r"""Rectified linear unit; see `activations.relu`.

    $$a = \max(z, 0)$$

    Args:
        max_value: Largest value returned, ≥ 0; `None` for no limit.
        negative_slope: Slope below the threshold, ≥ 0.
        threshold: Value at and below which a unit counts as negative, ≥ 0.
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Raises:
        ValueError: If an argument is negative or missing.

    Source:
        Nair and Hinton, 2010, Rectified Linear Units Improve Restricted Boltzmann Machines.

    Example:
        >>> layer = ReLU(max_value=10, negative_slope=0.5)
        >>> [float(a) for a in layer(keras.ops.array([-10.0, 5.0, 20.0]))]
        [-5.0, 5.0, 10.0]
    """

    def __init__(self, max_value=None, negative_slope=0.0, threshold=0.0, **kwargs):
        if max_value is not None and max_value < 0:
            raise ValueError(
                "max_value of a ReLU layer cannot be a negative value. "
                f"Received: max_value={max_value}"
            )
        for name, value in (("negative_slope", negative_slope), ("threshold", threshold)):
            if value is None or value < 0:
                raise ValueError(
                    f"{name} of a ReLU layer cannot be None or a negative value. "
                    f"Received: {name}={value}"
                )
        super().__init__(**kwargs)
        self.max_value = max_value
        self.negative_slope = negative_slope
        self.threshold = threshold
        self._build_at_init()

    def call(self, inputs):
        """Compute the rectifier."""
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "max_value": self.max_value,
            "negative_slope": self.negative_slope,
            "threshold": self.threshold,
        }


@keras.saving.register_keras_serializable(package="kerasdl")
class LeakyReLU(_ElementWise):
    r"""Rectified linear unit that lets a little through; see `activations.leaky_relu`.

    $$a = \begin{cases} z & z > 0 \\ \alpha z & z \le 0 \end{cases}$$

    Args:
        negative_slope: $\alpha \ge 0$.
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Raises:
        ValueError: If `negative_slope` is negative or missing.

    Source:
        Maas et al., 2013, Rectifier Nonlinearities Improve Neural Network Acoustic Models.

    Example:
        >>> layer = LeakyReLU(negative_slope=0.5)
        >>> [float(a) for a in layer(keras.ops.array([-10.0, 5.0]))]
        [-5.0, 5.0]
    """

    def __init__(self, negative_slope=0.3, **kwargs):
        if "alpha" in kwargs:
            negative_slope = kwargs.pop("alpha")
            warnings.warn(
                "Argument `alpha` is deprecated. Use `negative_slope` instead.", stacklevel=2
            )
        if negative_slope is None or negative_slope < 0:
            raise ValueError(
                "The negative_slope value of a Leaky ReLU layer cannot be None or negative value. "
                f"Expected a float. Received: negative_slope={negative_slope}"
            )
        super().__init__(**kwargs)
        self.negative_slope = negative_slope
        self._build_at_init()

    def call(self, inputs):
        """Compute the leaky rectifier."""
        return activations.leaky_relu(inputs, negative_slope=self.negative_slope)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "negative_slope": self.negative_slope}


@keras.saving.register_keras_serializable(package="kerasdl")
class ELU(_ElementWise):
    r"""Exponential linear unit; see `activations.elu`.

    $$a = \begin{cases} z & z > 0 \\ \alpha\,(e^z - 1) & z \le 0 \end{cases}$$

    Args:
        alpha: $\alpha$, the depth that is approached on the left.
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Source:
        Clevert et al., 2016, Fast and Accurate Deep Network Learning by Exponential Linear Units.

    Example:
        >>> round(float(ELU()(keras.ops.array([-1.0]))[0]), 4)
        -0.6321

    Differences from Keras: none.
    """

    def __init__(self, alpha=1.0, **kwargs):
        super().__init__(**kwargs)
        self.alpha = alpha
        self._build_at_init()

    def call(self, inputs):
        """Compute the exponential linear unit."""
        return activations.elu(inputs, alpha=self.alpha)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "alpha": self.alpha}
