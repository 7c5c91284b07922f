"""Rotary positions."""

import numpy as np
from keras import ops
from keras.utils import standardize_dtype

from kerasdl.backend import promotion_keeps_float64


def rotary_embedding(x, positions=None, max_wavelength=10_000):
    r"""Turn pairs of features by an angle that grows with the position.

    $$\begin{pmatrix} y_{t,i} \\ y_{t,i+d/2} \end{pmatrix} =
      \begin{pmatrix} \cos t\theta_i & -\sin t\theta_i \\
                      \sin t\theta_i & \cos t\theta_i \end{pmatrix}
      \begin{pmatrix} x_{t,i} \\ x_{t,i+d/2} \end{pmatrix},
      \qquad \theta_i = \lambda^{-2i/d}, \quad i = 0, \dots, \tfrac d2 - 1$$

    The scalar product of a turned query and a turned key depends on the distance of their positions
    alone: $(R_t q)^\top (R_s k) = q^\top R_{s-t}\, k$.

    Args:
        x: Tensor (B, T, …, d), $d$ even: queries or keys, with or without a head axis.
        positions: $t$, integers (T,) or (B, T); default 0, 1, …, T − 1.
        max_wavelength: $\lambda$; the slowest pair turns once in about $2\pi\lambda$ positions.

    Returns:
        Tensor of the shape and dtype of `x`.

    Raises:
        ValueError: If $d$ is odd.

    Source:
        Su et al., 2021, RoFormer: Enhanced Transformer with Rotary Position Embedding, equation 15.

    Example:
        >>> y = rotary_embedding(ops.array([[[1.0, 0.0], [1.0, 0.0]]]))
        >>> [[round(float(v), 4) for v in row] for row in y[0]]
        [[1.0, 0.0], [0.5403, 0.8415]]

    Differences from the paper: feature $i$ is paired with $i + d/2$ instead of $2i$ with
    $2i + 1$, as in KerasHub and most libraries: the same but for the order of the features.
    """
    d = x.shape[-1]
    if d % 2:
        raise ValueError(f"`x` must have an even number of features, received {d}.")
    positions = ops.arange(ops.shape(x)[1]) if positions is None else positions
    # Angles are not computed in half precision: bfloat16 cannot tell position 256 from 257.
    dtype = "float64" if standardize_dtype(x.dtype) == "float64" else "float32"
    theta = max_wavelength ** (-2 * np.arange(d // 2) / d)  # (d/2,)
    t = ops.expand_dims(ops.cast(positions, dtype), -1)
    angle = t * ops.convert_to_tensor(theta, dtype)  # (…, T, d/2)
    with promotion_keeps_float64():
        cos, sin = (ops.cast(f(angle), x.dtype) for f in (ops.cos, ops.sin))
    for _ in range(len(x.shape) - 3):  # the axes between time and features
        cos, sin = ops.expand_dims(cos, -2), ops.expand_dims(sin, -2)
    a, b = x[..., : d // 2], x[..., d // 2 :]
    return ops.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1)
