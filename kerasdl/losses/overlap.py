"""Losses of overlap, for segmentation: how much of two regions coincides."""

import keras
from keras import ops

from kerasdl.losses.base import as_tensors, register


@register
def dice(y_true, y_pred, axis=None):
    r"""One minus the Dice coefficient of two regions.

    $$\ell = 1 - \frac{2 \sum_i y_i p_i}{\sum_i y_i + \sum_i p_i + \epsilon}$$

    Args:
        y_true: Region $y$, 0 and 1.
        y_pred: Predicted region $p$, in [0, 1].
        axis: Axes of one region; `None` for all, the batch included.

    Returns:
        Tensor without `axis`; 0 where the regions coincide.

    Source:
        Milletari et al., 2016, V-Net, section 3 (without its squares).

    Example:
        >>> round(float(dice([1.0, 1.0], [1.0, 0.0])), 4)
        0.3333
    """
    y, p = as_tensors(y_true, y_pred)
    overlap = ops.sum(y * p, axis=axis)
    total = ops.sum(y, axis=axis) + ops.sum(p, axis=axis)
    return 1 - 2 * overlap / (total + keras.config.epsilon())


@register
def tversky(y_true, y_pred, alpha=0.5, beta=0.5, axis=None):
    r"""Dice loss that weighs what is missed and what is too much differently.

    $$\ell = 1 - \frac{\sum_i y_i p_i}{\sum_i y_i p_i + \alpha \sum_i y_i (1 - p_i)
        + \beta \sum_i (1 - y_i)\, p_i + \epsilon}$$

    Args:
        y_true: Region $y$, 0 and 1.
        y_pred: Predicted region $p$, in [0, 1].
        alpha: $\alpha$, weight of what is missed.
        beta: $\beta$, weight of what is too much.
        axis: Axes of one region; `None` for all, the batch included.

    Returns:
        Tensor without `axis`; 0 where the regions coincide.

    Source:
        Salehi et al., 2017, Tversky Loss Function for Image Segmentation, equation 2.

    Example:
        >>> round(float(tversky([1.0, 1.0], [1.0, 0.0])), 4)
        0.3333

    Differences from the paper and from Keras: none in the numbers; Keras calls the missed part
    "false positives".
    """
    y, p = as_tensors(y_true, y_pred)
    overlap = ops.sum(y * p, axis=axis)
    missed = ops.sum(y * (1 - p), axis=axis)
    too_much = ops.sum((1 - y) * p, axis=axis)
    return 1 - overlap / (overlap + alpha * missed + beta * too_much + keras.config.epsilon())
