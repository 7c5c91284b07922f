"""Loss objects of numbers."""

import keras

from kerasdl.losses.base import FunctionLoss, register
from kerasdl.losses.regression import (
    cosine_similarity,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)


@register
class MeanSquaredError(FunctionLoss):
    r"""Mean of the squared errors.

    $$L = \frac{1}{B} \sum_b \frac{1}{n} \sum_i (y_{bi} - \hat y_{bi})^2$$

    See `mean_squared_error` for the terms of the sum.

    Args:
        reduction: `"sum_over_batch_size"`, `"mean"`, `"mean_with_sample_weight"`, `"sum"` or
            `None`.
        name: Name of the loss.
        dtype: Dtype (or policy) of the computation; default `keras.config.floatx()`.

    Example:
        >>> round(float(MeanSquaredError()([1.0, 0.0], [0.0, 0.0])), 4)
        0.5
    """

    def __init__(self, reduction="sum_over_batch_size", name="mean_squared_error", dtype=None):
        super().__init__(mean_squared_error, name, reduction, dtype)


@register
class MeanAbsoluteError(FunctionLoss):
    r"""Mean of the absolute errors.

    $$L = \frac{1}{B} \sum_b \frac{1}{n} \sum_i |y_{bi} - \hat y_{bi}|$$

    See `mean_absolute_error` for the terms of the sum.

    Args:
        reduction: `"sum_over_batch_size"`, `"mean"`, `"mean_with_sample_weight"`, `"sum"` or
            `None`.
        name: Name of the loss.
        dtype: Dtype (or policy) of the computation; default `keras.config.floatx()`.

    Example:
        >>> round(float(MeanAbsoluteError()([1.0, 0.0], [0.0, 0.0])), 4)
        0.5
    """

    def __init__(self, reduction="sum_over_batch_size", name="mean_absolute_error", dtype=None):
        super().__init__(mean_absolute_error, name, reduction, dtype)


@register
class MeanAbsolutePercentageError(FunctionLoss):
    r"""Mean of the absolute errors in percent of the target.

    $$L = \frac{100}{B n} \sum_{b,i} \left| \frac{y_{bi} - \hat y_{bi}}{y_{bi}} \right|$$

    See `mean_absolute_percentage_error` for the terms of the sum.

    Args:
        reduction: `"sum_over_batch_size"`, `"mean"`, `"mean_with_sample_weight"`, `"sum"` or
            `None`.
        name: Name of the loss.
        dtype: Dtype (or policy) of the computation; default `keras.config.floatx()`.

    Example:
        >>> round(float(MeanAbsolutePercentageError()([1.0, 2.0], [1.5, 2.0])), 4)
        25.0
    """

    def __init__(
        self,
        reduction="sum_over_batch_size",
        name="mean_absolute_percentage_error",
        dtype=None,
    ):
        super().__init__(mean_absolute_percentage_error, name, reduction, dtype)


@register
class MeanSquaredLogarithmicError(FunctionLoss):
    r"""Mean of the squared errors of logarithms.

    $$L = \frac{1}{B n} \sum_{b,i} \left( \log(1 + y_{bi}) - \log(1 + \hat y_{bi}) \right)^2$$

    See `mean_squared_logarithmic_error` for the terms of the sum.

    Args:
        reduction: `"sum_over_batch_size"`, `"mean"`, `"mean_with_sample_weight"`, `"sum"` or
            `None`.
        name: Name of the loss.
        dtype: Dtype (or policy) of the computation; default `keras.config.floatx()`.

    Example:
        >>> round(float(MeanSquaredLogarithmicError()([1.0, 2.0], [1.0, 2.0])), 4)
        0.0
    """

    def __init__(
        self,
        reduction="sum_over_batch_size",
        name="mean_squared_logarithmic_error",
        dtype=None,
    ):
        super().__init__(mean_squared_logarithmic_error, name, reduction, dtype)


@register
class CosineSimilarity(FunctionLoss):
    r"""Negative cosine between targets and predictions.

    $$L = -\frac{1}{B} \sum_b \frac{\langle y_b, \hat y_b \rangle}{\|y_b\| \|\hat y_b\|}$$

    See `cosine_similarity` for the terms of the sum.

    Args:
        axis: Axis of the vectors.
        reduction: `"sum_over_batch_size"`, `"mean"`, `"mean_with_sample_weight"`, `"sum"` or
            `None`.
        name: Name of the loss.
        dtype: Dtype (or policy) of the computation; default `keras.config.floatx()`.

    As in Keras, `axis` is no part of the config: a saved loss comes back with the default.

    Example:
        >>> round(float(CosineSimilarity()([[0.0, 1.0]], [[0.0, 2.0]])), 4)
        -1.0
    """

    def __init__(
        self,
        axis=-1,
        reduction="sum_over_batch_size",
        name="cosine_similarity",
        dtype=None,
    ):
        super().__init__(cosine_similarity, name, reduction, dtype, axis=axis)

    def get_config(self):
        """Return the constructor's arguments without `axis`, as Keras does."""
        return keras.Loss.get_config(self)


@register
class Huber(FunctionLoss):
    r"""Squared error near the target, absolute error far away.

    $$L = \frac{1}{B n} \sum_{b,i} \begin{cases} \tfrac{1}{2} e_{bi}^2 & |e_{bi}| \le \delta
      \\ \delta |e_{bi}| - \tfrac{1}{2} \delta^2 & \text{otherwise} \end{cases}$$

    See `huber` for the terms of the sum.

    Args:
        delta: Error at which the parabola turns into a line.
        reduction: `"sum_over_batch_size"`, `"mean"`, `"mean_with_sample_weight"`, `"sum"` or
            `None`.
        name: Name of the loss.
        dtype: Dtype (or policy) of the computation; default `keras.config.floatx()`.

    Differences from Keras: `delta` is kept in the config; Keras forgets it when it saves.

    Example:
        >>> round(float(Huber()([0.0, 0.0], [1.0, 3.0])), 4)
        1.5
    """

    def __init__(self, delta=1.0, reduction="sum_over_batch_size", name="huber_loss", dtype=None):
        super().__init__(huber, name, reduction, dtype, delta=delta)

    def get_config(self):
        """Return the constructor's arguments; `delta` where it is not the default."""
        config = super().get_config()
        if self.delta == 1.0:
            del config["delta"]
        return config


@register
class LogCosh(FunctionLoss):
    r"""Smooth version of the absolute error.

    $$L = \frac{1}{B n} \sum_{b,i} \log \cosh (\hat y_{bi} - y_{bi})$$

    See `log_cosh` for the terms of the sum.

    Args:
        reduction: `"sum_over_batch_size"`, `"mean"`, `"mean_with_sample_weight"`, `"sum"` or
            `None`.
        name: Name of the loss.
        dtype: Dtype (or policy) of the computation; default `keras.config.floatx()`.

    Example:
        >>> round(float(LogCosh()([0.0], [1.0])), 4)
        0.4338
    """

    def __init__(self, reduction="sum_over_batch_size", name="log_cosh", dtype=None):
        super().__init__(log_cosh, name, reduction, dtype)
