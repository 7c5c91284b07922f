"""Attention through many layers."""

from keras import ops


def attention_rollout(maps):
    r"""Multiply the attention of all layers: what each last token has of each first one.

    $$R = \hat A^{(L)} \cdots \hat A^{(1)}, \qquad
      \hat A^{(l)} = \tfrac12 \Big( I + \tfrac1N \sum_{n=1}^N A^{(l)}_n \Big)$$

    The identity stands for the residual connection, which hands every token on beside what the
    heads add to it.

    Args:
        maps: For each layer, first to last, the weights (B, N, T, T); their rows sum to 1.

    Returns:
        Tensor (B, T, T); its rows sum to 1.

    Source:
        Abnar and Zuidema, 2020, Quantifying Attention Flow in Transformers, section 3.

    Example:
        >>> swap = ops.array([[[[0.0, 1.0], [1.0, 0.0]]]])
        >>> [[float(a) for a in row] for row in attention_rollout([swap, swap])[0]]
        [[0.5, 0.5], [0.5, 0.5]]
    """
    R = None
    for A in maps:
        A = ops.sum(A, axis=1) / A.shape[1]  # (B, T, T)
        A = (A + ops.eye(A.shape[-1], dtype=A.dtype)) / 2
        R = A if R is None else A @ R
    return R
