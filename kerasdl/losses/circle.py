"""Circle loss, for embeddings that are compared with each other."""

import keras
from keras import ops

from kerasdl.activations import softplus
from kerasdl.backend import set_mask
from kerasdl.losses.base import register
from kerasdl.ops.limits import maximum
from kerasdl.ops.linear import product


@register
def circle(
    y_true,
    y_pred,
    ref_labels=None,
    ref_embeddings=None,
    remove_diagonal=True,
    gamma=80,
    margin=0.4,
):
    r"""Pull embeddings of one class together, push those of others away, the worst ones most.

    With the cosine distances $d_{ij} = \max(1 - \langle x_i, x_j \rangle, 0)$:

    $$\ell_i = \log\left(1 + \sum_{j:\, y_j \ne y_i} e^{\gamma\, \alpha^-_{ij} (1 - m - d_{ij})}
        \sum_{j:\, y_j = y_i} e^{-\gamma\, \alpha^+_{ij} (m - d_{ij})}\right),$$

    $$\alpha^+_{ij} = \max(m + d_{ij}, 0), \qquad \alpha^-_{ij} = \max(1 + m - d_{ij}, 0)$$

    Args:
        y_true: Integer labels (B,) or (B, 1).
        y_pred: Embeddings $x$ (B, n) of length 1.
        ref_labels: Labels of the references; default the batch itself.
        ref_embeddings: Embeddings of the references (R, n); default the batch itself.
        remove_diagonal: Whether pairs $(i, i)$ are left out.
        gamma: $\gamma$, scale.
        margin: $m$.

    Returns:
        Tensor (B,). Where it is 0 (nothing to compare with) it does not count in the mean.

    Source:
        Sun et al., 2020, Circle Loss, equations 4 to 8.

    Example:
        >>> float(circle([0, 1], [[1.0, 0.0], [0.0, 1.0]])[0])
        0.0

    Differences from the paper and from Keras: the paper holds the weights $\alpha$ constant in the
    derivative; Keras, and this, differentiate through them.
    """
    x = ops.convert_to_tensor(y_pred)
    references = x if ref_embeddings is None else ops.cast(ref_embeddings, x.dtype)
    y = ops.reshape(ops.cast(ops.convert_to_tensor(y_true), "int32"), (-1, 1))
    y_ref = y if ref_labels is None else ops.cast(ops.convert_to_tensor(ref_labels), "int32")

    same = ops.equal(y, ops.reshape(y_ref, (1, -1)))  # (B, R)
    other = ops.logical_not(same)
    if remove_diagonal:
        i = ops.expand_dims(ops.arange(ops.shape(x)[0], dtype="int32"), 1)
        j = ops.expand_dims(ops.arange(ops.shape(references)[0], dtype="int32"), 0)
        same = ops.logical_and(same, ops.not_equal(i, j))

    d = maximum(1 - product(x, ops.transpose(references)), 0.0)
    attract = -gamma * maximum(margin + d, 0.0) * (margin - d)
    repel = gamma * maximum(1 + margin - d, 0.0) * (1 - margin - d)
    exponent = _log_sum_exp(attract, same) + _log_sum_exp(repel, other)
    loss = softplus(exponent)  # 0 for an example without a partner or without an opponent
    set_mask(loss, loss > 0)
    return loss


def _log_sum_exp(x, keep):
    """Return log Σ e^x over the kept entries of each row; a large negative number for none."""
    # Its exponential is 0; float16, and the sum of two, end at -65504.
    nothing = -3e4 if keras.utils.standardize_dtype(x.dtype) == "float16" else -1e30
    x = ops.where(keep, x, ops.cast(nothing, x.dtype))
    m = ops.stop_gradient(ops.max(x, axis=1, keepdims=True))
    return ops.log(ops.sum(ops.exp(x - m), axis=1)) + ops.squeeze(m, 1)
