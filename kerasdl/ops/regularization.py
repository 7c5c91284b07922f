"""Operations that make training noisier on purpose."""

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
    shape = ops.shape(x)
    if noise_shape is not None:
        shape = tuple(n if d is None else d for n, d in zip(shape, noise_shape, strict=True))
    # Drawn in float32: in half precision u has so few values that P(u < p) would be off.
    u = keras.random.uniform(shape, dtype="float32", seed=seed)
    r = u >= rate
    return ops.where(r, x / (1 - rate), ops.zeros_like(x))
