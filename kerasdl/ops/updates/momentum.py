"""Gradient descent, with and without momentum."""

from keras import ops


def constant_like(value, g):
    """Return a number as a tensor in the dtype of a gradient, which may be sparse.

    `ops.multiply(number, tensor)` rounds the number to float32 on PyTorch, `ops.cast` does on
    TensorFlow; a sparse gradient has no operator `*` that takes a number.

    Args:
        value: A number, or a tensor of the right dtype.
        g: Anything with a dtype.

    Returns:
        Scalar tensor, exact in float64.

    Example:
        >>> float(constant_like(0.1, ops.ones(2, "float64")))
        0.1
    """
    return ops.convert_to_tensor(value, g.dtype)


def ema_increment(x, v, beta):
    r"""What an exponential moving average adds to itself: $(1 - \beta)(x_t - v_{t-1})$.

    Args:
        x: New value $x_t$.
        v: Average $v_{t-1}$, of the same shape.
        beta: Share $\beta$ of the past that is kept.

    Returns:
        The increment, of the same shape.

    Example:
        >>> round(float(ema_increment(ops.array(1.0), ops.array(0.0), 0.9)), 6)
        0.1
    """
    return (1 - beta) * ops.subtract(x, v)


def exponential_moving_average(x, v, beta):
    r"""Average that forgets: its memory is about $1 / (1 - \beta)$ values long.

    $$v_t = \beta v_{t-1} + (1 - \beta)\, x_t = v_{t-1} + (1 - \beta)(x_t - v_{t-1})$$

    The right-hand form is computed: in bfloat16, 0.999 rounds to 1 and the left one would only
    ever grow.

    Args:
        x: New value $x_t$.
        v: Average $v_{t-1}$, of the same shape.
        beta: Share $\beta$ of the past that is kept; 0.9 remembers about ten values.

    Returns:
        $v_t$.

    Example:
        >>> round(float(exponential_moving_average(ops.array(1.0), ops.array(0.0), 0.9)), 6)
        0.1
    """
    return v + ema_increment(x, v, beta)


def sgd_update(g, alpha):
    r"""Gradient descent: $\Delta_t = \alpha\, g_t$.

    Args:
        g: Gradient $g_t$ of one variable.
        alpha: Learning rate $\alpha$.

    Returns:
        The step.

    Source:
        Robbins and Monro, 1951, A Stochastic Approximation Method.

    Example:
        >>> round(float(sgd_update(ops.array(2.0), 0.1)), 4)
        0.2
    """
    return ops.multiply(g, constant_like(alpha, g))


def momentum_update(g, v, alpha, mu):
    r"""Heavy ball: the velocity keeps the share $\mu$ of itself.

    $$v_t = \mu v_{t-1} - \alpha g_t, \qquad \theta_t = \theta_{t-1} + v_t$$

    With the moving average $\bar g_t = \beta \bar g_{t-1} + (1 - \beta) g_t$ instead and the step
    $\eta\,\bar g_t$, the path is the same for $\beta = \mu$, $\eta = \alpha / (1 - \mu)$.

    Args:
        g: Gradient $g_t$ of one variable.
        v: Velocity $v_{t-1}$, of the same shape.
        alpha: Learning rate $\alpha$.
        mu: Momentum $\mu$.

    Returns:
        $v_t$, to be added to the variable.

    Source:
        Polyak, 1964. Sutskever et al., 2013, equations 1 and 2.

    Example:
        >>> round(float(momentum_update(ops.array(2.0), ops.array(-1.0), 0.1, 0.9)), 4)
        -1.1
    """
    return ops.subtract(ops.convert_to_tensor(v) * mu, ops.multiply(g, constant_like(alpha, g)))


def nesterov_update(g, v, alpha, mu):
    r"""Nesterov's momentum: the gradient is taken where the velocity will carry the variable.

    $$v_t = \mu v_{t-1} - \alpha g_t, \qquad \theta_t = \theta_{t-1} + \mu v_t - \alpha g_t$$

    The paper has $v_t = \mu v_{t-1} - \alpha \nabla f(\vartheta_{t-1} + \mu v_{t-1})$ and
    $\vartheta_t = \vartheta_{t-1} + v_t$. This is the same with the point of the gradient as the
    variable, $\theta = \vartheta + \mu v$, so that the gradient is taken at the weights.

    Args:
        g: Gradient $g_t$ of one variable.
        v: Velocity $v_{t-1}$, of the same shape.
        alpha: Learning rate $\alpha$.
        mu: Momentum $\mu$.

    Returns:
        `(v_t, move)`, where `move` is to be added to the variable.

    Source:
        Nesterov, 1983. Sutskever et al., 2013, equations 3 and 4.

    Example:
        >>> v, move = nesterov_update(ops.array(2.0), ops.array(-1.0), 0.1, 0.9)
        >>> round(float(v), 4), round(float(move), 4)
        (-1.1, -1.19)
    """
    v, alpha_g = ops.convert_to_tensor(v), ops.multiply(g, constant_like(alpha, g))
    v = ops.subtract(v * mu, alpha_g)
    return v, ops.subtract(v * mu, alpha_g)


def lion_update(g, m, alpha, beta_1, beta_2):
    r"""Lion: the sign of a mixture of momentum and gradient.

    $$\Delta_t = \alpha\, \mathrm{sign}(\beta_1 m_{t-1} + (1 - \beta_1) g_t), \qquad
      m_t = \beta_2 m_{t-1} + (1 - \beta_2) g_t$$

    Args:
        g: Gradient $g_t$ of one variable.
        m: Momentum $m_{t-1}$, of the same shape.
        alpha: Learning rate $\alpha$.
        beta_1: Share $\beta_1$ of the momentum in the mixture.
        beta_2: Decay $\beta_2$ of the momentum.

    Returns:
        `(m_t, step)`.

    Source:
        Chen et al., 2023, Symbolic Discovery of Optimization Algorithms, program 1.

    Example:
        >>> m, step = lion_update(ops.array(2.0), ops.array(0.0), 0.1, 0.9, 0.99)
        >>> round(float(step), 4)
        0.1
    """
    m = ops.convert_to_tensor(m)
    mixture = ops.add(m * beta_1, ops.multiply(g, constant_like(1 - beta_1, g)))
    m = ops.add(m * beta_2, ops.multiply(g, constant_like(1 - beta_2, g)))
    return m, alpha * ops.sign(mixture)
