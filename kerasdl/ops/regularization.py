"""Operations that make training noisier on purpose."""

import math

import keras
from keras import ops


def dropout(x, rate, noise_shape=None, seed=None):
    r"""Drop each unit with probability $p$ and scale the rest so that the expectation is kept.

    $$y = \frac{r \odot x}{1 - p}, \qquad r_i \sim \mathrm{Bernoulli}(1 - p)$$

    Args:
        x: Tensor of any shape.
        rate: Probability $p$ of dropping a unit, in [0, 1].
        noise_shape: Shape of $r$, broadcast against `x`; `None` entries (or `None`) take the
            size of `x`.
        seed: Integer or `keras.random.SeedGenerator`.

    Returns:
        A tensor of the shape and dtype of `x`.

    Source:
        Srivastava et al., 2014, Dropout, section 4 (there the weights are scaled at test time;
        this is the inverted form, which leaves inference alone).

    Example:
        >>> y = dropout(ops.ones((1000,)), rate=0.5, seed=0)
        >>> sorted({float(v) for v in y})
        [0.0, 2.0]
    """
    if rate == 0:
        return x
    if rate == 1:
        return ops.zeros_like(x)
    r = _kept(x, rate, noise_shape, seed)
    return ops.where(r, x * (1 / (1 - rate)), 0)


def alpha_dropout(x, rate, noise_shape=None, seed=None):
    r"""Dropout for SELU: a dropped unit takes SELU's lower limit; mean and variance are kept.

    $$y = a\,(r \odot x + (1 - r)\, \alpha') + b, \qquad r_i \sim \mathrm{Bernoulli}(1 - p)$$

    $$\alpha' = -\lambda \alpha, \qquad
      a = \big((1 - p)(1 + p\, \alpha'^2)\big)^{-1/2}, \qquad b = -a\, p\, \alpha'$$

    $a$ and $b$ bring an input of mean 0 and variance 1 back to mean 0 and variance 1.

    Args:
        x: Tensor of any shape.
        rate: Probability $p$ of dropping a unit, in [0, 1).
        noise_shape: Shape of $r$, broadcast against `x`; `None` entries (or `None`) take the
            size of `x`.
        seed: Integer or `keras.random.SeedGenerator`.

    Returns:
        A tensor of the shape and dtype of `x`.

    Raises:
        ValueError: If `rate` is 1.

    Source:
        Klambauer et al., 2017, Self-Normalizing Neural Networks, section 2 ("New Dropout
        Technique").

    Example:
        >>> y = alpha_dropout(keras.random.normal((10000,), seed=0), rate=0.5, seed=1)
        >>> abs(float(ops.mean(y))) < 0.05 and abs(float(ops.std(y)) - 1) < 0.05
        True
    """
    if rate == 0:
        return x
    _check_below_one(rate)
    alpha, scale = 1.6732632423543772, 1.0507009873554805  # α and λ of SELU
    lower = -scale * alpha
    a = ((1 - rate) * (1 + rate * lower**2)) ** -0.5
    b = -a * lower * rate
    r = _kept(x, rate, noise_shape, seed)
    # A tensor of the dtype of x: as a number it would pass through float32 on PyTorch.
    return ops.where(r, a * x + b, ops.convert_to_tensor(a * lower + b, dtype=x.dtype))


def gaussian_noise(x, stddev, seed=None):
    r"""Add normal noise to every unit.

    $$y = x + \epsilon, \qquad \epsilon_i \sim N(0, \sigma^2)$$

    Args:
        x: Tensor of any shape.
        stddev: $\sigma$.
        seed: Integer or `keras.random.SeedGenerator`.

    Returns:
        A tensor of the shape and dtype of `x`.

    Source:
        Goodfellow et al., 2016, Deep Learning, section 7.5.

    Example:
        >>> y = gaussian_noise(ops.zeros((10000,)), stddev=0.5, seed=0)
        >>> abs(float(ops.std(y)) - 0.5) < 0.02
        True
    """
    if stddev == 0:
        return x
    return x + keras.random.normal(ops.shape(x), 0.0, stddev, dtype=x.dtype, seed=seed)


def gaussian_dropout(x, rate, seed=None):
    r"""Multiply every unit by noise of the mean and the variance that dropout's has.

    $$y = x \odot \epsilon, \qquad \epsilon_i \sim N\Big(1, \frac{p}{1 - p}\Big)$$

    Args:
        x: Tensor of any shape.
        rate: $p$ in [0, 1).
        seed: Integer or `keras.random.SeedGenerator`.

    Returns:
        A tensor of the shape and dtype of `x`.

    Raises:
        ValueError: If `rate` is 1.

    Source:
        Srivastava et al., 2014, Dropout, section 10.

    Example:
        >>> y = gaussian_dropout(ops.ones((10000,)), rate=0.5, seed=0)
        >>> abs(float(ops.std(y)) - 1) < 0.03
        True
    """
    if rate == 0:
        return x
    _check_below_one(rate)
    stddev = math.sqrt(rate / (1 - rate))
    return x * keras.random.normal(ops.shape(x), 1.0, stddev, dtype=x.dtype, seed=seed)


def _kept(x, rate, noise_shape, seed):
    """Draw r ~ Bernoulli(1 − p), as booleans that broadcast against `x`."""
    shape = ops.shape(x)
    if noise_shape is not None:
        shape = tuple(n if d is None else d for n, d in zip(shape, noise_shape, strict=True))
    # Drawn in float32: in half precision u has so few values that P(u < p) would be off.
    u = keras.random.uniform(shape, dtype="float32", seed=seed)
    return u >= rate


def _check_below_one(rate):
    if rate == 1:
        raise ValueError("`rate` must be less than 1 (at 1 the noise is infinite), received 1.")
