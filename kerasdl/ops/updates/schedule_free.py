"""Schedule-free AdamW: averaging in place of a decaying learning rate."""

from keras import ops

from kerasdl.ops.updates.momentum import constant_like


def schedule_free_update(y, g, z, v, t, alpha, beta_1, beta_2, epsilon):
    r"""One step of schedule-free AdamW.

    The weights $y$ lie between the fast sequence $z$, which takes the steps, and its mean $x$,
    $y = (1 - \beta_1) z + \beta_1 x$; so $x$ need not be stored.

    $$\begin{aligned}
      s_t &= \alpha\, g_t / (\sqrt{v_t / (1 - \beta_2^t)} + \epsilon) \\
      z_t &= z_{t-1} - s_t \\
      x_{t-1} &= (y_{t-1} - (1 - \beta_1) z_{t-1}) / \beta_1 \\
      x_t &= (1 - 1/t)\, x_{t-1} + z_t / t \\
      y_t &= (1 - \beta_1)\, z_t + \beta_1 x_t
    \end{aligned}$$

    The last three lines, $z_{t-1} = z_t + s_t$ put into them, are one:

    $$y_t = (1 - 1/t) \big( y_{t-1} - (1 - \beta_1)\, s_t \big) + z_t / t$$

    Args:
        y: The variable $y_{t-1}$.
        g: Gradient $g_t$ at $y_{t-1}$, of the same shape.
        z: Fast sequence $z_{t-1}$, of the same shape.
        v: Second moment $v_t = \beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2$, of the same shape.
        t: Number of this step, from 1, in the dtype of `g`.
        alpha: Learning rate $\alpha$ (with the warm-up in it).
        beta_1: Weight $\beta_1$ of the mean.
        beta_2: Decay $\beta_2$ of the second moment.
        epsilon: $\epsilon$, outside the root.

    Returns:
        `(z_t, y_t)`.

    Source:
        Defazio et al., 2024, The Road Less Scheduled, algorithm 1, with the weights $1/t$ (theirs
        are in proportion to the squared learning rate, which is the same if it is constant).

    Example:
        >>> one, v = ops.array(1.0), ops.array(0.001)
        >>> z, y = schedule_free_update(one, one, one, v, one, 0.1, 0.9, 0.999, 0.0)
        >>> round(float(z), 4), round(float(y), 4)
        (0.9, 0.9)
    """
    y, z, t = (ops.convert_to_tensor(x) for x in (y, z, t))
    beta_1, beta_2 = ops.cast(beta_1, t.dtype), ops.cast(beta_2, t.dtype)
    root = ops.sqrt(v * (1 / (1 - ops.power(beta_2, t)))) + ops.cast(epsilon, t.dtype)
    s_t = ops.divide(ops.multiply(constant_like(alpha, g), g), root)
    z_t = ops.subtract(z, s_t)
    # The three lines in one: z_{t-1} is not read again, so z_t can take its place in memory.
    y_t = (1 - 1 / t) * (y - (1 - beta_1) * s_t) + (1 / t) * z_t
    return z_t, y_t
