r"""Normalisation over the features of one example.

Beside each equation stands the form that layers use: the same numbers with the backward pass
derived by hand (`kerasdl.backend.with_gradient`), which reads the tensors fewer times than
automatic differentiation. For $\hat x = (x - \mu)\, r$ with $r = 1 / \sqrt{\sigma^2 + \epsilon}$
and $y = \gamma \odot \hat x + \beta$ the chain rule through $\mu$ and $\sigma^2$ collapses to

$$\frac{\partial L}{\partial x} = r \left( g - \overline{g}
  - \hat x \odot \overline{g \odot \hat x} \right), \qquad
  g = \gamma \odot \frac{\partial L}{\partial y}$$

with the bar for the mean over the normalised axes: what is left of $g$ after the parts along
$\mathbf 1$ and along $\hat x$, which normalisation cannot change, are taken out.
"""

import math
import warnings

import keras
from keras import ops
from keras.utils import standardize_dtype

from kerasdl.backend import has_accelerator, with_gradient
from kerasdl.ops.linear import product
from kerasdl.ops.recorded import like_the_input, one_operation


@one_operation("x gamma beta", output=like_the_input)
def layer_normalization(x, gamma=None, beta=None, axis=-1, epsilon=None, rms_scaling=False):
    r"""Give the features of each example mean 0 and variance 1, then scale and shift them.

    $$\mu = \frac{1}{n} \sum_{i=1}^{n} x_i, \qquad
      \sigma^2 = \frac{1}{n} \sum_{i=1}^{n} (x_i - \mu)^2, \qquad
      y = \gamma \odot \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta$$

    Args:
        x: Tensor of any shape.
        gamma: Scale $\gamma$ with the sizes of `axis`, in the order of the axes, or with as many
            axes as `x`, or `None`.
        beta: Shift $\beta$, likewise.
        axis: Axis or axes of the features.
        epsilon: $\epsilon$, inside the root; `None` for `keras.config.epsilon()`.
        rms_scaling: Deprecated in Keras: compute `deviation_scaling`, with a warning.

    Returns:
        A tensor of the shape and dtype of `x`; half precision is computed in float32.

    Source:
        Ba et al., 2016, Layer Normalization, equation 4.

    Example:
        >>> y = layer_normalization(ops.array([[1.0, 3.0]]), epsilon=0.0)
        >>> [float(v) for v in y[0]]
        [-1.0, 1.0]

    Differences from Keras: on JAX, float64 is computed in float64.
    """
    if rms_scaling:
        warnings.warn(
            "You passed `rms_scaling=True`, which is deprecated: it scales by the standard "
            "deviation, not by the root mean square. Use `rms_normalization`.",
            stacklevel=3,
        )
        return deviation_scaling(x, gamma, axis, epsilon)
    x, dtype = at_least_float32(x)
    axes = sorted_axes(axis, x)
    mu = mean(x, axes)
    sigma_2 = mean(ops.square(x - mu), axes)
    y = (x - mu) * ops.rsqrt(sigma_2 + _or_default(epsilon))
    if gamma is not None:
        y = y * spread(axes, gamma, x)
    if beta is not None:
        y = y + spread(axes, beta, x)
    return ops.cast(y, dtype)


@one_operation("x scale", output=like_the_input)
def rms_normalization(x, scale=None, axis=-1, epsilon=None):
    r"""Divide the features of each example by their root mean square, then scale them.

    $$y = \gamma \odot \frac{x}{\sqrt{\frac{1}{n} \sum_{i=1}^{n} x_i^2 + \epsilon}}$$

    Layer normalisation without the mean.

    Args:
        x: Tensor of any shape.
        scale: $\gamma$ with the sizes of `axis`, in the order of the axes, or with as many axes as
            `x`, or `None`.
        axis: Axis or axes of the features.
        epsilon: $\epsilon$, inside the root; `None` for `keras.config.epsilon()`.

    Returns:
        A tensor of the shape and dtype of `x`; half precision is computed in float32.

    Source:
        Zhang and Sennrich, 2019, Root Mean Square Layer Normalization, equation 4.

    Example:
        >>> y = rms_normalization(ops.array([[1.0, 7.0]]), epsilon=0.0)
        >>> [round(float(v), 6) for v in y[0]]
        [0.2, 1.4]

    Differences from Keras: on JAX, float64 is computed in float64; a `scale` along other axes than
    the last ones multiplies along these.
    """
    x, dtype = at_least_float32(x)
    axes = sorted_axes(axis, x)
    y = x * ops.rsqrt(mean(ops.square(x), axes) + _or_default(epsilon))
    if scale is not None:
        y = y * spread(axes, scale, x)
    return ops.cast(y, dtype)


