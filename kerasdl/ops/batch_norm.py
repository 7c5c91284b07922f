r"""Normalisation over a batch, one channel at a time.

With $c = x - \mu$, $r = 1/\sqrt{\sigma^2 + \epsilon}$ and $a = \gamma r$ the backward pass needs
two sums a channel, and then one multiply-add of the incoming gradient, $c$ and constants:

$$\frac{\partial L}{\partial \beta} = \sum_i dy_i, \qquad
  q = \sum_i dy_i\, c_i, \qquad
  \frac{\partial L}{\partial \gamma} = r q, \qquad
  \frac{\partial L}{\partial x_i}
    = a\, dy_i - \frac{a r^2 q}{N}\, c_i - \frac{a}{N} \frac{\partial L}{\partial \beta}$$

The variance is the mean of $(x - \mu)^2$, in two passes over `x`. One pass for $\sum x$ and
$\sum x^2$ would be quicker, but $\overline{x^2} - \mu^2$ cancels: in float32 nothing is left of the
variance of a channel whose mean is 3000 times its standard deviation.
"""

import functools

import keras
from keras import ops

from kerasdl.backend import all_reduce_sum, column_sums, result_type, with_gradient
from kerasdl.ops.normalization import along, at_least_float32, count, sorted_axes
from kerasdl.ops.recorded import one_operation


def _moments_spec(x, axes, keepdims=False, synchronized=False):
    axes = sorted_axes(axes, x)
    sizes = [1 if a in axes else n for a, n in enumerate(x.shape) if keepdims or a not in axes]
    return tuple(keras.KerasTensor(sizes, dtype=x.dtype) for _ in range(2))


@one_operation("x", output=_moments_spec)
def moments(x, axes, keepdims=False, synchronized=False):
    r"""Mean and variance over some axes.

    $$\mu = \frac{1}{n} \sum_{i=1}^{n} x_i, \qquad
      \sigma^2 = \frac{1}{n} \sum_{i=1}^{n} (x_i - \mu)^2$$

    Args:
        x: Tensor of any shape.
        axes: Axis or axes that are averaged over.
        keepdims: Whether they stay, with size 1.
        synchronized: Whether the sums are over all replicas of a distribution strategy.

    Returns:
        $\mu$ and $\sigma^2$ in the dtype of `x`. Half precision is computed in float32, and what
        float16 cannot hold becomes its largest number.

    Example:
        >>> mu, sigma_2 = moments(ops.array([[1.0], [3.0]]), axes=[0])
        >>> float(mu[0]), float(sigma_2[0])
        (2.0, 1.0)

    Differences from Keras: `synchronized` is no error on JAX, where a distributed program computes
    over the whole batch anyway. With it, the variance is summed up in a second pass over `x`, and
    not $\overline{x^2} - \mu^2$, which cancels.
    """
    x, dtype = at_least_float32(x)
    axes = sorted_axes(axes, x)
    n = _count(x, axes, synchronized)
    mu = _total(x, axes, synchronized) / n
    sigma_2 = _total(ops.square(x - mu), axes, synchronized) / n
    if dtype in ("float16", "bfloat16"):
        mu, sigma_2 = (ops.cast(ops.clip(t, -65504.0, 65504.0), dtype) for t in (mu, sigma_2))
    return (mu, sigma_2) if keepdims else (ops.squeeze(mu, axes), ops.squeeze(sigma_2, axes))


def masked_moments(x, axes, mask, synchronized=False, epsilon=0.0):
    r"""Mean and variance over some axes, of the entries that a mask keeps.

    $$\mu = \frac{\sum_i m_i x_i}{\sum_i m_i + \epsilon}, \qquad
      \sigma^2 = \frac{\sum_i m_i (x_i - \mu)^2}{\sum_i m_i + \epsilon}$$

    Args:
        x: Tensor of any shape.
        axes: Axes that are averaged over.
        mask: Tensor $m$ that broadcasts against `x`, nonzero or `True` where an entry counts.
        synchronized: Whether the sums are over all replicas of a distribution strategy.
        epsilon: $\epsilon$; keeps the fraction finite where nothing counts.

    Returns:
        $\mu$ and $\sigma^2$ without the axes; of half precision, computed and returned in float32.

    Example:
        >>> x, m = ops.array([[1.0], [3.0], [9.0]]), ops.array([[True], [True], [False]])
        >>> mu, sigma_2 = masked_moments(x, [0], m)
        >>> float(mu[0]), float(sigma_2[0])
        (2.0, 1.0)
    """
    x, _ = at_least_float32(x)
    axes = list(axes)
    m = ops.broadcast_to(ops.cast(mask, "bool"), ops.shape(x))
    n = _total(ops.cast(m, x.dtype), axes, synchronized) + epsilon
    # `where` and not a product: what is masked may be NaN.
    mu = _total(ops.where(m, x, 0), axes, synchronized) / n
    sigma_2 = _total(ops.square(ops.where(m, x - mu, 0)), axes, synchronized) / n
    return ops.squeeze(mu, axes), ops.squeeze(sigma_2, axes)


def _normalised_spec(x, mean, variance, axis, offset=None, scale=None, epsilon=1e-3):
    _check_channels(x, axis, mean=mean, variance=variance, offset=offset, scale=scale)
    return keras.KerasTensor(x.shape, dtype=x.dtype)


