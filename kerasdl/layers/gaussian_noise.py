"""Normal noise, added or multiplied."""

import keras

from kerasdl import ops
from kerasdl.layers.arguments import rate as check_rate

_register = keras.saving.register_keras_serializable(package="kerasdl")


@_register
class GaussianNoise(keras.Layer):
    r"""Add normal noise while training: data augmentation for numbers.

    $$y = x + \epsilon, \qquad \epsilon_i \sim N(0, \sigma^2)$$

    At inference $y = x$.

    Args:
        stddev: $\sigma$ in [0, 1].
        seed: Integer; the same seed gives the same sequence of draws.
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Tensor of any shape.
        training: Whether to add.

    Returns:
        A tensor of the shape of `inputs`. A mask is passed on.

    Raises:
        ValueError: If `stddev` is out of its range.

    Source:
        Goodfellow et al., 2016, Deep Learning, section 7.5.

    Example:
        >>> y = GaussianNoise(0.5, seed=1)(keras.ops.zeros((10000,)), training=True)
        >>> abs(float(keras.ops.std(y)) - 0.5) < 0.02
        True

    Differences from Keras: none; same seed, same draws.
    """

    def __init__(self, stddev, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.stddev = check_rate("stddev", stddev)
        self.seed = seed
        if stddev > 0:
            self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True
        self.built = type(self).build is keras.Layer.build  # a subclass may have one

    def call(self, inputs, training=False):
        """Add while training, pass through otherwise."""
        if training and self.stddev > 0:
            return ops.gaussian_noise(inputs, self.stddev, self.seed_generator)
        return inputs

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return input_shape

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "stddev": self.stddev, "seed": self.seed}


@_register
class GaussianDropout(keras.Layer):
    r"""Multiply by noise of the mean and the variance that dropout's has, but no unit is lost.

    $$y = x \odot \epsilon, \qquad \epsilon_i \sim N\Big(1, \frac{p}{1 - p}\Big)$$

    At inference $y = x$.

    Args:
        rate: $p$ in [0, 1).
        seed: Integer; the same seed gives the same sequence of draws.
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Tensor of any shape.
        training: Whether to multiply.

    Returns:
        A tensor of the shape of `inputs`. A mask is passed on.

    Raises:
        ValueError: If `rate` is out of its range.

    Source:
        Srivastava et al., 2014, Dropout, section 10.

    Example:
        >>> y = GaussianDropout(0.5, seed=1)(keras.ops.ones((10000,)), training=True)
        >>> abs(float(keras.ops.std(y)) - 1) < 0.03
        True

    Differences from Keras: none; same seed, same draws.
    """

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate = check_rate("rate", rate)
        self.seed = seed
        if rate > 0:
            self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True
        self.built = type(self).build is keras.Layer.build  # a subclass may have one

    def call(self, inputs, training=False):
        """Multiply while training, pass through otherwise."""
        if training and self.rate > 0:
            return ops.gaussian_dropout(inputs, self.rate, self.seed_generator)
        return inputs

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return input_shape

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
