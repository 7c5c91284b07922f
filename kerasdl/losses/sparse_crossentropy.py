"""Cross-entropy of integer labels."""

import keras
from keras import ops

from kerasdl.backend import hand_derived_in_graphs, set_mask
from kerasdl.losses.base import clip_probabilities, logits_of, register


@register
def sparse_categorical_crossentropy(y_true, y_pred, from_logits=False, ignore_class=None, axis=-1):
    r"""Cross-entropy between integer labels and predicted distributions, one value per example.

    $$\ell = -\log p_y, \qquad p = \mathrm{softmax}(z)
      \quad\Rightarrow\quad \ell = \log \sum_k e^{z_k - m} - (z_y - m), \qquad m = \max_k z_k$$

    The right-hand form never takes the logarithm of a probability that was rounded to 0.
    Its derivative is $\partial \ell / \partial z = p - \mathrm{onehot}(y)$.

    Args:
        y_true: Integer labels, shape (…) or (…, 1).
        y_pred: Logits or probabilities, shape (…, classes) with the classes along `axis`.
        from_logits: Whether `y_pred` are logits $z$ (else probabilities $p$).
        ignore_class: A label whose examples count neither in the sum nor in the mean.
        axis: Axis of the classes; the last one, on PyTorch any.

    Returns:
        Tensor (…): one loss for each label.

    Raises:
        ValueError: If the shapes of labels and predictions do not fit, or the classes are along
            another axis than the last and Keras' backend has no such loss.

    Source:
        Goodfellow et al., 2016, Deep Learning, section 6.2.2.3.

    Example:
        >>> losses = sparse_categorical_crossentropy([1], [[0.0, 0.0]], from_logits=True)
        >>> round(float(losses[0]), 4)
        0.6931

    Differences from Keras: a label outside the classes gives NaN on every backend (Keras: an error,
    NaN or a silent 0, by backend).
    """
    name = "sparse_categorical_crossentropy"
    y_pred, from_logits = logits_of(y_pred, from_logits, "softmax", name)
    y_pred = ops.convert_to_tensor(y_pred)
    y = ops.cast(ops.convert_to_tensor(y_true), "int32")
    _check_axis(axis, y.shape, y_pred.shape)
    if len(y.shape) == len(y_pred.shape) and y.shape[axis] == 1:
        y = ops.squeeze(y, axis=axis)
    z = y_pred if axis in (-1, len(y_pred.shape) - 1) else ops.moveaxis(y_pred, axis, -1)
    _check_labels(y.shape, z.shape)

    keep = None if ignore_class is None else ops.not_equal(y, ignore_class)
    if keep is not None:
        y = ops.where(keep, y, 0)
    loss = _sparse_from_logits(y, z) if from_logits else _sparse_from_probabilities(y, z)  # (…)
    if keep is not None:
        loss = ops.where(keep, loss, ops.zeros_like(loss))
        set_mask(loss, keep)  # `keras.Loss` takes the mean over the kept examples only
    return loss


def _labels(y, z):
    """Return the one-hot labels as booleans (…, classes), and NaN for a label that is no class."""
    classes = z.shape[-1]
    hit = ops.equal(ops.arange(classes, dtype="int32"), ops.expand_dims(y, -1))
    valid = ops.logical_and(y >= 0, y < classes)
    nan = ops.cast(float("nan"), z.dtype)
    return hit, ops.where(valid, ops.zeros_like(nan), nan)


def _sparse_equation(y, z):
    hit, nothing_or_nan = _labels(y, z)
    m = ops.stop_gradient(ops.max(z, axis=-1, keepdims=True))
    log_sum = ops.log(ops.sum(ops.exp(z - m), axis=-1))  # (…)
    z_y = ops.sum(ops.where(hit, z, 0.0), axis=-1)
    return log_sum - (z_y - ops.squeeze(m, -1)) + nothing_or_nan


def _sparse_by_hand(y, z):
    hit, nothing_or_nan = _labels(y, z)
    m = ops.max(z, axis=-1, keepdims=True)
    e = ops.exp(z - m)
    total = ops.sum(e, axis=-1, keepdims=True)
    # Looked up, where the equation sums: that took half of the time. What is looked up for a label
    # that is no class does not matter.
    within = ops.clip(y, 0, z.shape[-1] - 1)
    z_y = ops.take_along_axis(z, ops.expand_dims(within, -1), axis=-1)
    loss = ops.squeeze(ops.log(total) - (z_y - m), -1) + nothing_or_nan

    def backward(upstream):
        upstream = ops.expand_dims(upstream, -1)
        return None, e * (upstream / total) - ops.cast(hit, z.dtype) * upstream

    return loss, backward


def _sparse_from_probabilities(y, p):
    """Return log Σ p - log p_y, which is 0 - log p_y for probabilities that sum to 1."""
    p = clip_probabilities(p)
    hit, nothing_or_nan = _labels(y, p)
    p_y = ops.sum(ops.where(hit, p, 0.0), axis=-1)
    return ops.log(ops.sum(p, axis=-1)) - ops.log(p_y) + nothing_or_nan


_sparse_from_logits = hand_derived_in_graphs(_sparse_equation, _sparse_by_hand)


def _check_axis(axis, labels, predictions):
    if axis in (-1, len(predictions) - 1) or keras.backend.backend() == "torch":
        return
    labels, predictions = tuple(labels), tuple(predictions)
    raise ValueError(
        f"Only axis=-1 is currently supported. Received: axis={axis}. Arguments `target` and "
        "`output` must have the same shape up until the last dimension: "
        f"target.shape={labels}, output.shape={predictions}. Move the classes to the last axis: "
        f"`keras.ops.moveaxis(output, {axis}, -1)`."
    )


def _check_labels(labels, predictions):
    fits = len(labels) == len(predictions) - 1 and all(
        a is None or b is None or a == b for a, b in zip(labels, predictions[:-1], strict=True)
    )
    if not fits:
        raise ValueError(
            "`y_true` must have the shape of `y_pred` without the class axis, received "
            f"y_true of shape {tuple(labels)} and y_pred of shape {tuple(predictions)} "
            "(classes last)."
        )
