"""The affine map, on which every network here is built."""

from keras import ops


def affine(x, W, b=None):
    r"""Weighted sum of the inputs plus a bias.

    $$z = x W + b, \qquad z_j = \sum_i x_i W_{ij} + b_j$$

    (The textbook's $z = W a + b$ for column vectors, written for one example a row.)

    Args:
        x: Tensor (…, n_in).
        W: Kernel (n_in, n_out).
        b: Bias (n_out,), or `None`.

    Returns:
        Tensor (…, n_out).

    Example:
        >>> from keras import ops
        >>> z = affine(ops.array([[1.0, 2.0]]), ops.array([[3.0], [4.0]]), ops.array([0.5]))
        >>> float(z[0, 0])
        11.5
    """
    z = ops.matmul(x, W)  # (…, n_out)
    return z if b is None else z + b
