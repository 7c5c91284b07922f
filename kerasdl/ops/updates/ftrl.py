"""Follow the regularised leader."""

from keras import ops

from kerasdl.ops.limits import clip


def ftrl_update(theta, g, n, z, alpha, power, l1, l2, shrinkage):
    r"""FTRL-proximal: the minimum of all past linearised losses plus the penalties.

    $$\begin{aligned}
      n_t &= n_{t-1} + g_t^2 \\
      z_t &= z_{t-1} + g_t + 2 \lambda_s \theta_{t-1}
             - \frac{n_t^{-p} - n_{t-1}^{-p}}{\alpha}\, \theta_{t-1} \\
      \theta_t &= \frac{\mathrm{clip}(z_t, -\lambda_1, \lambda_1) - z_t}
                       {n_t^{-p} / \alpha + 2 \lambda_2}
    \end{aligned}$$

    so that $\theta_t = 0$ wherever $|z_t| \le \lambda_1$.

    Args:
        theta: The variable $\theta_{t-1}$.
        g: Gradient $g_t$, of the same shape.
        n: Sum of squares $n_{t-1}$, of the same shape.
        z: Linear term $z_{t-1}$, of the same shape.
        alpha: Learning rate $\alpha$.
        power: $p \le 0$, in the paper −1/2.
        l1: $\lambda_1$.
        l2: $\lambda_2$ (with the paper's $\beta / (2\alpha)$ added to it).
        shrinkage: $\lambda_s$, a penalty on the loss; absent in the paper.

    Returns:
        `(n_t, z_t, theta_t)`.

    Source:
        McMahan et al., 2013, Ad Click Prediction: a View from the Trenches, algorithm 1.

    Example:
        >>> theta, g, n, z = (ops.array(x) for x in (1.0, 2.0, 0.0, 0.0))
        >>> n, z, theta = ftrl_update(theta, g, n, z, 1.0, -0.5, 0.0, 0.0, 0.0)
        >>> float(n), abs(float(z)), abs(float(theta))
        (4.0, 0.0, 0.0)
    """
    theta, n, z = (ops.convert_to_tensor(x) for x in (theta, n, z))
    n_t = ops.add(n, ops.square(g))
    root_t = n_t**-power
    sigma = (root_t - n**-power) / alpha
    z = z + ops.subtract(ops.add(g, 2 * shrinkage * theta), sigma * theta)
    theta = (clip(z, -l1, l1) - z) / (root_t / alpha + 2 * l2)
    return n_t, z, theta
