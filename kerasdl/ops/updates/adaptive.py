"""Step sizes of their own for every parameter, from the squares of its gradients."""

from keras import ops

from kerasdl.ops.updates.momentum import (
    constant_like,
    exponential_moving_average,
)


def scaled_step(g, s, alpha, epsilon):
    r"""The step of Adagrad and RMSprop: $\Delta_t = \alpha\, g_t / \sqrt{s_t + \epsilon}$.

    A sparse gradient gives a sparse step: only the rows that were looked up move.

    Args:
        g: Gradient $g_t$ of one variable.
        s: Sum or mean $s_t$ of squared gradients, this one included, of the same shape.
        alpha: Learning rate $\alpha$.
        epsilon: $\epsilon$, inside the root.

    Returns:
        The step.

    Example:
        >>> round(float(scaled_step(ops.array(2.0), ops.array(4.0), 0.1, 0.0)), 4)
        0.1
    """
    root = ops.sqrt(ops.convert_to_tensor(s) + epsilon)
    return ops.divide(ops.multiply(constant_like(alpha, g), g), root)


def adagrad_update(g, s, alpha, epsilon):
    r"""Adagrad: divide by the root of the sum of all squared gradients.

    $$s_t = s_{t-1} + g_t^2, \qquad \Delta_t = \alpha\, g_t / \sqrt{s_t + \epsilon}$$

    Args:
        g: Gradient $g_t$ of one variable.
        s: Sum $s_{t-1}$, of the same shape.
        alpha: Learning rate $\alpha$.
        epsilon: $\epsilon$, inside the root.

    Returns:
        `(s_t, step)`.

    Source:
        Duchi et al., 2011, Adaptive Subgradient Methods, section 1.3 (diagonal form).

    Example:
        >>> s, step = adagrad_update(ops.array(2.0), ops.array(0.0), 0.1, 0.0)
        >>> float(s), round(float(step), 4)
        (4.0, 0.1)
    """
    s = ops.add(s, ops.square(g))
    return s, scaled_step(g, s, alpha, epsilon)


def rmsprop_update(g, v, alpha, rho, epsilon):
    r"""RMSprop: divide by the root of a moving mean of the squared gradient.

    $$v_t = \rho v_{t-1} + (1 - \rho)\, g_t^2, \qquad
      \Delta_t = \alpha\, g_t / \sqrt{v_t + \epsilon}$$

    Args:
        g: Gradient $g_t$ of one variable.
        v: Mean square $v_{t-1}$, of the same shape.
        alpha: Learning rate $\alpha$.
        rho: Decay $\rho$.
        epsilon: $\epsilon$, inside the root.

    Returns:
        `(v_t, step)`.

    Source:
        Tieleman and Hinton, 2012, Neural Networks for Machine Learning, lecture 6.5.

    Example:
        >>> v, step = rmsprop_update(ops.array(2.0), ops.array(4.0), 0.1, 0.9, 0.0)
        >>> round(float(v), 4), round(float(step), 4)
        (4.0, 0.1)
    """
    v = exponential_moving_average(ops.square(g), v, rho)
    return v, scaled_step(g, v, alpha, epsilon)


def centered_rmsprop_update(g, v, g_mean, alpha, rho, epsilon):
    r"""Centred RMSprop: divide by the gradient's standard deviation instead.

    $$\begin{aligned}
      v_t &= \rho v_{t-1} + (1 - \rho)\, g_t^2 \\
      \bar g_t &= \rho \bar g_{t-1} + (1 - \rho)\, g_t \\
      \Delta_t &= \alpha\, g_t / \sqrt{v_t - \bar g_t^2 + \epsilon}
    \end{aligned}$$

    Args:
        g: Gradient $g_t$ of one variable.
        v: Mean square $v_{t-1}$, of the same shape.
        g_mean: Mean $\bar g_{t-1}$, of the same shape.
        alpha: Learning rate $\alpha$.
        rho: Decay $\rho$.
        epsilon: $\epsilon$, inside the root.

    Returns:
        `(v_t, g_mean_t, step)`.

    Source:
        Graves, 2013, Generating Sequences With Recurrent Neural Networks, equations 38 to 41.

    Example:
        >>> zero = ops.array(0.0)
        >>> v, mean, step = centered_rmsprop_update(ops.array(2.0), zero, zero, 0.1, 0.5, 0.0)
        >>> float(v), float(mean), round(float(step), 4)
        (2.0, 1.0, 0.2)
    """
    v = exponential_moving_average(ops.square(g), v, rho)
    g_mean = exponential_moving_average(g, g_mean, rho)
    return v, g_mean, scaled_step(g, v - ops.square(g_mean), alpha, epsilon)


def adadelta_update(g, s, d, alpha, rho, epsilon):
    r"""Adadelta: the step has the units of the variable, so that no learning rate is needed.

    $$\begin{aligned}
      s_t &= \rho s_{t-1} + (1 - \rho)\, g_t^2 \\
      \delta_t &= \frac{\sqrt{d_{t-1} + \epsilon}}{\sqrt{s_t + \epsilon}}\, g_t \\
      d_t &= \rho d_{t-1} + (1 - \rho)\, \delta_t^2 \\
      \Delta_t &= \alpha\, \delta_t
    \end{aligned}$$

    Args:
        g: Gradient $g_t$ of one variable.
        s: Mean square $s_{t-1}$ of the gradient, of the same shape.
        d: Mean square $d_{t-1}$ of the move, of the same shape.
        alpha: Learning rate $\alpha$; 1 in the paper.
        rho: Decay $\rho$.
        epsilon: $\epsilon$, inside both roots.

    Returns:
        `(s_t, d_t, step)`.

    Source:
        Zeiler, 2012, ADADELTA, algorithm 1.

    Example:
        >>> zero = ops.array(0.0)
        >>> s, d, step = adadelta_update(ops.array(2.0), zero, zero, 1.0, 0.5, 1.0)
        >>> float(s), round(float(step), 4)
        (2.0, 1.1547)
    """
    s = exponential_moving_average(ops.square(g), s, rho)
    delta = adadelta_move(g, s, d, epsilon)
    d = exponential_moving_average(ops.square(delta), d, rho)
    return s, d, ops.multiply(constant_like(alpha, g), delta)


def adadelta_move(g, s, d, epsilon):
    r"""Return $\delta_t$ of `adadelta_update`, sparse if the gradient is.

    Args:
        g: Gradient $g_t$ of one variable.
        s: Mean square $s_t$ of the gradient, this one included.
        d: Mean square $d_{t-1}$ of the move.
        epsilon: $\epsilon$, inside both roots.

    Returns:
        $\delta_t$, of the same shape.

    Example:
        >>> round(float(adadelta_move(ops.array(2.0), ops.array(2.0), ops.array(0.0), 1.0)), 4)
        1.1547
    """
    s, d = ops.convert_to_tensor(s), ops.convert_to_tensor(d)
    return ops.divide(ops.multiply(ops.sqrt(d + epsilon), g), ops.sqrt(s + epsilon))
