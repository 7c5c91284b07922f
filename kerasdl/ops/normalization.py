"""Normalisation over the features of one example (and, later, over a batch)."""

import math

from keras import ops
from keras.utils import standardize_dtype


def layer_normalization(x, gamma=None, beta=None, axis=-1, epsilon=1e-3):
    r"""Give the features of each example mean 0 and variance 1, then scale and shift them.

    $$\mu = \frac{1}{n} \sum_{i=1}^{n} x_i, \qquad
      \sigma^2 = \frac{1}{n} \sum_{i=1}^{n} (x_i - \mu)^2, \qquad
      y = \gamma \odot \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta$$

    Args:
        x: Tensor of any shape.
        gamma: Scale $\gamma$ with the sizes of `axis`, in the order of the axes, or `None`.
        beta: Shift $\beta$, likewise.
        axis: Axis or axes of the features.
        epsilon: $\epsilon$, inside the root.

    Returns:
        A tensor of the shape of `x`. Half precision is computed in float32 and returned so.

    Source:
        Ba et al., 2016, Layer Normalization, equation 4.

    Example:
        >>> y = layer_normalization(ops.array([[1.0, 3.0]]), epsilon=0.0)
        >>> [float(v) for v in y[0]]
        [-1.0, 1.0]
    """
    x = ops.convert_to_tensor(x)
    if standardize_dtype(x.dtype) in ("float16", "bfloat16"):
        x = ops.cast(x, "float32")  # squares of half-precision numbers overflow
    rank = len(x.shape)
    axes = sorted(a % rank for a in ([axis] if isinstance(axis, int) else axis))
    # Σ/n and not `ops.mean`: on JAX that one computes float64 in float32.
    n = math.prod(x.shape[a] for a in axes)
    mu = ops.sum(x, axis=axes, keepdims=True) / n
    centred = x - mu
    sigma_2 = ops.sum(ops.square(centred), axis=axes, keepdims=True) / n
    y = centred * ops.rsqrt(sigma_2 + epsilon)
    shape = [x.shape[a] if a in axes else 1 for a in range(rank)]
    if gamma is not None:
        y = y * ops.reshape(ops.cast(gamma, x.dtype), shape)
    if beta is not None:
        y = y + ops.reshape(ops.cast(beta, x.dtype), shape)
    return y
