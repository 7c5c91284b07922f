"""Loss objects of regions and of embeddings."""

from kerasdl.losses.base import FunctionLoss, register
from kerasdl.losses.circle import circle
from kerasdl.losses.overlap import dice, tversky


@register
class Dice(FunctionLoss):
    r"""One minus the Dice coefficient of two regions.

    $$L = 1 - \frac{2 \sum_i y_i p_i}{\sum_i y_i + \sum_i p_i}$$

    See `dice` for the terms of the sum.

    Args:
        reduction: `"sum_over_batch_size"`, `"mean"`, `"mean_with_sample_weight"`, `"sum"` or
            `None`.
        name: Name of the loss.
        axis: Axes of one region; `None` for all, the batch included.
        dtype: Dtype (or policy) of the computation; default `keras.config.floatx()`.

    Example:
        >>> round(float(Dice()([1.0, 1.0], [1.0, 0.0])), 4)
        0.3333
    """

    def __init__(self, reduction="sum_over_batch_size", name="dice", axis=None, dtype=None):
        super().__init__(dice, name, reduction, dtype, axis=axis)


@register
class Tversky(FunctionLoss):
    r"""Dice loss that weighs what is missed and what is too much differently.

    $$L = 1 - \frac{\sum_i y_i p_i}{\sum_i y_i p_i + \alpha \sum_i y_i (1 - p_i) + \beta
      \sum_i (1 - y_i) p_i}$$

    See `tversky` for the terms of the sum.

    Args:
        alpha: Weight of what is missed.
        beta: Weight of what is too much.
        reduction: `"sum_over_batch_size"`, `"mean"`, `"mean_with_sample_weight"`, `"sum"` or
            `None`.
        name: Name of the loss.
        axis: Axes of one region; `None` for all, the batch included.
        dtype: Dtype (or policy) of the computation; default `keras.config.floatx()`.

    Example:
        >>> round(float(Tversky()([1.0, 1.0], [1.0, 0.0])), 4)
        0.3333
    """

    def __init__(
        self,
        alpha=0.5,
        beta=0.5,
        reduction="sum_over_batch_size",
        name="tversky",
        axis=None,
        dtype=None,
    ):
        super().__init__(tversky, name, reduction, dtype, alpha=alpha, beta=beta, axis=axis)


@register
class Circle(FunctionLoss):
    r"""Circle loss of a batch of embeddings.

    $$L = \frac{1}{B} \sum_i \log\left(1 + \sum_j e^{\gamma \alpha^-_{ij} (1 - m - d_{ij})}
      \sum_j e^{-\gamma \alpha^+_{ij} (m - d_{ij})}\right)$$

    See `circle` for the terms of the sum.

    Args:
        gamma: Scale.
        margin: Margin $m$.
        remove_diagonal: Whether pairs of an example with itself are left out.
        reduction: `"sum_over_batch_size"`, `"mean"`, `"mean_with_sample_weight"`, `"sum"` or
            `None`.
        name: Name of the loss.
        dtype: Dtype (or policy) of the computation; default `keras.config.floatx()`.

    Example:
        >>> round(float(Circle()([0, 1], [[1.0, 0.0], [0.0, 1.0]])), 4)
        0.0
    """

    def __init__(
        self,
        gamma=80.0,
        margin=0.4,
        remove_diagonal=True,
        reduction="sum_over_batch_size",
        name="circle",
        dtype=None,
    ):
        super().__init__(
            circle,
            name,
            reduction,
            dtype,
            gamma=gamma,
            margin=margin,
            remove_diagonal=remove_diagonal,
        )
