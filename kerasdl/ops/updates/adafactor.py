"""Adafactor: the second moment of a matrix from the moments of its rows and columns."""

from keras import ops

from kerasdl.ops.limits import maximum, minimum
from kerasdl.ops.updates.momentum import exponential_moving_average


def adafactor_update(theta, g, r, c, v, t, alpha, beta_2_decay, epsilon_1, epsilon_2, d):
    r"""One step of Adafactor.

    $$\begin{aligned}
      \hat\beta_t &= 1 - t^{\gamma} \\
      R_t &= \hat\beta_t R_{t-1} + (1 - \hat\beta_t)\, \mathrm{mean}_j(g_t^2 + \epsilon_1) \\
      C_t &= \hat\beta_t C_{t-1} + (1 - \hat\beta_t)\, \mathrm{mean}_i(g_t^2 + \epsilon_1) \\
      V_t &= R_t C_t^\top / \mathrm{mean}_i(R_t) \\
      U_t &= g_t / \sqrt{V_t}, \qquad \hat U_t = U_t / \max(1, \mathrm{RMS}(U_t) / d) \\
      \Delta_t &= \max(\epsilon_2, \mathrm{RMS}(\theta_{t-1}))\, \rho_t\, \hat U_t, \qquad
          \rho_t = \min(\alpha, 1 / \sqrt t)
    \end{aligned}$$

    A vector has no rows: its $V_t$ is the moving average of $g_t^2 + \epsilon_1$ itself.

    Args:
        theta: The variable $\theta_{t-1}$; its last two axes are rows and columns.
        g: Gradient $g_t$, of the same shape.
        r: Moments of the rows $R_{t-1}$, without the last axis; not looked at for a vector.
        c: Moments of the columns $C_{t-1}$, without the last but one; likewise.
        v: Second moment $V_{t-1}$ of a vector; that of a matrix is not looked at.
        t: Number of this step, from 1, in the dtype of `g`.
        alpha: Learning rate $\alpha$.
        beta_2_decay: $\gamma < 0$.
        epsilon_1: $\epsilon_1$, so that a gradient of zero divides by something.
        epsilon_2: $\epsilon_2$, so that a variable of zeros moves.
        d: Root mean square to which the direction is clipped.

    Returns:
        `(r_t, c_t, v_t, step)`; for a vector, `r` and `c` as they came.

    Source:
        Shazeer and Stern, 2018, Adafactor, algorithms 4 to 6.

    Example:
        >>> theta, g = ops.array([[3.0, 4.0]]), ops.array([[2.0, 1.0]])
        >>> zeros = ops.zeros((1,)), ops.zeros((2,)), ops.zeros((1, 2))
        >>> r, c, v, step = adafactor_update(theta, g, *zeros, 1.0, 0.1, -0.8, 1e-30, 1e-3, 1.0)
        >>> [round(float(x), 4) for x in (*v[0], *step[0])]  # one row: V is the square of g
        [4.0, 1.0, 0.3536, 0.3536]
    """
    t = ops.convert_to_tensor(t)
    beta_2 = 1 - ops.power(t, beta_2_decay)
    g_squared = ops.add(ops.square(g), ops.cast(epsilon_1, t.dtype))
    if len(theta.shape) < 2:
        v = exponential_moving_average(g_squared, v, beta_2)
    else:
        r = exponential_moving_average(ops.mean(g_squared, axis=-1), r, beta_2)
        c = exponential_moving_average(ops.mean(g_squared, axis=-2), c, beta_2)
        rows = r / ops.mean(r, axis=-1, keepdims=True)
        v = ops.expand_dims(rows, -1) * ops.expand_dims(c, -2)
    u = ops.divide(g, ops.sqrt(v))
    u_hat = ops.divide(u, maximum(1.0, _rms(u) / d))
    rho = minimum(alpha, 1 / ops.sqrt(t))
    scale = maximum(ops.cast(epsilon_2, u.dtype), _rms(theta))  # rounded as Keras rounds it
    return r, c, v, ops.multiply(scale * rho, u_hat)


def _rms(x):
    return ops.sqrt(ops.mean(ops.square(x)))