def unit_normalization(x, axis=-1, epsilon=1e-12):
    r"""Divide the features of each example by their Euclidean norm.

    $$y = x \cdot \min\!\left( \frac{1}{\sqrt{\sum_i x_i^2}},\; \frac{1}{\epsilon} \right)$$

    The bound keeps an example of zeros at zero.

    Args:
        x: Tensor of any shape.
        axis: Axis or axes of the features.
        epsilon: $\epsilon$, the smallest norm that is divided by.

    Returns:
        A tensor of the shape and dtype of `x`; half precision is computed in float32.

    Example:
        >>> y = unit_normalization(ops.array([[3.0, 4.0], [0.0, 0.0]]))
        >>> [[round(float(v), 6) for v in row] for row in y]
        [[0.6, 0.8], [0.0, 0.0]]
    """
    x, dtype = at_least_float32(x)
    sum_2 = ops.sum(ops.square(x), axis=sorted_axes(axis, x), keepdims=True)
    # The comparison before the root: at 0 the root's derivative is infinite, and 0 · ∞ is NaN.
    is_small = sum_2 < epsilon**2
    one = ops.ones_like(sum_2)
    r = ops.where(is_small, one / epsilon, ops.rsqrt(ops.where(is_small, one, sum_2)))
    return ops.cast(x * r, dtype)


def deviation_scaling(x, gamma=None, axis=-1, epsilon=None):
    r"""Divide the features of each example by their standard deviation.

    $$y = \gamma \odot \frac{x}{\sqrt{\sigma^2 + \epsilon}}$$

    Keras' deprecated `rms_scaling` of layer normalisation.

    Args:
        x: Tensor of any shape.
        gamma: Scale $\gamma$ with the sizes of `axis`, in the order of the axes, or `None`.
        axis: Axis or axes of the features.
        epsilon: $\epsilon$, inside the root; `None` for `keras.config.epsilon()`.

    Returns:
        A tensor of the shape and dtype of `x`; half precision is computed in float32.

    Example:
        >>> y = deviation_scaling(ops.array([[1.0, 3.0]]), epsilon=0.0)
        >>> [float(v) for v in y[0]]
        [1.0, 3.0]
    """
    x, dtype = at_least_float32(x)
    axes = sorted_axes(axis, x)
    sigma_2 = mean(ops.square(x - mean(x, axes)), axes)
    y = x * ops.rsqrt(sigma_2 + _or_default(epsilon))
    if gamma is not None:
        y = y * spread(axes, gamma, x)
    return ops.cast(y, dtype)


def fast_layer_normalization(x, gamma=None, beta=None, axis=-1, epsilon=None):
    """Compute `layer_normalization` with the backward pass derived by hand.

    Same arguments, same numbers.

    Example:
        >>> y = fast_layer_normalization(ops.array([[1.0, 3.0]]), epsilon=0.0)
        >>> [float(v) for v in y[0]]
        [-1.0, 1.0]
    """
    return _standardise(x, gamma, beta, axis, epsilon, centred=True)


def fast_rms_normalization(x, scale=None, axis=-1, epsilon=None):
    """Compute `rms_normalization` with the backward pass derived by hand.

    Same arguments, same numbers. On JAX the plain equation: XLA's own backward pass is faster. (For
    float32 near 1e15 it is wrong: a factor $r^3$ underflows.)

    Example:
        >>> y = fast_rms_normalization(ops.array([[1.0, 7.0]]), epsilon=0.0)
        >>> [round(float(v), 6) for v in y[0]]
        [0.2, 1.4]
    """
    if keras.backend.backend() == "jax":
        return rms_normalization(x, scale, axis, epsilon)
    return _standardise(x, scale, None, axis, epsilon, centred=False)


