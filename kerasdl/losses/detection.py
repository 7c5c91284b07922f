"""The loss of a detector whose patches answer for the objects centred in them."""

from keras import ops

from kerasdl.losses.base import FunctionLoss, register
from kerasdl.losses.sparse_crossentropy import sparse_categorical_crossentropy


def patch_detection(y_true, y_pred, box_weight=1.0, unit=8.0):
    r"""Cross-entropy of what is in a patch, and how far off the box is if there is something.

    $$L_n = -\log p_{n, k_n} + \lambda\, [k_n > 0]\,
      \frac{1}{4u} \sum_{e=1}^4 |b_{n,e} - \hat b_{n,e}|$$

    Args:
        y_true: For each patch the class $k$, 0 for nothing, and the box $b$: (B, N, 5).
        y_pred: For each patch the logits of nothing and of K classes, and the box $\hat b$:
            (B, N, 1 + K + 4).
        box_weight: $\lambda$.
        unit: $u$, the error of an edge that counts 1, in the unit of the boxes.

    Returns:
        Tensor (B, N).

    Source:
        Redmon et al., 2016, You Only Look Once, section 2.2, with a cross-entropy in place of
        squares, and as in Carion et al., 2020, DETR, section 3.1, absolute errors of the box.

    Example:
        >>> y_true = ops.array([[[1, 0, 0, 4, 4]]])
        >>> y_pred = ops.array([[[0.0, 20.0, 0.0, 0.0, 4.0, 6.0]]])
        >>> round(float(patch_detection(y_true, y_pred, unit=1.0)[0, 0]), 4)
        0.5
    """
    y_pred = ops.convert_to_tensor(y_pred)
    k = ops.cast(y_true[..., 0], "int32")
    b = ops.cast(y_true[..., 1:], y_pred.dtype)
    entropy = sparse_categorical_crossentropy(k, y_pred[..., :-4], from_logits=True)
    error = ops.sum(ops.abs(b - y_pred[..., -4:]), axis=-1) / (4 * unit)
    return entropy + box_weight * ops.where(k > 0, error, ops.zeros_like(error))


@register
class PatchDetection(FunctionLoss):
    r"""Cross-entropy of what is in a patch, and how far off the box is if there is something.

    See `patch_detection` for the equation.

    Args:
        box_weight: $\lambda$, how much the boxes count.
        unit: $u$, the error of an edge that counts 1, in the unit of the boxes.
        reduction: `"sum_over_batch_size"`, `"mean"`, `"mean_with_sample_weight"`, `"sum"` or
            `None`.
        name: Name of the loss.
        dtype: Dtype (or policy) of the computation; default `keras.config.floatx()`.

    Example:
        >>> loss = PatchDetection(unit=1.0)
        >>> answers = ops.array([[[0.0, 20.0, 0.0, 0.0, 4.0, 6.0]]])
        >>> round(float(loss(ops.array([[[1, 0, 0, 4, 4]]]), answers)), 4)
        0.5
    """

    def __init__(
        self,
        box_weight=1.0,
        unit=8.0,
        reduction="sum_over_batch_size",
        name="patch_detection",
        dtype=None,
    ):
        super().__init__(patch_detection, name, reduction, dtype, box_weight=box_weight, unit=unit)

    def call(self, y_true, y_pred):
        """Return one loss for each patch, before the reduction."""
        return self.function(y_true, y_pred, **self.arguments)
