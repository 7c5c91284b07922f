"""Cross-entropy of integer labels of which a part is spread over all classes."""

from keras import ops

from kerasdl.backend import hand_derived_in_graphs
from kerasdl.losses.base import FunctionLoss, register
from kerasdl.losses.sparse_crossentropy import sparse_categorical_crossentropy


@register
def smoothed_sparse_categorical_crossentropy(y_true, y_pred, label_smoothing=0.1):
    r"""Cross-entropy between smoothed labels and logits, one value per example.

    $$q_k = (1 - \varepsilon)\, [k = y] + \frac{\varepsilon}{K}, \qquad
      \ell = -\sum_k q_k \log p_k, \qquad p = \mathrm{softmax}(z)$$

    Its derivative is $\partial \ell / \partial z = p - q$. No probability is driven to 1, where
    logits grow without end.

    Args:
        y_true: Integer labels, shape (…).
        y_pred: Logits $z$, shape (…, K).
        label_smoothing: $\varepsilon$, in [0, 1].

    Returns:
        Tensor (…): one loss for each label.

    Source:
        Szegedy et al., 2016, Rethinking the Inception Architecture for Computer Vision, section 7;
        Vaswani et al., 2017, Attention Is All You Need, section 5.4.

    Example:
        >>> losses = smoothed_sparse_categorical_crossentropy([1], [[0.0, 0.0]])
        >>> round(float(losses[0]), 4)
        0.6931

    Differences from Keras: there only `categorical_crossentropy` smooths, which needs the labels
    as one-hot vectors.
    """
    z = ops.convert_to_tensor(y_pred)
    loss = sparse_categorical_crossentropy(y_true, z, from_logits=True)  # -log p_y, checks shapes
    return (1 - label_smoothing) * loss + label_smoothing * _mean_surprise(z)


def _equation(z):
    shifted = z - ops.stop_gradient(ops.max(z, axis=-1, keepdims=True))
    return ops.log(ops.sum(ops.exp(shifted), axis=-1)) - ops.sum(shifted, axis=-1) / z.shape[-1]


def _by_hand(z):
    shifted = z - ops.max(z, axis=-1, keepdims=True)
    e = ops.exp(shifted)
    total = ops.sum(e, axis=-1, keepdims=True)
    K = z.shape[-1]
    loss = ops.squeeze(ops.log(total), -1) - ops.sum(shifted, axis=-1) / K
    return loss, lambda upstream: (ops.expand_dims(upstream, -1) * (e / total - 1 / K),)


_mean_surprise = hand_derived_in_graphs(_equation, _by_hand)  # -1/K Σ_k log p_k


@register
class SmoothedSparseCategoricalCrossentropy(FunctionLoss):
    r"""Mean cross-entropy between smoothed integer labels and logits.

    $$L = -\frac{1}{B} \sum_b \sum_k q_{bk} \log p_{bk}, \qquad
      q_{bk} = (1 - \varepsilon)\, [k = y_b] + \frac{\varepsilon}{K}$$

    See `smoothed_sparse_categorical_crossentropy` for the terms of the sum.

    Args:
        label_smoothing: $\varepsilon$, in [0, 1].
        reduction: `"sum_over_batch_size"`, `"mean"`, `"mean_with_sample_weight"`, `"sum"` or
            `None`.
        name: Name of the loss.
        dtype: Dtype (or policy) of the computation; default `keras.config.floatx()`.

    Raises:
        ValueError: If `label_smoothing` is not between 0 and 1.

    Example:
        >>> round(float(SmoothedSparseCategoricalCrossentropy()([0], [[0.0, 0.0]])), 4)
        0.6931
    """

    def __init__(
        self,
        label_smoothing=0.1,
        reduction="sum_over_batch_size",
        name="smoothed_sparse_categorical_crossentropy",
        dtype=None,
    ):
        if not 0 <= label_smoothing <= 1:
            raise ValueError(
                f"`label_smoothing` must be between 0 and 1, received {label_smoothing!r}."
            )
        super().__init__(
            smoothed_sparse_categorical_crossentropy,
            name,
            reduction,
            dtype,
            label_smoothing=label_smoothing,
        )