def _standardise(x, gamma, beta, axis, epsilon, centred):
    x, dtype = at_least_float32(x)
    epsilon = _or_default(epsilon)
    axes = sorted_axes(axis, x)
    parameters = [ops.cast(p, x.dtype) for p in (gamma, beta) if p is not None]
    shape, features = ops.shape(x), [x.shape[a] for a in axes]
    last = axes == list(range(len(x.shape) - len(axes), len(x.shape))) and None not in features
    # One example a row: then sums weighted with γ or r are products with a vector, which no backend
    # spells out in memory. A GPU would round them, and sums over several axes keep it busier.
    products = last and not has_accelerator()
    if products:
        x = ops.reshape(x, (-1, math.prod(features)))
        axes, examples = [1], [0]
        row = (1, math.prod(features))
    else:
        examples = [a for a in range(len(x.shape)) if a not in axes]
        row = [size if a in axes else 1 for a, size in enumerate(x.shape)]
    parameters = [ops.reshape(p, row) for p in parameters]

    def mean_over_features(t, gamma):
        if gamma is None:
            return mean(t, axes)
        if products:
            return product(t, ops.transpose(gamma)) / count(t, axes)
        return mean(t * gamma, axes)

    def sum_over_examples(r, t):
        if products:
            return product(ops.transpose(r), t)
        return ops.sum(t * r, axis=examples, keepdims=True)

    @with_gradient
    def standardised(x, *parameters):
        gamma_row = None if gamma is None else parameters[0]
        c = x - mean(x, axes) if centred else x
        r = ops.rsqrt(mean(ops.square(c), axes) + epsilon)
        y = c * r
        if gamma is not None:
            y = y * gamma_row
        if beta is not None:
            y = y + parameters[-1]

        def backward(dy):
            p = dy * c  # g ⊙ x̂ without γ and r
            g = dy if gamma is None else dy * gamma_row
            dx = g - c * (mean_over_features(p, gamma_row) * r * r)
            if centred:
                dx = dx - mean_over_features(dy, gamma_row)
            gradients = [dx * r]
            if gamma is not None:
                gradients.append(sum_over_examples(r, p))
            if beta is not None:
                gradients.append(ops.sum(dy, axis=examples, keepdims=True))
            return tuple(gradients)

        return y, backward

    return ops.cast(ops.reshape(standardised(x, *parameters), shape), dtype)


def _or_default(epsilon):
    return keras.config.epsilon() if epsilon is None else epsilon


def at_least_float32(x):
    """Return `x` as a tensor, half precision as float32, and the dtype it came in.

    Squares of half-precision numbers overflow, and their sums lose digits.

    Example:
        >>> x, dtype = at_least_float32(ops.ones(2, dtype="float16"))
        >>> standardize_dtype(x.dtype), dtype
        ('float32', 'float16')
    """
    x = ops.convert_to_tensor(x)
    dtype = standardize_dtype(x.dtype)
    return (ops.cast(x, "float32") if dtype in ("float16", "bfloat16") else x), dtype


def sorted_axes(axis, x) -> list[int]:
    """Return one axis or several as ascending non-negative numbers.

    Example:
        >>> sorted_axes((-1, 1), ops.ones((2, 3, 4)))
        [1, 2]
    """
    axes = [axis] if isinstance(axis, int) else axis
    return sorted(a % len(x.shape) for a in axes)


def along(axes, parameter, x):
    """Shape a parameter so that it multiplies `x` along `axes`, in the dtype of `x`.

    Example:
        >>> tuple(along([1], ops.ones(3), ops.ones((2, 3, 4))).shape)
        (1, 3, 1)
    """
    shape = [size if a in axes else 1 for a, size in enumerate(x.shape)]
    return ops.reshape(ops.cast(parameter, x.dtype), shape)


def spread(axes, parameter, x):
    """Shape a parameter as `along` does, unless it has all axes of `x` and broadcasts as it is.

    Example:
        >>> x = ops.ones((2, 3, 4))
        >>> tuple(spread([1], ops.ones(3), x).shape), tuple(spread([1], x, x).shape)
        ((1, 3, 1), (2, 3, 4))
    """
    parameter = ops.convert_to_tensor(parameter)
    if len(parameter.shape) == len(x.shape):
        return ops.cast(parameter, x.dtype)
    return along(axes, parameter, x)


def mean(x, axes):
    """Average over some axes, which are kept with size 1.

    Σ/n and not `ops.mean`: on JAX that one computes float64 in float32.

    Example:
        >>> float(mean(ops.array([[1.0, 2.0]]), [1])[0, 0])
        1.5
    """
    return ops.sum(x, axis=axes, keepdims=True) / count(x, axes)


def count(x, axes):
    """Return the number of entries along some axes: an integer, or a tensor of the dtype of `x`.

    It is a tensor where a size is known only at run time.

    Example:
        >>> count(ops.ones((2, 3, 4)), [0, 2])
        8
    """
    if all(x.shape[a] is not None for a in axes):
        return math.prod(x.shape[a] for a in axes)
    sizes = ops.shape(x)
    n = ops.cast(1, x.dtype)
    for a in axes:
        n = n * ops.cast(sizes[a], x.dtype)
    return n
