"""Normalisation over groups of channels of one example."""

from keras import ops

from kerasdl.backend import with_gradient
from kerasdl.ops.normalization import along, at_least_float32, count, mean


def group_normalization(x, groups, gamma=None, beta=None, axis=-1, epsilon=1e-3):
    r"""Give each group of channels of each example mean 0 and variance 1, then scale and shift.

    $$y = \gamma \odot \frac{x - \mu_g}{\sqrt{\sigma_g^2 + \epsilon}} + \beta$$

    with $\mu_g$ and $\sigma_g^2$ over all places and the channels of one group. One group is layer
    normalisation over all axes; as many groups as channels is instance normalisation.

    Args:
        x: Tensor (B, …), its channels along `axis`.
        groups: Number of groups; divides the number of channels.
        gamma: Scale $\gamma$ (C,), or `None`.
        beta: Shift $\beta$ (C,), or `None`.
        axis: Axis of the channels.
        epsilon: $\epsilon$, inside the root.

    Returns:
        A tensor of the shape and dtype of `x`; half precision is computed in float32.

    Source:
        Wu and He, 2018, Group Normalization, section 3.

    Example:
        >>> y = group_normalization(ops.array([[1.0, 3.0, 0.0, 8.0]]), groups=2, epsilon=0.0)
        >>> [float(v) for v in y[0]]
        [-1.0, 1.0, -1.0, 1.0]
    """
    x, dtype = at_least_float32(x)
    shape, channel = ops.shape(x), axis % len(x.shape)
    members = x.shape[channel] // groups
    # (B, …, C, …) → (B, …, groups, members, …)
    x_g = ops.reshape(x, (*shape[:channel], groups, members, *shape[channel + 1 :]))
    axes = [a for a in range(1, len(x_g.shape)) if a != channel]
    mu = mean(x_g, axes)
    sigma_2 = mean(ops.square(x_g - mu), axes)
    y = ops.reshape((x_g - mu) * ops.rsqrt(sigma_2 + epsilon), shape)
    if gamma is not None:
        y = y * along([channel], gamma, x)
    if beta is not None:
        y = y + along([channel], beta, x)
    return ops.cast(y, dtype)


def fast_group_normalization(x, groups, gamma=None, beta=None, axis=-1, epsilon=1e-3):
    r"""Compute `group_normalization` with the backward pass derived by hand.

    Same arguments, same numbers. Sums run over the places first, which leaves (B, C) numbers; only
    these are put into groups. With $c = x - \mu_g$, $a = \gamma r_g$ and bars over a group:

    $$\frac{\partial L}{\partial x} = a \odot dy - r_g\, \overline{\gamma\, dy}
      - r_g^3\, \overline{\gamma\, dy \odot c} \odot c$$

    Example:
        >>> y = fast_group_normalization(ops.array([[1.0, 3.0]]), groups=1, epsilon=0.0)
        >>> [float(v) for v in y[0]]
        [-1.0, 1.0]
    """
    x, dtype = at_least_float32(x)
    channel = axis % len(x.shape)
    C = x.shape[channel]
    places = [a for a in range(1, len(x.shape)) if a != channel]
    parameters = [along([channel], p, x) for p in (gamma, beta) if p is not None]

    def total(t):
        return ops.sum(t, axis=places, keepdims=True) if places else t

    def group_mean(t):
        """Average (B, 1, …, C, …, 1) over the channels of a group, back for each channel."""
        one = [1] * (len(x.shape) - 1)
        one[channel - 1] = C
        t_g = ops.reshape(t, (-1, groups, C // groups))
        t_g = mean(t_g, [2]) / count(x, places)
        return ops.reshape(ops.repeat(t_g, C // groups, axis=2), (-1, *one))

    @with_gradient
    def normalised(x, *parameters):
        gamma_c = 1 if gamma is None else parameters[0]
        c = x - group_mean(total(x))
        r = ops.rsqrt(group_mean(total(ops.square(c))) + epsilon)
        a = r * gamma_c
        y = c * a
        if beta is not None:
            y = y + parameters[-1]

        def backward(dy):
            d_beta, q = total(dy), total(dy * c)
            slope = group_mean(gamma_c * q) * r * r * r
            gradients = [dy * a - (c * slope + group_mean(gamma_c * d_beta) * r)]
            if gamma is not None:
                gradients.append(ops.sum(q * r, axis=0, keepdims=True))
            if beta is not None:
                gradients.append(ops.sum(d_beta, axis=0, keepdims=True))
            return tuple(gradients)

        return y, backward

    return ops.cast(normalised(x, *parameters), dtype)
