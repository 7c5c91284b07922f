"""Weights drawn from a law that is given, whatever their shape."""

import random as python_random

import keras

_register = keras.saving.register_keras_serializable(package="kerasdl")


class RandomInitializer(keras.Initializer):
    """What all random initialisers share: the seed.

    Args:
        seed: Integer or `keras.random.SeedGenerator`. With an integer, every call gives the same
            values; a generator gives new ones. `None` draws an integer once.

    Raises:
        ValueError: If `seed` is something else.
    """

    def __init__(self, seed=None):
        self._init_seed = seed
        if seed is None:
            seed = python_random.randint(1, int(1e9))  # follows keras.utils.set_random_seed
        elif isinstance(seed, dict):
            seed = keras.saving.deserialize_keras_object(seed)
        elif not isinstance(seed, int | keras.random.SeedGenerator):
            raise ValueError(
                "`seed` must be an integer, a `keras.random.SeedGenerator` or None, "
                f"received {seed!r}."
            )
        self.seed = seed

    def get_config(self):
        """Return the constructor's arguments."""
        return {"seed": keras.saving.serialize_keras_object(self._init_seed)}


@_register
class RandomNormal(RandomInitializer):
    r"""Weights from a normal law.

    $$W \sim N(\mu, \sigma^2)$$

    Args:
        mean: $\mu$.
        stddev: $\sigma$.
        seed: Integer, `keras.random.SeedGenerator` or `None`.

    Example:
        >>> w = RandomNormal(stddev=0.1, seed=1)((200, 100))
        >>> abs(float(keras.ops.std(w)) - 0.1) < 0.002
        True

    Differences from Keras: none; same seed, same values.
    """

    def __init__(self, mean=0.0, stddev=0.05, seed=None):
        super().__init__(seed)
        self.mean = mean
        self.stddev = stddev

    def __call__(self, shape, dtype=None):
        """Draw a tensor of the given shape."""
        return keras.random.normal(shape, self.mean, self.stddev, dtype=dtype, seed=self.seed)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


@_register
class TruncatedNormal(RandomInitializer):
    r"""Weights from a normal law without its tails: no unit starts out saturated.

    $$W \sim N(\mu, \sigma^2) \quad\text{given that}\quad |W - \mu| \le 2\sigma, \qquad
      \mathrm{Var}[W] = 0.774\, \sigma^2$$

    Args:
        mean: $\mu$.
        stddev: $\sigma$, before the tails are cut.
        seed: Integer, `keras.random.SeedGenerator` or `None`.

    Example:
        >>> w = TruncatedNormal(stddev=0.1, seed=1)((200, 100))
        >>> float(keras.ops.max(keras.ops.abs(w))) <= 0.2
        True

    Differences from Keras: none; same seed, same values.
    """

    def __init__(self, mean=0.0, stddev=0.05, seed=None):
        super().__init__(seed)
        self.mean = mean
        self.stddev = stddev

    def __call__(self, shape, dtype=None):
        """Draw a tensor of the given shape."""
        return keras.random.truncated_normal(
            shape, self.mean, self.stddev, dtype=dtype, seed=self.seed
        )

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


@_register
class RandomUniform(RandomInitializer):
    r"""Weights from a uniform law.

    $$W \sim U[a, b), \qquad \mathrm{Var}[W] = \frac{(b - a)^2}{12}$$

    Args:
        minval: $a$.
        maxval: $b$.
        seed: Integer, `keras.random.SeedGenerator` or `None`.

    Example:
        >>> w = RandomUniform(0.0, 1.0, seed=1)((200, 100))
        >>> abs(float(keras.ops.var(w)) - 1 / 12) < 2e-3
        True

    Differences from Keras: none; same seed, same values.
    """

    def __init__(self, minval=-0.05, maxval=0.05, seed=None):
        super().__init__(seed)
        self.minval = minval
        self.maxval = maxval

    def __call__(self, shape, dtype=None):
        """Draw a tensor of the given shape."""
        return keras.random.uniform(shape, self.minval, self.maxval, dtype=dtype, seed=self.seed)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "minval": self.minval, "maxval": self.maxval}
