"""Loss objects with a margin."""

from kerasdl.losses.base import FunctionLoss, register
from kerasdl.losses.hinges import categorical_hinge, hinge, squared_hinge


@register
class Hinge(FunctionLoss):
    r"""Loss of the support vector machine.

    $$L = \frac{1}{B n} \sum_{b,i} \max(1 - y_{bi} \hat y_{bi}, 0)$$

    See `hinge` for the terms of the sum.

    Args:
        reduction: `"sum_over_batch_size"`, `"mean"`, `"mean_with_sample_weight"`, `"sum"` or
            `None`.
        name: Name of the loss.
        dtype: Dtype (or policy) of the computation; default `keras.config.floatx()`.

    Example:
        >>> round(float(Hinge()([1.0, -1.0], [0.5, -2.0])), 4)
        0.25
    """

    def __init__(self, reduction="sum_over_batch_size", name="hinge", dtype=None):
        super().__init__(hinge, name, reduction, dtype)


@register
class SquaredHinge(FunctionLoss):
    r"""Hinge loss without the kink.

    $$L = \frac{1}{B n} \sum_{b,i} \max(1 - y_{bi} \hat y_{bi}, 0)^2$$

    See `squared_hinge` for the terms of the sum.

    Args:
        reduction: `"sum_over_batch_size"`, `"mean"`, `"mean_with_sample_weight"`, `"sum"` or
            `None`.
        name: Name of the loss.
        dtype: Dtype (or policy) of the computation; default `keras.config.floatx()`.

    Example:
        >>> round(float(SquaredHinge()([1.0, -1.0], [0.5, -2.0])), 4)
        0.125
    """

    def __init__(self, reduction="sum_over_batch_size", name="squared_hinge", dtype=None):
        super().__init__(squared_hinge, name, reduction, dtype)


@register
class CategoricalHinge(FunctionLoss):
    r"""Hinge loss of several classes.

    $$L = \frac{1}{B} \sum_b \max\left(\max_k (1 - y_{bk}) \hat y_{bk} - \sum_k y_{bk} \hat
      y_{bk} + 1, 0\right)$$

    See `categorical_hinge` for the terms of the sum.

    Args:
        reduction: `"sum_over_batch_size"`, `"mean"`, `"mean_with_sample_weight"`, `"sum"` or
            `None`.
        name: Name of the loss.
        dtype: Dtype (or policy) of the computation; default `keras.config.floatx()`.

    Example:
        >>> round(float(CategoricalHinge()([[0.0, 1.0]], [[0.5, 1.0]])), 4)
        0.5
    """

    def __init__(self, reduction="sum_over_batch_size", name="categorical_hinge", dtype=None):
        super().__init__(categorical_hinge, name, reduction, dtype)
