"""Cross-entropies: how surprised a predicted distribution is by the labels."""

import warnings

from keras import ops

from kerasdl.backend import hand_derived_in_graphs
from kerasdl.losses.base import (
    as_tensors,
    check_same_shape,
    clip_probabilities,
    logits_of,
    mean,
    register,
    smooth,
    sum_along,
)


@register
def binary_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
    r"""Cross-entropy of yes-or-no answers.

    $$\ell = -\frac{1}{n} \sum_{i=1}^{n} y_i \log p_i + (1 - y_i) \log(1 - p_i), \qquad
      p = \sigma(z)$$

    From logits, without a rounded probability, and with its derivative:

    $$\ell_i = \max(z_i, 0) - y_i z_i + \log(1 + e^{-|z_i|}), \qquad
      \frac{\partial \ell_i}{\partial z_i} = \sigma(z_i) - y_i$$

    Args:
        y_true: Labels $y$ (…, n), 0 and 1 or probabilities.
        y_pred: Logits $z$ or probabilities $p$ (…, n).
        from_logits: Whether `y_pred` are logits.
        label_smoothing: $s$; labels become $(1 - s)\, y + s / 2$.
        axis: Axis of the mean.

    Returns:
        Tensor (…): one loss for each example.

    Raises:
        ValueError: If the shapes differ.

    Source:
        Goodfellow et al., 2016, Deep Learning, section 6.2.2.2.

    Example:
        >>> round(float(binary_crossentropy([1.0], [0.0], from_logits=True)), 4)
        0.6931

    Differences from Keras: probabilities that come from our sigmoid are taken back to their logits
    on PyTorch too, not on TensorFlow only.
    """
    y, y_pred = as_tensors(y_true, y_pred)
    check_same_shape(y, y_pred)
    if label_smoothing:
        y = smooth(y, label_smoothing, classes=2)
    y_pred, from_logits = logits_of(y_pred, from_logits, "sigmoid", "binary_crossentropy")
    return mean(binary_terms(y, y_pred, from_logits), axis=axis)


def binary_terms(y, y_pred, from_logits):
    """Return the cross-entropy of each answer, before the mean."""
    if from_logits:
        return _binary_from_logits(y, y_pred)
    p = clip_probabilities(y_pred)
    return -(y * ops.log(p) + (1 - y) * ops.log(1 - p))


def _binary_equation(y, z):
    positive = z > 0
    zero = ops.zeros_like(z)
    e = ops.exp(ops.where(positive, -z, z))  # e^{-|z|}
    return ops.where(positive, z, zero) - y * z + ops.log1p(e)


def _binary_by_hand(y, z):
    e = ops.exp(-ops.abs(z))
    loss = ops.maximum(z, ops.cast(0, z.dtype)) - y * z + ops.log1p(e)

    def backward(upstream):
        r = 1 / (1 + e)  # σ(|z|)
        sigma = ops.where(z >= 0, r, e * r)
        return -upstream * z, upstream * (sigma - y)

    return loss, backward


_binary_from_logits = hand_derived_in_graphs(_binary_equation, _binary_by_hand)


@register
def categorical_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
    r"""Cross-entropy between a target distribution and a predicted one.

    $$\ell = -\sum_k y_k \log p_k, \qquad p = \mathrm{softmax}(z)$$

    From logits, without a rounded probability, and with its derivative ($\sum_k y_k = 1$):

    $$\ell = \sum_k y_k \left(\log \sum_j e^{z_j - m} - (z_k - m)\right), \qquad
      \frac{\partial \ell}{\partial z} = p - y$$

    Args:
        y_true: Distribution $y$ (…, classes), often one-hot.
        y_pred: Logits $z$ or probabilities $p$ (…, classes). Probabilities are divided by their
            sum.
        from_logits: Whether `y_pred` are logits.
        label_smoothing: $s$; labels become $(1 - s)\, y + s / K$.
        axis: Axis of the classes.

    Returns:
        Tensor (…): one loss for each example.

    Raises:
        ValueError: If the shapes differ or `axis` is no integer.

    Source:
        Goodfellow et al., 2016, Deep Learning, section 6.2.2.3. Szegedy et al., 2016, Rethinking
        the Inception Architecture, section 7 (label smoothing).

    Example:
        >>> y, z = [[0.0, 1.0]], [[0.0, 0.0]]
        >>> round(float(categorical_crossentropy(y, z, from_logits=True)[0]), 4)
        0.6931

    Differences from Keras: the derivative is $p \sum_k y_k - y$ also where the labels do not sum to
    1; Keras' on TensorFlow is $p - y$ then. Label smoothing counts the classes along `axis`; Keras
    takes the last axis.
    """
    y, y_pred = checked_classes(y_true, y_pred, axis, "categorical_crossentropy")
    if label_smoothing:
        y = smooth(y, label_smoothing, number_of_classes(y, axis))
    y_pred, from_logits = logits_of(y_pred, from_logits, "softmax", "categorical_crossentropy")
    if from_logits:
        return _categorical_from_logits(axis)(y, y_pred)
    p = clip_probabilities(y_pred / ops.sum(y_pred, axis=axis, keepdims=True))
    return -ops.sum(y * ops.log(p), axis=axis)


def checked_classes(y_true, y_pred, axis, name):
    """Return labels and predictions as tensors of one shape."""
    if isinstance(axis, bool):
        raise ValueError(f"`axis` must be of type `int`. Received: axis={axis} of type {bool}")
    y, y_pred = as_tensors(y_true, y_pred)
    if len(y.shape) < 1:
        raise ValueError(
            f"Arguments `y_true` and `y_pred` must be at least rank 1. Received: "
            f"y_true.shape={tuple(y.shape)}, y_pred.shape={tuple(y_pred.shape)}"
        )
    check_same_shape(y, y_pred)
    if y_pred.shape[-1] == 1:
        warnings.warn(
            f"In loss {name}, expected y_pred.shape to be (batch_size, num_classes) with "
            f"num_classes > 1. Received: y_pred.shape={tuple(y_pred.shape)}. Consider using "
            "'binary_crossentropy' if you only have 2 classes.",
            SyntaxWarning,
            stacklevel=3,
        )
    return y, y_pred


def number_of_classes(y, axis):
    """Return the size along the axis of the classes, a number where it is known."""
    if y.shape[axis] is not None:
        return y.shape[axis]
    return ops.cast(ops.shape(y)[axis], y.dtype)


def _categorical_from_logits(axis):
    def equation(y, z):
        shifted = z - ops.stop_gradient(ops.max(z, axis=axis, keepdims=True))
        log_sum = ops.log(ops.sum(ops.exp(shifted), axis=axis, keepdims=True))
        return ops.sum(y * (log_sum - shifted), axis=axis)

    def by_hand(y, z):
        shifted = z - ops.max(z, axis=axis, keepdims=True)
        e = ops.exp(shifted)
        total = ops.expand_dims(sum_along(e, axis), axis)
        surprise = ops.log(total) - shifted  # -log p

        def backward(upstream):
            upstream = ops.expand_dims(upstream, axis)
            mass = ops.expand_dims(sum_along(y, axis), axis)  # 1 for a distribution
            return upstream * surprise, upstream * (e * (mass / total) - y)

        return sum_along(y * surprise, axis), backward

    return hand_derived_in_graphs(equation, by_hand)
