"""The largest and the smallest of several tensors, number by number."""

import keras

from kerasdl.backend import get_mask
from kerasdl.layers.merging.base import Merge
from kerasdl.ops import limits, merging

_register = keras.saving.register_keras_serializable(package="kerasdl")


@_register
class Maximum(Merge):
    r"""Take the largest of tensors, number by number.

    $$y_{bt} = \max_{k:\, m^k_{bt}} x^k_{bt}$$

    What a mask leaves out does not take part; where all leave out, the first tensor is taken. A
    number gets the gradient where it is the largest; of equal ones the first on TensorFlow, each
    its share on JAX and PyTorch.

    Args, call arguments, returns and raises as for `kerasdl.layers.Add`.

    Source:
        Goodfellow et al., 2013, Maxout networks, section 3.

    Example:
        >>> x, y = keras.ops.array([5.0, 2.0]), keras.ops.array([3.0, 4.0])
        >>> [float(v) for v in Maximum()([x, y])]
        [5.0, 4.0]

    Differences from Keras: a model of integers declares integers; masks (B, T) also of inputs with
    further axes; float64 stays float64 on PyTorch.
    """

    def merge(self, inputs):
        """Compute the maximum."""
        masks = [get_mask(x) for x in inputs]
        return merging.masked_extremum(limits.maximum, inputs, masks)


@_register
class Minimum(Merge):
    r"""Take the smallest of tensors, number by number.

    $$y_{bt} = \min_{k:\, m^k_{bt}} x^k_{bt}$$

    Masks, gradient, args, call arguments, returns, raises and differences from Keras as for
    `Maximum`.

    Source:
        Arithmetic; no paper.

    Example:
        >>> x, y = keras.ops.array([5.0, 2.0]), keras.ops.array([3.0, 4.0])
        >>> [float(v) for v in Minimum()([x, y])]
        [3.0, 2.0]
    """

    def merge(self, inputs):
        """Compute the minimum."""
        masks = [get_mask(x) for x in inputs]
        return merging.masked_extremum(limits.minimum, inputs, masks)


def maximum(inputs, **kwargs):
    """Take the largest of tensors, number by number; see `Maximum`.

    Args:
        inputs: List of tensors.
        **kwargs: `name`, `dtype` of the layer.

    Returns:
        A tensor.

    Example:
        >>> float(maximum([keras.ops.array([1.0]), keras.ops.array([2.0])])[0])
        2.0
    """
    return Maximum(**kwargs)(inputs)


def minimum(inputs, **kwargs):
    """Take the smallest of tensors, number by number; see `Minimum`.

    Args and returns as for `maximum`.

    Example:
        >>> float(minimum([keras.ops.array([1.0]), keras.ops.array([2.0])])[0])
        1.0
    """
    return Minimum(**kwargs)(inputs)
