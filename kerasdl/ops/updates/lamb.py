"""LAMB: Adam's direction, with a length in proportion to the layer's weights."""

from keras import ops

from kerasdl.ops.updates.momentum import exponential_moving_average


def lamb_update(theta, g, m, v, t, alpha, beta_1, beta_2, epsilon):
    r"""One step of LAMB.

    $$r_t = \frac{m_t / (1 - \beta_1^t)}{\sqrt{v_t / (1 - \beta_2^t)} + \epsilon}, \qquad
      \Delta_t = \alpha\, \frac{\lVert\theta_{t-1}\rVert}{\lVert r_t\rVert}\, r_t$$

    with $m_t$ and $v_t$ of `adam_update`; the ratio of norms is 1 where either of them is 0.

    Args:
        theta: The variable $\theta_{t-1}$.
        g: Gradient $g_t$, of the same shape.
        m: First moment $m_{t-1}$, of the same shape.
        v: Second moment $v_{t-1}$, of the same shape.
        t: Number of this step, from 1, in the dtype of `g`.
        alpha: Learning rate $\alpha$.
        beta_1: Decay $\beta_1$ of the first moment.
        beta_2: Decay $\beta_2$ of the second moment.
        epsilon: $\epsilon$, outside the root.

    Returns:
        `(m_t, v_t, step)`.

    Source:
        You et al., 2020, Large Batch Optimization for Deep Learning, algorithm 2. Its weight decay
        stands inside the norm of the step; here, as in Keras, it is decoupled.

    Example:
        >>> zero = ops.zeros(2)
        >>> theta, g = ops.array([3.0, 4.0]), ops.array([2.0, 0.0])
        >>> m, v, step = lamb_update(theta, g, zero, zero, 1.0, 0.1, 0.9, 0.999, 0.0001)
        >>> round(float(step[0]), 4)
        0.5
    """
    m = exponential_moving_average(g, m, beta_1)
    v = exponential_moving_average(ops.square(g), v, beta_2)
    return m, v, lamb_step(theta, m, v, t, alpha, beta_1, beta_2, epsilon)


def lamb_step(theta, m, v, t, alpha, beta_1, beta_2, epsilon):
    r"""The step of `lamb_update`, from the new moments.

    Args:
        theta: The variable $\theta_{t-1}$.
        m: First moment $m_t$ with this gradient.
        v: Second moment $v_t$ with this gradient.
        t: Number of this step, from 1, in the dtype of `m`.
        alpha: Learning rate $\alpha$.
        beta_1: Decay $\beta_1$ of the first moment.
        beta_2: Decay $\beta_2$ of the second moment.
        epsilon: $\epsilon$, outside the root.

    Returns:
        The step.

    Example:
        >>> theta, m, v = ops.array([3.0, 4.0]), ops.array([0.2, 0.0]), ops.array([0.004, 0.0])
        >>> round(float(lamb_step(theta, m, v, 1.0, 0.1, 0.9, 0.999, 0.0001)[0]), 4)
        0.5
    """
    t = ops.convert_to_tensor(t)
    beta_1, beta_2 = ops.cast(beta_1, t.dtype), ops.cast(beta_2, t.dtype)
    m_hat = m / (1 - ops.power(beta_1, t))
    v_hat = v / (1 - ops.power(beta_2, t))
    r = m_hat / (ops.sqrt(v_hat) + epsilon)
    theta_norm, r_norm = ops.sqrt(ops.sum(ops.square(theta))), ops.sqrt(ops.sum(ops.square(r)))
    both = ops.logical_and(theta_norm > 0, r_norm > 0)
    ratio = ops.where(both, theta_norm / ops.where(both, r_norm, 1.0), 1.0)
    return ratio * alpha * r
