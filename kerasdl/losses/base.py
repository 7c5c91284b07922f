"""What the losses share: a loss object around a function, ranks, means, probabilities."""

import math
import warnings

import keras
from keras import ops
from keras.utils import standardize_dtype

from kerasdl.backend import has_accelerator, promotion_keeps_float64
from kerasdl.ops.limits import clip
from kerasdl.ops.linear import product

register = keras.saving.register_keras_serializable(package="kerasdl")


class FunctionLoss(keras.Loss):
    """A loss object around a function of `(y_true, y_pred)`.

    `keras.Loss` casts, applies sample weights and masks, and reduces.

    Args:
        function: Returns one value for each example.
        name: Name of the loss.
        reduction: `"sum_over_batch_size"`, `"mean"`, `"mean_with_sample_weight"`, `"sum"` or
            `None`.
        dtype: Dtype (or policy) of the computation; default `keras.config.floatx()`.
        **arguments: Further arguments of the function; they are the config of the loss, too.
    """

    def __init__(self, function, name, reduction, dtype, **arguments):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.function = function
        self.arguments = arguments
        for argument, value in arguments.items():
            setattr(self, argument, value)

    def __call__(self, y_true, y_pred, sample_weight=None):
        """Return the reduced loss; float64 stays float64 (`keras.Loss` rounds on PyTorch)."""
        if ops.is_tensor(sample_weight):
            # On PyTorch, `keras.Loss` multiplies a mask into the caller's own tensor.
            sample_weight = ops.copy(sample_weight)
        with promotion_keeps_float64():
            return super().__call__(y_true, y_pred, sample_weight)

    def call(self, y_true, y_pred):
        """Return one loss for each example, before the reduction."""
        y_true, y_pred = same_rank(_stacked(y_true), _stacked(y_pred))
        return self.function(y_true, y_pred, **self.arguments)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), **self.arguments}


def _stacked(x):
    # `keras.Loss` makes a list of numbers a list of tensors.
    return ops.stack([_stacked(part) for part in x]) if isinstance(x, list | tuple) else x


def same_rank(y_true, y_pred):
    """Add or drop a last axis of size 1 where labels and predictions differ by one axis.

    Example:
        >>> y, p = same_rank(ops.ones((3,)), ops.ones((3, 1)))
        >>> tuple(y.shape), tuple(p.shape)
        ((3, 1), (3, 1))
    """
    difference = len(y_true.shape) - len(y_pred.shape)
    if difference == 1 and y_true.shape[-1] == 1:
        if len(y_pred.shape) == 1:
            return y_true, ops.expand_dims(y_pred, -1)
        return ops.squeeze(y_true, -1), y_pred
    if difference == -1 and y_pred.shape[-1] == 1:
        if len(y_true.shape) == 1:
            return ops.expand_dims(y_true, -1), y_pred
        return y_true, ops.squeeze(y_pred, -1)
    return y_true, y_pred


def as_tensors(y_true, y_pred):
    """Return both as tensors of the dtype of the predictions."""
    y_pred = ops.convert_to_tensor(y_pred)
    return ops.cast(ops.convert_to_tensor(y_true), y_pred.dtype), y_pred


def mean(x, axis=-1):
    """Sum and divide: `keras.ops.mean` computes float64 in float32 on JAX and PyTorch.

    Example:
        >>> float(mean(ops.array([1.0, 3.0])))
        2.0
    """
    axes = range(len(x.shape)) if axis is None else [axis] if isinstance(axis, int) else axis
    sizes = [x.shape[a] for a in axes]
    total = ops.sum(x, axis=axis)
    if None in sizes:
        shape = ops.shape(x)
        n = ops.cast(math.prod(shape[a] for a in axes), total.dtype)
    else:
        n = math.prod(sizes)
    return total / n


def sum_along(x, axis):
    """Sum along one axis; along the last, on a CPU, as a product with ones.

    XLA calls a vectorised routine for the product; its loop for a sum takes one number after the
    other. Half precision is summed by the backend, which does it in float32.

    Example:
        >>> float(sum_along(ops.array([[1.0, 3.0]]), axis=-1)[0])
        4.0
    """
    classes, last = x.shape[-1], axis in (-1, len(x.shape) - 1)
    exact = standardize_dtype(x.dtype) in ("float32", "float64") and not has_accelerator()
    if len(x.shape) < 2 or classes is None or not (last and exact):
        return ops.sum(x, axis=axis)
    total = product(ops.reshape(x, (-1, classes)), ops.ones((classes, 1), x.dtype))
    return ops.reshape(total, ops.shape(x)[:-1])


def clip_probabilities(p):
    r"""Keep probabilities in $[\epsilon, 1 - \epsilon]$, so that their logarithms are finite."""
    epsilon = keras.config.epsilon()
    return clip(p, epsilon, 1 - epsilon)


def logits_of(y_pred, from_logits, activation, name):
    """Return the logits if there are any, and whether there are.

    Our softmax and sigmoid leave their input with their output, as Keras' do: a cross-entropy of
    the logits is exact where a probability was rounded to 0 or 1. Logits of the other activation
    than the one that this loss inverts are of no use (Keras on TensorFlow takes them all the same).
    """
    logits = getattr(y_pred, "_keras_logits", None)
    if logits is None or getattr(y_pred, "_logits_of", activation) != activation:
        return y_pred, from_logits
    if from_logits:
        warnings.warn(
            f"`{name}` received `from_logits=True`, but `y_pred` comes from a {activation} and is "
            "no logits. Was this intended?",
            stacklevel=3,
        )
    return logits, True


def smooth(y, amount, classes):
    r"""Label smoothing: $y \leftarrow (1 - s)\, y + s / K$."""
    return y * (1 - amount) + amount / classes


def check_same_shape(y_true, y_pred):
    """Raise a ValueError that names both shapes if they cannot be equal."""
    fits = len(y_true.shape) == len(y_pred.shape) and all(
        a is None or b is None or a == b for a, b in zip(y_true.shape, y_pred.shape, strict=True)
    )
    if not fits:
        raise ValueError(
            "Arguments `y_true` and `y_pred` must have the same shape. Received: "
            f"y_true.shape={tuple(y_true.shape)}, y_pred.shape={tuple(y_pred.shape)}"
        )
