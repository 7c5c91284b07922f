"""Muon: momentum whose step is made orthogonal."""

import math

from keras import ops


def newton_schulz(x, steps=5, a=3.4445, b=-4.7750, c=2.0315):
    r"""Push all singular values of a matrix towards 1, with products only.

    $$X_0 = X / \lVert X\rVert_F, \qquad
      X_{k+1} = a X_k + (b\, X_k X_k^\top + c\, (X_k X_k^\top)^2)\, X_k$$

    Args:
        x: Matrix (rows, columns).
        steps: Number of iterations.
        a: Coefficient $a$: the slope at 0.
        b: Coefficient $b$.
        c: Coefficient $c$.

    Returns:
        Matrix (rows, columns): about $U V^\top$ of the singular value decomposition of `x`.

    Raises:
        ValueError: If `x` is no matrix.

    Source:
        Jordan et al., 2024, Muon, the section on Newton-Schulz iteration.

    Example:
        >>> y = newton_schulz(ops.array([[2.0, 0.0], [0.0, 1.0]]))
        >>> 0.6 < float(y[0, 0]) < 1.3
        True
    """
    if len(x.shape) < 2:
        raise ValueError(f"`x` must have at least 2 dimensions, received shape {tuple(x.shape)}.")
    tall = x.shape[-2] > x.shape[-1]
    if tall:  # the product X Xᵀ is then the smaller of the two
        x = ops.swapaxes(x, -2, -1)
    norm = ops.sqrt(ops.sum(ops.square(x), axis=(-2, -1), keepdims=True))
    x = x / (norm + 1e-7)
    for _ in range(steps):
        xx = x @ ops.swapaxes(x, -2, -1)
        x = a * x + (b * xx + c * xx @ xx) @ x
    return ops.swapaxes(x, -2, -1) if tall else x


def rms_factor(shape, rms_rate):
    r"""Return $r \sqrt{\max(\text{rows}, \text{columns})}$.

    The entries of an orthogonal matrix have the root mean square $1 / \sqrt{\max(\dots)}$; times
    this factor, it is $r$ for a matrix of any shape.

    Args:
        shape: Shape of a matrix.
        rms_rate: $r$; `None` for the factor 1.

    Source:
        Liu et al., 2025, Muon is Scalable for LLM Training, section 2.2.

    Example:
        >>> rms_factor((4, 2), 0.2)
        0.4
    """
    return 1 if rms_rate is None else math.sqrt(max(shape[-2:])) * rms_rate


def muon_update(g, m, alpha, mu, nesterov=True, rms_rate=0.2, **newton_schulz_arguments):
    r"""One step of Muon, for matrices.

    $$m_t = \mu m_{t-1} + g_t, \qquad
      \Delta_t = \alpha\, r \sqrt{\max(\text{rows}, \text{columns})}\;
                 \mathrm{NewtonSchulz}(g_t + \mu m_t)$$

    Args:
        g: Gradient $g_t$ (rows, columns).
        m: Momentum $m_{t-1}$, of the same shape.
        alpha: Learning rate $\alpha$.
        mu: Momentum $\mu$.
        nesterov: Whether $g_t + \mu m_t$ is made orthogonal, or $m_t$.
        rms_rate: $r$: the root mean square of a step at $\alpha = 1$; `None` for no scaling.
        **newton_schulz_arguments: Further arguments of `newton_schulz`.

    Returns:
        `(m_t, step)`.

    Source:
        Jordan et al., 2024, Muon. Liu et al., 2025, Muon is Scalable for LLM Training, for $r$.

    Example:
        >>> m, step = muon_update(ops.ones((2, 2)), ops.zeros((2, 2)), 0.1, 0.95)
        >>> tuple(step.shape)
        (2, 2)
    """
    m = ops.convert_to_tensor(m)
    m = m + ops.add(g, m * (mu - 1))
    direction = newton_schulz(ops.add(g, mu * m) if nesterov else m, **newton_schulz_arguments)
    return m, alpha * rms_factor(direction.shape, rms_rate) * direction
