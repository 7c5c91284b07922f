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

from keras import ops

from kerasdl.backend import all_reduce_sum, column_sums, with_gradient
from kerasdl.ops.normalization import along, at_least_float32, count


def moments(x, axes, keepdims=False, synchronized=False, mask=None, epsilon=0.0):
    r"""Mean and variance over some axes, of the entries that a mask keeps.

    $$\mu = \frac{\sum_i m_i x_i}{\sum_i m_i + \epsilon}, \qquad
      \sigma^2 = \frac{\sum_i m_i (x_i - \mu)^2}{\sum_i m_i + \epsilon}$$

    Args:
        x: Tensor of any shape.
        axes: Axes that are averaged over.
        keepdims: Whether they stay, with size 1.
        synchronized: Whether the sums are over all replicas of a distribution strategy.
        mask: Tensor $m$ that broadcasts against `x`, nonzero or `True` where an entry counts;
            `None` where all do.
        epsilon: $\epsilon$; keeps the fraction finite where nothing counts.

    Returns:
        $\mu$ and $\sigma^2$. Half precision is computed in float32 and returned so.

    Example:
        >>> mu, sigma_2 = moments(ops.array([[1.0], [3.0]]), axes=[0])
        >>> float(mu[0]), float(sigma_2[0])
        (2.0, 1.0)
    """
    x, _ = at_least_float32(x)
    axes = list(axes)

    def total(t):
        t = ops.sum(t, axis=axes, keepdims=True)
        return all_reduce_sum(t) if synchronized else t

    if mask is None:
        n = _count(x, axes, synchronized)
        mu = total(x) / n
        sigma_2 = total(ops.square(x - mu)) / n
    else:
        m = ops.broadcast_to(ops.cast(mask, "bool"), ops.shape(x))
        n = total(ops.cast(m, x.dtype)) + epsilon
        # `where` and not a product: what is masked may be NaN.
        mu = total(ops.where(m, x, 0)) / n
        sigma_2 = total(ops.square(ops.where(m, x - mu, 0))) / n
    return (mu, sigma_2) if keepdims else (ops.squeeze(mu, axes), ops.squeeze(sigma_2, axes))


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
        A tensor of the shape of `x`.

    Source:
        Ioffe and Szegedy, 2015, Batch Normalization, algorithm 1.

    Example:
        >>> x, mu, sigma_2 = ops.array([[1.0], [3.0]]), ops.array([2.0]), ops.array([1.0])
        >>> y = batch_normalization(x, mu, sigma_2, axis=-1, epsilon=0.0)
        >>> [float(v) for v in y[:, 0]]
        [-1.0, 1.0]
    """
    x = ops.convert_to_tensor(x)
    a = ops.rsqrt(ops.cast(variance, x.dtype) + epsilon)
    if scale is not None:
        a = a * ops.cast(scale, x.dtype)
    b = -ops.cast(mean, x.dtype) * a
    if offset is not None:
        b = b + ops.cast(offset, x.dtype)
    channel = [axis % len(x.shape)]
    return x * along(channel, a, x) + along(channel, b, x)


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


def _count(x, axes, synchronized):
    n = count(x, axes)
    return all_reduce_sum(ops.cast(n, x.dtype)) if synchronized else n
