"""The largest singular value of a matrix, by power iteration."""

from keras import ops

from kerasdl.backend import promotion_keeps_float64
from kerasdl.ops.normalization import unit_normalization


def spectral_norm(W, u, power_iterations=1):
    r"""Estimate how much a matrix can stretch a vector.

    $$v \leftarrow \frac{u W^\top}{\lVert u W^\top\rVert_2}, \qquad
      u \leftarrow \frac{v W}{\lVert v W\rVert_2}, \qquad
      \sigma = v W u^\top$$

    repeated; $\sigma$ goes up to the largest singular value of $W$.

    Args:
        W: Tensor (m, n).
        u: Tensor (1, n), the direction to start from: of the last call, or random.
        power_iterations: How often to repeat.

    Returns:
        $\sigma$ of shape (1, 1) and the new u (1, n). No gradient flows through the directions.

    Source:
        Miyato et al., 2018, Spectral Normalization for Generative Adversarial Networks, appendix A.

    Example:
        >>> W = ops.array([[3.0, 0.0], [0.0, 4.0]])
        >>> sigma, u = spectral_norm(W, ops.array([[0.6, 0.8]]), power_iterations=20)
        >>> round(float(sigma[0, 0]), 4)
        4.0
    """
    with promotion_keeps_float64():
        for _ in range(power_iterations):
            v = unit_normalization(ops.matmul(u, ops.transpose(W)))
            u = unit_normalization(ops.matmul(v, W))
        v, u = ops.stop_gradient(v), ops.stop_gradient(u)
        return ops.matmul(ops.matmul(v, W), ops.transpose(u)), u
