"""Focal cross-entropies: easy examples count less."""

from keras import ops

from kerasdl.activations import sigmoid, softmax
from kerasdl.backend import hand_derived_in_graphs
from kerasdl.losses.base import (
    as_tensors,
    check_same_shape,
    clip_probabilities,
    logits_of,
    mean,
    register,
    smooth,
)
from kerasdl.losses.crossentropy import binary_terms, checked_classes, number_of_classes


@register
def binary_focal_crossentropy(
    y_true,
    y_pred,
    apply_class_balancing=False,
    alpha=0.25,
    gamma=2.0,
    from_logits=False,
    label_smoothing=0.0,
    axis=-1,
):
    r"""Binary cross-entropy weighted by how wrong the answer is.

    $$\ell = -\frac{1}{n} \sum_{i=1}^{n} \alpha_i\, (1 - q_i)^\gamma \log q_i, \qquad
      q = y\, p + (1 - y)(1 - p), \qquad \alpha_i = y_i\, \alpha + (1 - y_i)(1 - \alpha)$$

    Args:
        y_true: Labels $y$ (…, n), 0 and 1.
        y_pred: Logits or probabilities $p$ (…, n).
        apply_class_balancing: Whether $\alpha_i$ is applied (else 1).
        alpha: $\alpha$, weight of the class 1.
        gamma: $\gamma$; 0 gives the cross-entropy.
        from_logits: Whether `y_pred` are logits.
        label_smoothing: $s$; labels become $(1 - s)\, y + s / 2$.
        axis: Axis of the mean.

    Returns:
        Tensor (…): one loss for each example.

    Raises:
        ValueError: If the shapes differ.

    Source:
        Lin et al., 2017, Focal Loss for Dense Object Detection, equation 5.

    Example:
        >>> round(float(binary_focal_crossentropy([1.0], [0.5])), 4)
        0.1733
    """
    y, y_pred = as_tensors(y_true, y_pred)
    check_same_shape(y, y_pred)
    if label_smoothing:
        y = smooth(y, label_smoothing, classes=2)
    p = sigmoid(y_pred) if from_logits else y_pred
    # Our sigmoid leaves its logits with p: their cross-entropy is exact where p is rounded.
    crossentropy = binary_terms(y, *logits_of(p, False, "sigmoid", "binary_focal_crossentropy"))
    q = y * p + (1 - y) * (1 - p)
    loss = (1 - q) ** gamma * crossentropy
    if apply_class_balancing:
        loss = (y * alpha + (1 - y) * (1 - alpha)) * loss
    return mean(loss, axis=axis)


@register
def categorical_focal_crossentropy(
    y_true,
    y_pred,
    alpha=0.25,
    gamma=2.0,
    from_logits=False,
    label_smoothing=0.0,
    axis=-1,
):
    r"""Categorical cross-entropy weighted by how wrong the answer is.

    $$\ell = -\sum_k \alpha_k\, (1 - p_k)^\gamma\, y_k \log p_k$$

    Args:
        y_true: Distribution $y$ (…, classes), often one-hot.
        y_pred: Logits or probabilities $p$ (…, classes). Probabilities are divided by their sum.
        alpha: $\alpha$, one weight or a list of one for each class.
        gamma: $\gamma$; 0 gives the cross-entropy times $\alpha$.
        from_logits: Whether `y_pred` are logits.
        label_smoothing: $s$; labels become $(1 - s)\, y + s / K$.
        axis: Axis of the classes.

    Returns:
        Tensor (…): one loss for each example.

    Raises:
        ValueError: If the shapes differ or `axis` is no integer.

    Source:
        Lin et al., 2017, Focal Loss for Dense Object Detection, equation 5.

    Example:
        >>> round(float(categorical_focal_crossentropy([0.0, 1.0], [0.5, 0.5])), 4)
        0.0433
    """
    y, y_pred = checked_classes(y_true, y_pred, axis, "categorical_focal_crossentropy")
    if label_smoothing:
        y = smooth(y, label_smoothing, number_of_classes(y, axis))
    p = softmax(y_pred, axis=axis) if from_logits else y_pred
    p = clip_probabilities(p / ops.sum(p, axis=axis, keepdims=True))
    alpha = ops.convert_to_tensor(alpha, dtype=p.dtype)
    return ops.sum(alpha * (1 - p) ** gamma * (-y * ops.log(p)), axis=axis)


@register
def categorical_generalized_cross_entropy(y_true, y_pred, q):
    r"""Cross-entropy that trusts its labels less.

    $$\ell = \frac{1 - p_y^q}{q}$$

    $q \to 0$ gives the cross-entropy, $q = 1$ the mean absolute error.

    Args:
        y_true: Integer labels (…) or (…, 1).
        y_pred: Probabilities $p$ (…, classes).
        q: Between 0 and 1.

    Returns:
        Tensor (…): one loss for each label.

    Source:
        Zhang and Sabuncu, 2018, Generalized Cross Entropy Loss for Training Deep Neural Networks
        with Noisy Labels, equation 6.

    Example:
        >>> round(float(categorical_generalized_cross_entropy([1], [[0.75, 0.25]], 0.5)[0]), 4)
        1.0

    Differences from Keras: labels of shape (B, 1), which Keras documents, work; Keras returns
    (B, B) for them.
    """
    p = ops.convert_to_tensor(y_pred)
    y = ops.cast(ops.convert_to_tensor(y_true), "int32")
    if len(y.shape) == len(p.shape) and y.shape[-1] == 1:
        y = ops.squeeze(y, -1)
    return (1 - _at_the_label(y, p) ** q) / q


def _at_the_label_equation(y, p):
    """Return Σ onehot(y) p: the probability at the label, 0 for a label that is no class."""
    hit = ops.equal(ops.arange(p.shape[-1], dtype="int32"), ops.expand_dims(y, -1))
    return ops.sum(ops.cast(hit, p.dtype) * p, axis=-1)


def _at_the_label_by_hand(y, p):
    # Reads, and on the way back writes, one number for each label in place of all.
    classes = p.shape[-1]
    flat = ops.reshape(y, (-1,))
    start = ops.arange(ops.shape(flat)[0], dtype="int32") * classes
    where = start + ops.clip(flat, 0, classes - 1)
    valid = ops.cast(ops.logical_and(flat >= 0, flat < classes), p.dtype)
    p = ops.reshape(p, (-1,))

    def backward(upstream):
        upstream = ops.reshape(upstream, (-1,)) * valid
        dp = ops.scatter(ops.expand_dims(where, -1), upstream, ops.shape(p))
        return None, ops.reshape(dp, (*ops.shape(y), classes))

    return ops.reshape(ops.take(p, where) * valid, ops.shape(y)), backward


_at_the_label = hand_derived_in_graphs(_at_the_label_equation, _at_the_label_by_hand)