@one_operation("x mean variance offset scale", output=_normalised_spec)
def batch_normalization(x, mean, variance, axis, offset=None, scale=None, epsilon=1e-3):
    r"""Shift and scale each channel by given statistics, then by $\gamma$ and $\beta$.

    $$y = \gamma \odot \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta = a \odot x + b, \qquad
      a = \frac{\gamma}{\sqrt{\sigma^2 + \epsilon}}, \quad b = \beta - a \odot \mu$$

    computed in the second form: $a$ and $b$ have one number a channel.

    Args:
        x: Tensor of any shape, C channels along `axis`.
        mean: $\mu$ (C,).
        variance: $\sigma^2$ (C,).
        axis: Axis of the channels.
        offset: $\beta$ (C,), or `None`.
        scale: $\gamma$ (C,), or `None`.
        epsilon: $\epsilon$, inside the root.

    Returns:
        A tensor of the shape and dtype of `x`; $a$ and $b$ are computed in the dtype of the
        statistics, if that is the finer one.

    Raises:
        ValueError: If a vector has not one number a channel.

    Source:
        Ioffe and Szegedy, 2015, Batch Normalization, algorithm 1.

    Example:
        >>> x, mu, sigma_2 = ops.array([[1.0], [3.0]]), ops.array([2.0]), ops.array([1.0])
        >>> y = batch_normalization(x, mu, sigma_2, axis=-1, epsilon=0.0)
        >>> [float(v) for v in y[:, 0]]
        [-1.0, 1.0]
    """
    x = ops.convert_to_tensor(x)
    mean, variance, offset, scale = (
        None if p is None else ops.convert_to_tensor(p) for p in (mean, variance, offset, scale)
    )
    _check_channels(x, axis, mean=mean, variance=variance, offset=offset, scale=scale)
    dtype = result_type(x.dtype, variance.dtype)
    a = ops.rsqrt(ops.cast(variance, dtype) + epsilon)
    if scale is not None:
        a = a * ops.cast(scale, dtype)
    b = -ops.cast(mean, dtype) * a
    if offset is not None:
        b = b + ops.cast(offset, dtype)
    channel = [axis % len(x.shape)]
    return x * along(channel, a, x) + along(channel, b, x)


def _check_channels(x, axis, **vectors):
    expected = (x.shape[axis],)
    for name, vector in vectors.items():
        shape = expected if vector is None else tuple(vector.shape)
        if shape != expected and None not in shape + expected:
            raise ValueError(
                f"Arguments `{name}` must be a vector of length `x.shape[axis]`. Expected: "
                f"`{expected}`. Received: `{shape}`."
            )


def fast_batch_normalization(x, axis, offset=None, scale=None, epsilon=1e-3, synchronized=False):
    r"""Normalise a batch by its own `moments`, with the backward pass derived by hand.

    The same as `batch_normalization(x, *moments(x, all axes but one), axis, …)`, differentiated
    through the moments.

    Args:
        x: Tensor of any shape, C channels along `axis`.
        axis: Axis of the channels.
        offset: $\beta$ (C,), or `None`.
        scale: $\gamma$ (C,), or `None`.
        epsilon: $\epsilon$, inside the root.
        synchronized: Whether the moments are those of all replicas.

    Returns:
        The normalised tensor, $\mu$ (C,) and $\sigma^2$ (C,). Half precision is computed in
        float32 and returned so.

    Example:
        >>> y, mu, _ = fast_batch_normalization(ops.array([[1.0], [3.0]]), axis=-1, epsilon=0.0)
        >>> [float(v) for v in y[:, 0]], float(mu[0])
        ([-1.0, 1.0], 2.0)
    """
    x, _ = at_least_float32(x)
    channel = axis % len(x.shape)
    axes = [a for a in range(len(x.shape)) if a != channel]
    shape = ops.shape(x)
    if channel == len(shape) - 1 > 1:
        # One place of one example a row.
        x, channel, axes, total = ops.reshape(x, (-1, x.shape[-1])), 1, [0], column_sums
    else:
        total = functools.partial(ops.sum, axis=axes, keepdims=True)
    parameters = [along([channel], p, x) for p in (scale, offset) if p is not None]

    def over_replicas(t):
        return all_reduce_sum(t) if synchronized else t

    @with_gradient
    def normalised(x, *parameters):
        n = _count(x, axes, synchronized)
        mu = over_replicas(total(x)) / n
        c = x - mu
        sigma_2 = over_replicas(total(ops.square(c))) / n
        r = ops.rsqrt(sigma_2 + epsilon)
        a = r if scale is None else r * parameters[0]
        y = c * a
        if offset is not None:
            y = y + parameters[-1]

        def backward(dy, d_mu, d_sigma_2):
            d_beta, q = total(dy), total(dy * c)
            # γ and β belong to one replica each; x reaches the outputs of all through μ and σ².
            sums = [d_beta, q, d_mu, d_sigma_2]
            if synchronized:
                sums = all_reduce_sum(ops.stack(sums))
            constant = (sums[2] - a * sums[0]) / n
            slope = (2 * sums[3] - a * r * r * sums[1]) / n
            gradients = [dy * a + (c * slope + constant)]
            if scale is not None:
                gradients.append(r * q)
            if offset is not None:
                gradients.append(d_beta)
            return tuple(gradients)

        return (y, mu, sigma_2), backward

    y, mu, sigma_2 = normalised(x, *parameters)
    return ops.reshape(y, shape), ops.squeeze(mu, axes), ops.squeeze(sigma_2, axes)


def _total(t, axes, synchronized):
    t = ops.sum(t, axis=axes, keepdims=True)
    return all_reduce_sum(t) if synchronized else t


def _count(x, axes, synchronized):
    n = count(x, axes)
    return all_reduce_sum(ops.cast(n, x.dtype)) if synchronized else n
