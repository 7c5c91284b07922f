"""Loss objects of distributions and counts."""

from kerasdl.losses.base import FunctionLoss, register
from kerasdl.losses.divergences import kl_divergence, poisson


@register
class KLDivergence(FunctionLoss):
    r"""Kullback-Leibler divergence.

    $$L = \frac{1}{B} \sum_b \sum_k y_{bk} \log \frac{y_{bk}}{p_{bk}}$$

    See `kl_divergence` for the terms of the sum.

    Args:
        reduction: `"sum_over_batch_size"`, `"mean"`, `"mean_with_sample_weight"`, `"sum"` or
            `None`.
        name: Name of the loss.
        dtype: Dtype (or policy) of the computation; default `keras.config.floatx()`.

    Example:
        >>> round(float(KLDivergence()([[1.0, 0.0]], [[0.5, 0.5]])), 4)
        0.6931
    """

    def __init__(self, reduction="sum_over_batch_size", name="kl_divergence", dtype=None):
        super().__init__(kl_divergence, name, reduction, dtype)


@register
class Poisson(FunctionLoss):
    r"""Negative log-likelihood of counts.

    $$L = \frac{1}{B n} \sum_{b,i} \hat y_{bi} - y_{bi} \log \hat y_{bi}$$

    See `poisson` for the terms of the sum.

    Args:
        reduction: `"sum_over_batch_size"`, `"mean"`, `"mean_with_sample_weight"`, `"sum"` or
            `None`.
        name: Name of the loss.
        dtype: Dtype (or policy) of the computation; default `keras.config.floatx()`.

    Example:
        >>> round(float(Poisson()([1.0], [1.0])), 4)
        1.0
    """

    def __init__(self, reduction="sum_over_batch_size", name="poisson", dtype=None):
        super().__init__(poisson, name, reduction, dtype)
