"""Sums, differences, products and means of tensors."""

import functools

import keras
from keras import ops

from kerasdl.backend import get_mask
from kerasdl.layers.merging.base import Merge
from kerasdl.ops.merging import masked_product

_register = keras.saving.register_keras_serializable(package="kerasdl")


@_register
class Add(Merge):
    r"""Add tensors: the shortcut of a residual network.

    $$y = \sum_k x^k$$

    Args:
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: List of tensors that broadcast with each other; of a lower rank, they get axes of
            size 1 behind the batch. All sparse, or not.

    Returns:
        A tensor of the shape that they broadcast to. Its mask keeps what any input's mask keeps; if
        one of them has none, it has none.

    Raises:
        ValueError: If the inputs are no list, or their shapes do not go together.

    Source:
        He et al., 2016, Deep residual learning for image recognition, section 3.2.

    Example:
        >>> [float(v) for v in Add()([ops.array([1.0, 2.0]), ops.array([3.0, 4.0])])]
        [4.0, 6.0]

    Differences from Keras: a model of integers declares integers, as the layer returns them.
    """

    def merge(self, inputs):
        """Compute the sum."""
        return functools.reduce(ops.add, inputs)


@_register
class Subtract(Merge):
    r"""Subtract the second tensor from the first.

    $$y = x^1 - x^2$$

    Args, call arguments and returns as for `Add`, with exactly two inputs.

    Raises:
        ValueError: If there are not two inputs, or their shapes do not go together.

    Source:
        Arithmetic; no paper.

    Example:
        >>> [float(v) for v in Subtract()([ops.array([5.0, 2.0]), ops.array([3.0, 4.0])])]
        [2.0, -2.0]

    Differences from Keras: as for `Add`.
    """

    def build(self, input_shape):
        """Check that there are two shapes."""
        super().build(input_shape)
        if len(input_shape) != 2:
            raise ValueError(
                "A `Subtract` layer should be called on exactly 2 inputs. "
                f"Received: input_shape={input_shape}"
            )

    def merge(self, inputs):
        """Compute the difference."""
        return ops.subtract(*inputs)


@_register
class Multiply(Merge):
    r"""Multiply tensors number by number: a gate.

    $$y_{bt} = \prod_{k:\, m^k_{bt}} x^k_{bt}$$

    What a mask leaves out does not count as a factor; where all leave out, $y$ is 0.

    Args, call arguments, returns and raises as for `Add`.

    Source:
        Arithmetic; no paper. As a gate: Hochreiter and Schmidhuber, 1997, Long short-term memory,
        section 4.

    Example:
        >>> [float(v) for v in Multiply()([ops.array([5.0, 2.0]), ops.array([3.0, 4.0])])]
        [15.0, 8.0]

    Differences from Keras: as for `Add`; masks (B, T) also of inputs with further axes.
    """

    def merge(self, inputs):
        """Compute the product."""
        return masked_product(inputs, [get_mask(x) for x in inputs])


@_register
class Average(Merge):
    r"""Average tensors: an ensemble.

    $$y = \frac{1}{K} \sum_{k=1}^{K} x^k$$

    Args, call arguments, returns and raises as for `Add`. Masked numbers count as they are.

    Source:
        Arithmetic; no paper.

    Example:
        >>> [float(v) for v in Average()([ops.array([5.0, 2.0]), ops.array([3.0, 4.0])])]
        [4.0, 3.0]

    Differences from Keras: none.
    """

    def merge(self, inputs):
        """Compute the mean."""
        return functools.reduce(ops.add, inputs) / len(inputs)

    def result_dtype(self, inputs):
        """Return the layer's dtype: a mean is no integer."""
        return self.compute_dtype


def add(inputs, **kwargs):
    """Add tensors; see `Add`.

    Args:
        inputs: List of tensors.
        **kwargs: `name`, `dtype` of the layer.

    Returns:
        A tensor.

    Example:
        >>> float(add([ops.array([1.0]), ops.array([2.0])])[0])
        3.0
    """
    return Add(**kwargs)(inputs)


def subtract(inputs, **kwargs):
    """Subtract the second tensor from the first; see `Subtract`.

    Args and returns as for `add`.

    Example:
        >>> float(subtract([ops.array([1.0]), ops.array([2.0])])[0])
        -1.0
    """
    return Subtract(**kwargs)(inputs)


def multiply(inputs, **kwargs):
    """Multiply tensors number by number; see `Multiply`.

    Args and returns as for `add`.

    Example:
        >>> float(multiply([ops.array([3.0]), ops.array([2.0])])[0])
        6.0
    """
    return Multiply(**kwargs)(inputs)


def average(inputs, **kwargs):
    """Average tensors; see `Average`.

    Args and returns as for `add`.

    Example:
        >>> float(average([ops.array([1.0]), ops.array([2.0])])[0])
        1.5
    """
    return Average(**kwargs)(inputs)
