"""Dropout that keeps a self-normalising network normalised."""

import keras

from kerasdl import ops
from kerasdl.layers.arguments import rate as check_rate
from kerasdl.layers.dropout import check_noise_shape


@keras.saving.register_keras_serializable(package="kerasdl")
class AlphaDropout(keras.Layer):
    r"""Dropout for SELU: a dropped unit takes SELU's lower limit; mean and variance are kept.

    $$y = a\,(r \odot x + (1 - r)\, \alpha') + b, \qquad r_i \sim \mathrm{Bernoulli}(1 - p)$$

    $$\alpha' = -\lambda \alpha, \qquad
      a = \big((1 - p)(1 + p\, \alpha'^2)\big)^{-1/2}, \qquad b = -a\, p\, \alpha'$$

    At inference $y = x$.

    Args:
        rate: $p$, the share of units to drop, in [0, 1).
        noise_shape: Shape of $r$; 1 where it is shared along an axis, `None` where it is not.
        seed: Integer; the same seed gives the same sequence of draws.
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Tensor of any shape, of mean 0 and variance 1.
        training: Whether to drop.

    Returns:
        A tensor of the shape of `inputs`. A mask is passed on.

    Raises:
        ValueError: If `rate` or `noise_shape` is out of its range.

    Source:
        Klambauer et al., 2017, Self-Normalizing Neural Networks, section 2.

    Example:
        >>> x = keras.random.normal((10000,), seed=0)
        >>> y = AlphaDropout(0.5, seed=1)(x, training=True)
        >>> abs(float(keras.ops.std(y)) - 1) < 0.05
        True

    Differences from Keras: none.
    """

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate = check_rate("rate", rate)
        self.noise_shape = check_noise_shape(noise_shape)
        self.seed = seed
        if rate > 0:
            self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True
        self.built = type(self).build is keras.Layer.build  # a subclass may have one

    def call(self, inputs, training=False):
        """Drop while training, pass through otherwise."""
        if training and self.rate > 0:
            return ops.alpha_dropout(inputs, self.rate, self.noise_shape, self.seed_generator)
        return inputs

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return input_shape

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "rate": self.rate,
            "seed": self.seed,
            "noise_shape": self.noise_shape,
        }
