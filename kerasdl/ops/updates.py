"""Update rules of the optimisers: gradient and state in, new state and step out."""

from keras import ops


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
        `(m_t, v_t, alpha_t, step)`, where the parameter becomes $\theta_{t-1} - \Delta_t$.

    Source:
        Kingma and Ba, 2015, Adam, section 2: the order of computation named after Algorithm 1,
        whose bias corrections are folded into $\alpha_t$.

    Example:
        >>> m, v, alpha_t, step = adam_update(ops.array(2.0), 0.0, 0.0, 1.0, 0.1, 0.9, 0.999, 0.0)
        >>> round(float(step), 3)
        0.1
    """
    t = ops.convert_to_tensor(t)
    m = m + (1 - beta_1) * (g - m)  # = β₁ m + (1 − β₁) g
    v = v + (1 - beta_2) * (ops.square(g) - v)  # = β₂ v + (1 − β₂) g²
    # `ops.cast` as in Keras: equal to the last digit, whatever the backend makes of a constant.
    beta_1, beta_2 = ops.cast(beta_1, t.dtype), ops.cast(beta_2, t.dtype)
    alpha_t = alpha * ops.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    return m, v, alpha_t, alpha_t * m / (ops.sqrt(v) + epsilon)
