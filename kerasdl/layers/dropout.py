"""Dropout."""

import keras

from kerasdl import ops
from kerasdl.layers.arguments import rate as check_rate


@keras.saving.register_keras_serializable(package="kerasdl")
class Dropout(keras.Layer):
    r"""Switch units off at random while training, so that none relies on another.

    $$y = \frac{r \odot x}{1 - p}, \qquad r_i \sim \mathrm{Bernoulli}(1 - p)$$

    At inference $y = x$.

    Args:
        rate: $p$, the share of units to drop, in [0, 1].
        noise_shape: Shape of $r$; 1 where it is shared along an axis, `None` where it is not.
            `(None, 1, None)` drops the same features at every step of a sequence.
        seed: Integer; the same seed gives the same sequence of draws.
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Tensor of any shape.
        training: Whether to drop.

    Returns:
        A tensor of the shape of `inputs`. A mask is passed on.

    Raises:
        ValueError: If `rate` or `noise_shape` is out of its range.

    Source:
        Srivastava et al., 2014, Dropout, section 4.

    Example:
        >>> layer = Dropout(0.5)
        >>> float(layer(keras.ops.ones((1,)))[0])
        1.0

    Differences from the paper: scaled while training instead of at test time (inverted dropout).
    From Keras: the same distribution, on JAX and PyTorch other draws. In half precision, units are
    dropped with probability $p$ (Keras on TensorFlow draws in half precision: bfloat16 has 128
    values of u, so p = 0.3 drops 30.5 %).
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
            return ops.dropout(inputs, self.rate, self.noise_shape, self.seed_generator)
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


def check_noise_shape(noise_shape):
    """Return `noise_shape` as a tuple of positive integers and `None`.

    Raises:
        ValueError: Saying what else came.

    Example:
        >>> check_noise_shape([None, 1])
        (None, 1)
    """
    if noise_shape is None:
        return None
    message = "Invalid value received for argument `noise_shape`. "
    if not isinstance(noise_shape, list | tuple):
        raise ValueError(
            f"{message}Expected a tuple or list of integers. Received: noise_shape={noise_shape!r}"
        )
    for i, size in enumerate(noise_shape):
        if size is not None and not isinstance(size, int):
            raise ValueError(
                f"{message}Expected all elements to be integers or None. "
                f"Received {size!r} at index {i} of {noise_shape!r}"
            )
        if size is not None and size <= 0:
            raise ValueError(
                f"{message}Expected all dimensions to be positive integers or None. "
                f"Received {size!r} at index {i} of {noise_shape!r}"
            )
    return tuple(noise_shape)
