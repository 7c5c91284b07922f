"""Nadam: Adam with Nesterov's momentum."""

from keras import ops

from kerasdl.ops.updates.momentum import exponential_moving_average


def nadam_momentum(t, beta_1):
    r"""Nadam's momentum warms up from $\beta_1 / 2$: $\mu_t = \beta_1 (1 - 0.5 \cdot 0.96^t)$.

    Args:
        t: Number of the step, from 1.
        beta_1: Its limit $\beta_1$, in the dtype of `t`.

    Returns:
        $\mu_t$.

    Source:
        Dozat, 2016, where the exponent is $t / 250$; Keras leaves the 250 out.

    Example:
        >>> round(float(nadam_momentum(ops.array(1.0), ops.array(0.9))), 4)
        0.468
    """
    return beta_1 * (1.0 - 0.5 * ops.power(ops.cast(0.96, t.dtype), t))


def nadam_update(g, m, v, t, mu_product, alpha, beta_1, beta_2, epsilon):
    r"""One step of Nadam: the momentum of the next step is applied now.

    $$\begin{aligned}
      m_t &= \beta_1 m_{t-1} + (1 - \beta_1)\, g_t \\
      v_t &= \beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2 \\
      \hat m_t &= \frac{\mu_{t+1} m_t}{1 - \prod_{i=1}^{t+1} \mu_i}
                + \frac{(1 - \mu_t)\, g_t}{1 - \prod_{i=1}^{t} \mu_i} \\
      \Delta_t &= \alpha\, \hat m_t \,/\, (\sqrt{v_t / (1 - \beta_2^t)} + \epsilon)
    \end{aligned}$$

    with $\mu_t$ of `nadam_momentum`.

    Args:
        g: Gradient $g_t$ of one variable.
        m: First moment $m_{t-1}$, of the same shape.
        v: Second moment $v_{t-1}$, of the same shape.
        t: Number of this step, from 1, in the dtype of `g`.
        mu_product: $\prod_{i=1}^{t} \mu_i$.
        alpha: Learning rate $\alpha$.
        beta_1: Decay $\beta_1$ of the first moment, and limit of $\mu_t$.
        beta_2: Decay $\beta_2$ of the second moment.
        epsilon: $\epsilon$, outside the root.

    Returns:
        `(m_t, v_t, step)`.

    Source:
        Dozat, 2016, Incorporating Nesterov Momentum into Adam, algorithm 2. There $m_t$ is
        averaged with $\mu_t$; here, as in Keras, with $\beta_1$.

    Example:
        >>> zero, t = ops.array(0.0), ops.array(1.0)
        >>> m, v, step = nadam_update(ops.array(2.0), zero, zero, t, 0.468, 0.1, 0.9, 0.999, 0.0)
        >>> round(float(step), 4)
        0.1063
    """
    t = ops.convert_to_tensor(t)
    beta_1, beta_2 = ops.cast(beta_1, t.dtype), ops.cast(beta_2, t.dtype)
    m = exponential_moving_average(g, m, beta_1)
    v = exponential_moving_average(ops.square(g), v, beta_2)
    return m, v, nadam_step(g, m, v, t, mu_product, alpha, beta_1, beta_2, epsilon)


def nadam_step(g, m, v, t, mu_product, alpha, beta_1, beta_2, epsilon):
    r"""The step of `nadam_update`, from the new moments.

    Args:
        g: Gradient $g_t$ of one variable.
        m: First moment $m_t$ with this gradient.
        v: Second moment $v_t$ with this gradient.
        t: Number of this step, from 1, a tensor in the dtype of `g`.
        mu_product: $\prod_{i=1}^{t} \mu_i$.
        alpha: Learning rate $\alpha$.
        beta_1: Limit $\beta_1$ of $\mu_t$, in the dtype of `g`.
        beta_2: Decay $\beta_2$ of the second moment, in the dtype of `g`.
        epsilon: $\epsilon$, outside the root.

    Returns:
        The step.

    Example:
        >>> g, m, v, t = (ops.array(x) for x in (2.0, 0.2, 0.004, 1.0))
        >>> beta_1, beta_2 = ops.array(0.9), ops.array(0.999)
        >>> round(float(nadam_step(g, m, v, t, 0.468, 0.1, beta_1, beta_2, 0.0)), 4)
        0.1063
    """
    mu, mu_next = nadam_momentum(t, beta_1), nadam_momentum(t + 1, beta_1)
    # Scalars first: each pass over a tensor costs more than all of them.
    share_m = alpha * mu_next / (1 - mu_product * mu_next)
    share_g = alpha * (1 - mu) / (1 - mu_product)
    alpha_m_hat = ops.add(share_m * m, ops.multiply(share_g, g))
    v_hat = ops.convert_to_tensor(v) / (1 - ops.power(beta_2, t))
    return alpha_m_hat / (ops.sqrt(v_hat) + epsilon)
