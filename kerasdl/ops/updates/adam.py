"""Adam and the rules that differ from it in one line: AMSGrad, AdamW, Adamax."""

from keras import ops

from kerasdl.ops.limits import maximum
from kerasdl.ops.updates.momentum import exponential_moving_average


def adam_update(g, m, v, t, alpha, beta_1, beta_2, epsilon):
    r"""One step of Adam: a moving mean of the gradient over the root of that of its square.

    $$\begin{aligned}
      m_t &= \beta_1 m_{t-1} + (1 - \beta_1)\, g_t \\
      v_t &= \beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2 \\
      \alpha_t &= \alpha\, \sqrt{1 - \beta_2^t} \,/\, (1 - \beta_1^t) \\
      \Delta_t &= \alpha_t\, m_t / (\sqrt{v_t} + \hat\epsilon)
    \end{aligned}$$

    Args:
        g: Gradient $g_t$ of one variable.
        m: First moment $m_{t-1}$, of the same shape.
        v: Second moment $v_{t-1}$, of the same shape.
        t: Number of this step, from 1, in the dtype of `g`.
        alpha: Learning rate $\alpha$.
        beta_1: Decay $\beta_1$ of the first moment.
        beta_2: Decay $\beta_2$ of the second moment.
        epsilon: $\hat\epsilon$, outside the root.

    Returns:
        `(m_t, v_t, step)`.

    Source:
        Kingma and Ba, 2015, Adam, section 2: the order of computation named after Algorithm 1,
        whose bias corrections are folded into $\alpha_t$.

    Example:
        >>> m, v, step = adam_update(ops.array(2.0), 0.0, 0.0, 1.0, 0.1, 0.9, 0.999, 0.0)
        >>> round(float(step), 3)
        0.1
    """
    m = exponential_moving_average(g, m, beta_1)
    v = exponential_moving_average(ops.square(g), v, beta_2)
    return m, v, adam_step(m, v, t, alpha, beta_1, beta_2, epsilon)


def adam_step(m, v, t, alpha, beta_1, beta_2, epsilon):
    r"""The step of `adam_update`, $\alpha_t\, m_t / (\sqrt{v_t} + \hat\epsilon)$.

    Args:
        m: First moment $m_t$ with this gradient.
        v: Second moment $v_t$ with this gradient, or AMSGrad's $\hat v_t$.
        t: Number of this step, from 1, in the dtype of `m`.
        alpha: Learning rate $\alpha$.
        beta_1: Decay $\beta_1$ of the first moment.
        beta_2: Decay $\beta_2$ of the second moment.
        epsilon: $\hat\epsilon$, outside the root.

    Returns:
        The step.

    Example:
        >>> m, v = ops.array(0.2), ops.array(0.004)
        >>> round(float(adam_step(m, v, 1.0, 0.1, 0.9, 0.999, 0.0)), 3)
        0.1
    """
    t = ops.convert_to_tensor(t)
    # `ops.cast` as in Keras: equal to the last digit, whatever the backend makes of a constant.
    beta_1, beta_2 = ops.cast(beta_1, t.dtype), ops.cast(beta_2, t.dtype)
    alpha_t = alpha * ops.sqrt(1 - ops.power(beta_2, t)) / (1 - ops.power(beta_1, t))
    return alpha_t * ops.convert_to_tensor(m) / (ops.sqrt(v) + epsilon)


def amsgrad_update(g, m, v, v_hat, t, alpha, beta_1, beta_2, epsilon):
    r"""Adam whose denominator never shrinks.

    $$\hat v_t = \max(\hat v_{t-1}, v_t), \qquad
      \Delta_t = \alpha_t\, m_t / (\sqrt{\hat v_t} + \hat\epsilon)$$

    with $m_t$, $v_t$ and $\alpha_t$ of `adam_update`.

    Args:
        g: Gradient $g_t$ of one variable.
        m: First moment $m_{t-1}$, of the same shape.
        v: Second moment $v_{t-1}$, of the same shape.
        v_hat: Largest second moment $\hat v_{t-1}$, of the same shape.
        t: Number of this step, from 1, in the dtype of `g`.
        alpha: Learning rate $\alpha$.
        beta_1: Decay $\beta_1$ of the first moment.
        beta_2: Decay $\beta_2$ of the second moment.
        epsilon: $\hat\epsilon$, outside the root.

    Returns:
        `(m_t, v_t, v_hat_t, step)`.

    Source:
        Reddi et al., 2018, On the Convergence of Adam and Beyond, algorithm 2.

    Example:
        >>> zero, high = ops.array(0.0), ops.array(1.0)
        >>> m, v, v_hat, step = amsgrad_update(
        ...     ops.array(2.0), zero, zero, high, 1.0, 0.1, 0.9, 0.999, 0.0)
        >>> float(v_hat)
        1.0

    Differences from the paper: it has no bias correction; with it, as in Keras, the largest $v_t$
    is taken before the correction.
    """
    m = exponential_moving_average(g, m, beta_1)
    v = exponential_moving_average(ops.square(g), v, beta_2)
    v_hat = maximum(v_hat, v)
    return m, v, v_hat, adam_step(m, v_hat, t, alpha, beta_1, beta_2, epsilon)


