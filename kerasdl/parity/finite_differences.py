"""Gradients the slow and certain way."""

from collections.abc import Callable

import numpy as np


def finite_difference(function: Callable, x: np.ndarray, step: float = 1e-6) -> np.ndarray:
    r"""Estimate the gradient of a scalar function by central differences.

    $$\frac{\partial f}{\partial x_i} \approx \frac{f(x + h e_i) - f(x - h e_i)}{2h}$$

    In float64 with $h = 10^{-6}$ the truncation error is about $h^2$ and the rounding error about
    $10^{-16} / h$: eight to nine digits are right.

    Args:
        function: Takes an array of the shape of `x`, returns a number.
        x: Where to differentiate, float64.
        step: $h$.

    Returns:
        Array of the shape of `x`.

    Example:
        >>> finite_difference(lambda x: (x**2).sum(), np.array([1.0, 3.0])).round(6).tolist()
        [2.0, 6.0]
    """
    x = np.array(x, dtype="float64")
    gradient = np.empty_like(x)
    for i in np.ndindex(x.shape):
        original = x[i]
        x[i] = original + step
        above = float(function(x))
        x[i] = original - step
        below = float(function(x))
        x[i] = original
        gradient[i] = (above - below) / (2 * step)
    return gradient
