"""Loss objects of class probabilities."""

from kerasdl.losses.base import FunctionLoss, register
from kerasdl.losses.crossentropy import binary_crossentropy, categorical_crossentropy
from kerasdl.losses.focal import (
    binary_focal_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
)
from kerasdl.losses.sparse_crossentropy import sparse_categorical_crossentropy


@register
class BinaryCrossentropy(FunctionLoss):
    r"""Cross-entropy of yes-or-no answers.

    $$L = -\frac{1}{B n} \sum_{b,i} y_{bi} \log p_{bi} + (1 - y_{bi}) \log(1 - p_{bi})$$

    See `binary_crossentropy` for the terms of the sum.

    Args:
        from_logits: Whether `y_pred` are logits or probabilities.
        label_smoothing: Part of the label that is spread over all classes, in [0, 1].
        axis: Axis of the mean.
        reduction: `"sum_over_batch_size"`, `"mean"`, `"mean_with_sample_weight"`, `"sum"` or
            `None`.
        name: Name of the loss.
        dtype: Dtype (or policy) of the computation; default `keras.config.floatx()`.

    Example:
        >>> round(float(BinaryCrossentropy()([1.0], [0.5])), 4)
        0.6931
    """

    def __init__(
        self,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="binary_crossentropy",
        dtype=None,
    ):
        super().__init__(
            binary_crossentropy,
            name,
            reduction,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


@register
class BinaryFocalCrossentropy(FunctionLoss):
    r"""Binary cross-entropy, easy examples count less.

    $$L = -\frac{1}{B n} \sum_{b,i} \alpha_{bi} (1 - q_{bi})^\gamma \log q_{bi}$$

    See `binary_focal_crossentropy` for the terms of the sum.

    Args:
        apply_class_balancing: Whether the classes are weighted.
        alpha: Weight of the class 1.
        gamma: How much less easy examples count; 0 for not at all.
        from_logits: Whether `y_pred` are logits or probabilities.
        label_smoothing: Part of the label that is spread over all classes, in [0, 1].
        axis: Axis of the mean.
        reduction: `"sum_over_batch_size"`, `"mean"`, `"mean_with_sample_weight"`, `"sum"` or
            `None`.
        name: Name of the loss.
        dtype: Dtype (or policy) of the computation; default `keras.config.floatx()`.

    Example:
        >>> round(float(BinaryFocalCrossentropy()([1.0], [0.5])), 4)
        0.1733
    """

    def __init__(
        self,
        apply_class_balancing=False,
        alpha=0.25,
        gamma=2.0,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="binary_focal_crossentropy",
        dtype=None,
    ):
        super().__init__(
            binary_focal_crossentropy,
            name,
            reduction,
            dtype,
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


@register
class CategoricalCrossentropy(FunctionLoss):
    r"""Cross-entropy between two distributions.

    $$L = -\frac{1}{B} \sum_b \sum_k y_{bk} \log p_{bk}$$

    See `categorical_crossentropy` for the terms of the sum.

    Args:
        from_logits: Whether `y_pred` are logits or probabilities.
        label_smoothing: Part of the label that is spread over all classes, in [0, 1].
        axis: Axis of the classes.
        reduction: `"sum_over_batch_size"`, `"mean"`, `"mean_with_sample_weight"`, `"sum"` or
            `None`.
        name: Name of the loss.
        dtype: Dtype (or policy) of the computation; default `keras.config.floatx()`.

    Example:
        >>> round(float(CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
        0.6931
    """

    def __init__(
        self,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="categorical_crossentropy",
        dtype=None,
    ):
        super().__init__(
            categorical_crossentropy,
            name,
            reduction,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


@register
class CategoricalFocalCrossentropy(FunctionLoss):
    r"""Cross-entropy, easy examples count less.

    $$L = -\frac{1}{B} \sum_b \sum_k \alpha_k (1 - p_{bk})^\gamma y_{bk} \log p_{bk}$$

    See `categorical_focal_crossentropy` for the terms of the sum.

    Args:
        alpha: Weight, one or one for each class.
        gamma: How much less easy examples count; 0 for not at all.
        from_logits: Whether `y_pred` are logits or probabilities.
        label_smoothing: Part of the label that is spread over all classes, in [0, 1].
        axis: Axis of the classes.
        reduction: `"sum_over_batch_size"`, `"mean"`, `"mean_with_sample_weight"`, `"sum"` or
            `None`.
        name: Name of the loss.
        dtype: Dtype (or policy) of the computation; default `keras.config.floatx()`.

    Example:
        >>> round(float(CategoricalFocalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
        0.0433
    """

    def __init__(
        self,
        alpha=0.25,
        gamma=2.0,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="categorical_focal_crossentropy",
        dtype=None,
    ):
        super().__init__(
            categorical_focal_crossentropy,
            name,
            reduction,
            dtype,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


@register
class SparseCategoricalCrossentropy(FunctionLoss):
    r"""Mean cross-entropy between integer labels and predictions.

    $$L = \frac{1}{B} \sum_{b=1}^{B} -\log p_{b, y_b}$$

    See `sparse_categorical_crossentropy` for the terms of the sum.

    Args:
        from_logits: Whether `y_pred` are logits or probabilities.
        ignore_class: A label to leave out, e.g. 255 for "void" in segmentation.
        reduction: `"sum_over_batch_size"`, `"mean"`, `"mean_with_sample_weight"`, `"sum"` or
            `None`.
        axis: Axis of the classes; the last one, on PyTorch any, as in Keras.
        name: Name of the loss.
        dtype: Dtype (or policy) of the computation; default `keras.config.floatx()`.

    Example:
        >>> round(float(SparseCategoricalCrossentropy()([0], [[0.5, 0.5]])), 4)
        0.6931
    """

    def __init__(
        self,
        from_logits=False,
        ignore_class=None,
        reduction="sum_over_batch_size",
        axis=-1,
        name="sparse_categorical_crossentropy",
        dtype=None,
    ):
        super().__init__(
            sparse_categorical_crossentropy,
            name,
            reduction,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )


@register
class CategoricalGeneralizedCrossEntropy(FunctionLoss):
    r"""Cross-entropy that trusts its labels less.

    $$L = \frac{1}{B} \sum_b \frac{1 - p_{b, y_b}^q}{q}$$

    See `categorical_generalized_cross_entropy` for the terms of the sum.

    Args:
        q: Between 0 (cross-entropy) and 1 (mean absolute error).
        reduction: `"sum_over_batch_size"`, `"mean"`, `"mean_with_sample_weight"`, `"sum"` or
            `None`.
        name: Name of the loss.
        dtype: Dtype (or policy) of the computation; default `keras.config.floatx()`.

    Raises:
        ValueError: If `q` is not between 0 and 1.

    Example:
        >>> round(float(CategoricalGeneralizedCrossEntropy()([1], [[0.75, 0.25]])), 4)
        1.0
    """

    def __init__(
        self,
        q=0.5,
        reduction="sum_over_batch_size",
        name="categorical_generalized_cross_entropy",
        dtype=None,
    ):
        if not 0 < q < 1:
            raise ValueError(f"q must be in the interval (0, 1), received q={q}.")
        super().__init__(categorical_generalized_cross_entropy, name, reduction, dtype, q=q)