def adamw_update(theta, g, m, v, t, alpha, beta_1, beta_2, epsilon, weight_decay):
    r"""Adam with a decay that does not pass through the moments.

    $$\Delta_t = \alpha \lambda\, \theta_{t-1} + \alpha_t\, m_t / (\sqrt{v_t} + \hat\epsilon)$$

    with $m_t$, $v_t$ and $\alpha_t$ of `adam_update`.

    Args:
        theta: The variable $\theta_{t-1}$.
        g: Gradient $g_t$, of the same shape.
        m: First moment $m_{t-1}$, of the same shape.
        v: Second moment $v_{t-1}$, of the same shape.
        t: Number of this step, from 1, in the dtype of `g`.
        alpha: Learning rate $\alpha$.
        beta_1: Decay $\beta_1$ of the first moment.
        beta_2: Decay $\beta_2$ of the second moment.
        epsilon: $\hat\epsilon$, outside the root.
        weight_decay: $\lambda$.

    Returns:
        `(m_t, v_t, step)`.

    Source:
        Loshchilov and Hutter, 2019, Decoupled Weight Decay Regularization, algorithm 2, where
        $\alpha$ before $\lambda$ is absent and the schedule $\eta_t$ multiplies both terms.

    Example:
        >>> zero = ops.array(0.0)
        >>> m, v, step = adamw_update(
        ...     ops.array(10.0), zero, zero, zero, 1.0, 0.1, 0.9, 0.999, 1e-7, 0.5)
        >>> round(float(step), 4)
        0.5
    """
    m, v, step = adam_update(g, m, v, t, alpha, beta_1, beta_2, epsilon)
    return m, v, alpha * weight_decay * ops.convert_to_tensor(theta) + step


def adamax_update(g, m, u, t, alpha, beta_1, beta_2, epsilon):
    r"""Adam with the maximum norm in place of the root mean square.

    $$\begin{aligned}
      m_t &= \beta_1 m_{t-1} + (1 - \beta_1)\, g_t \\
      u_t &= \max(\beta_2 u_{t-1}, |g_t|) \\
      \Delta_t &= \frac{\alpha}{1 - \beta_1^t} \cdot \frac{m_t}{u_t + \epsilon}
    \end{aligned}$$

    Args:
        g: Gradient $g_t$ of one variable.
        m: First moment $m_{t-1}$, of the same shape.
        u: Norm $u_{t-1}$, of the same shape.
        t: Number of this step, from 1, in the dtype of `g`.
        alpha: Learning rate $\alpha$.
        beta_1: Decay $\beta_1$ of the first moment.
        beta_2: Decay $\beta_2$ of the norm.
        epsilon: $\epsilon$, absent in the paper.

    Returns:
        `(m_t, u_t, step)`.

    Source:
        Kingma and Ba, 2015, Adam, section 7.1, algorithm 2.

    Example:
        >>> zero = ops.array(0.0)
        >>> m, u, step = adamax_update(ops.array(2.0), zero, zero, 1.0, 0.1, 0.9, 0.999, 0.0)
        >>> float(u), round(float(step), 4)
        (2.0, 0.1)
    """
    m = exponential_moving_average(g, m, beta_1)
    u = maximum(beta_2 * ops.convert_to_tensor(u), ops.abs(g))
    return m, u, adamax_step(m, u, t, alpha, beta_1, epsilon)


def adamax_step(m, u, t, alpha, beta_1, epsilon):
    r"""The step of `adamax_update`, $\alpha\, m_t / ((1 - \beta_1^t)(u_t + \epsilon))$.

    Args:
        m: First moment $m_t$ with this gradient.
        u: Norm $u_t$ with this gradient.
        t: Number of this step, from 1, in the dtype of `m`.
        alpha: Learning rate $\alpha$.
        beta_1: Decay $\beta_1$ of the first moment.
        epsilon: $\epsilon$.

    Returns:
        The step.

    Example:
        >>> m, u = ops.array(0.2), ops.array(2.0)
        >>> round(float(adamax_step(m, u, 1.0, 0.1, 0.9, 0.0)), 4)
        0.1
    """
    t = ops.convert_to_tensor(t)
    alpha_t = alpha / (1 - ops.power(ops.cast(beta_1, t.dtype), t))
    return alpha_t * ops.convert_to_tensor(m) / (ops.convert_to_tensor(u) + epsilon)
