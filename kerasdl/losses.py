"""Losses. Names not written here yet are Keras' own (see `kerasdl.builtins`)."""

import keras
from keras import ops

from kerasdl.backend import set_mask
from kerasdl.builtins import fall_back_to

_register = keras.saving.register_keras_serializable(package="kerasdl")


@_register
def sparse_categorical_crossentropy(y_true, y_pred, from_logits=False, ignore_class=None, axis=-1):
    r"""Cross-entropy between integer labels and predicted distributions, one value per example.

    $$\ell = -\log p_y, \qquad p = \mathrm{softmax}(z)
      \quad\Rightarrow\quad \ell = \log \sum_k e^{z_k - m} + m - z_y, \qquad m = \max_k z_k$$

    The right-hand form never takes the logarithm of a probability that was rounded to 0.
    Its derivative is $\partial \ell / \partial z = p - \mathrm{onehot}(y)$.

    Args:
        y_true: Integer labels, shape (…) or (…, 1).
        y_pred: Logits or probabilities, shape (…, classes) with the classes along `axis`.
        from_logits: Whether `y_pred` are logits $z$ (else probabilities $p$).
        ignore_class: A label whose examples count neither in the sum nor in the mean.
        axis: Axis of the classes.

    Returns:
        Tensor (…): one loss for each label.

    Raises:
        ValueError: If the shapes of labels and predictions do not fit.

    Source:
        Goodfellow et al., 2016, Deep Learning, section 6.2.2.3.

    Example:
        >>> losses = sparse_categorical_crossentropy([1], [[0.0, 0.0]], from_logits=True)
        >>> round(float(losses[0]), 4)
        0.6931

    Differences from Keras: any `axis` works on every backend. A label outside the classes gives
    NaN on every backend (Keras: an error, NaN or a silent 0, by backend).
    """
    if not from_logits and hasattr(y_pred, "_keras_logits"):
        y_pred, from_logits = y_pred._keras_logits, True
    y_pred = ops.convert_to_tensor(y_pred)
    y = ops.cast(ops.convert_to_tensor(y_true), "int32")
    if len(y.shape) == len(y_pred.shape) and y.shape[axis] == 1:
        y = ops.squeeze(y, axis=axis)
    z = ops.moveaxis(y_pred, axis, -1)  # (…, classes)
    _check_shapes(y.shape, z.shape)

    keep = None if ignore_class is None else ops.not_equal(y, ignore_class)
    if keep is not None:
        y = ops.where(keep, y, 0)

    if not from_logits:
        epsilon = keras.config.epsilon()
        z = ops.log(ops.clip(z, epsilon, 1 - epsilon))

    classes = z.shape[-1]
    m = ops.stop_gradient(ops.max(z, axis=-1, keepdims=True))  # (…, 1)
    log_sum = ops.log(ops.sum(ops.exp(z - m), axis=-1)) + ops.squeeze(m, -1)  # (…)
    valid = ops.logical_and(y >= 0, y < classes)
    index = ops.expand_dims(ops.where(valid, y, 0), -1)
    z_y = ops.squeeze(ops.take_along_axis(z, index, axis=-1), -1)  # (…)
    loss = ops.where(valid, log_sum - z_y, ops.cast(float("nan"), z.dtype))

    if keep is not None:
        loss = ops.where(keep, loss, ops.zeros_like(loss))
        set_mask(loss, keep)  # `keras.Loss` takes the mean over the kept examples only
    return loss


def _check_shapes(labels, predictions):
    fits = len(labels) == len(predictions) - 1 and all(
        a is None or b is None or a == b for a, b in zip(labels, predictions[:-1], strict=True)
    )
    if not fits:
        raise ValueError(
            "`y_true` must have the shape of `y_pred` without the class axis, received "
            f"y_true of shape {tuple(labels)} and y_pred of shape {tuple(predictions)} "
            "(classes last)."
        )


@_register
class SparseCategoricalCrossentropy(keras.Loss):
    r"""Mean cross-entropy between integer labels and predictions.

    $$L = \frac{1}{B} \sum_{b=1}^{B} -\log p_{b, y_b}$$

    See `sparse_categorical_crossentropy` for the terms of the sum and the stable form.

    Args:
        from_logits: Whether `y_pred` are logits (before the softmax) or probabilities.
        ignore_class: A label to leave out, e.g. 255 for "void" in segmentation.
        reduction: `"sum_over_batch_size"`, `"mean"`, `"mean_with_sample_weight"`, `"sum"` or
            `None`.
        axis: Axis of the classes.
        name: Name of the loss.
        dtype: Dtype (or policy) of the computation; default `keras.config.floatx()`.

    Example:
        >>> loss = SparseCategoricalCrossentropy(from_logits=True)
        >>> round(float(loss([0, 1], [[2.0, 0.0], [0.0, 2.0]])), 4)
        0.1269
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
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.from_logits = from_logits
        self.ignore_class = ignore_class
        self.axis = axis

    def call(self, y_true, y_pred):
        """Return one loss for each example, before the reduction."""
        return sparse_categorical_crossentropy(
            y_true, y_pred, self.from_logits, self.ignore_class, self.axis
        )

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "from_logits": self.from_logits,
            "ignore_class": self.ignore_class,
            "axis": self.axis,
        }


__getattr__ = fall_back_to(keras.losses, __name__)

_OURS = {
    function.__name__: function
    for function in (sparse_categorical_crossentropy, SparseCategoricalCrossentropy)
}


def get(identifier):
    """Look a loss up by name, config or callable; ours first, then Keras'.

    Example:
        >>> get("sparse_categorical_crossentropy") is sparse_categorical_crossentropy
        True
    """
    if isinstance(identifier, str) and identifier in _OURS:
        found = _OURS[identifier]
        return found() if isinstance(found, type) else found
    return keras.losses.get(identifier)
