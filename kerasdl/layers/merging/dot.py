"""Dot products of the examples of two tensors."""

import keras

from kerasdl.layers.merging.base import Merge
from kerasdl.ops.merging import batch_dot
from kerasdl.ops.normalization import unit_normalization


@keras.saving.register_keras_serializable(package="kerasdl")
class Dot(Merge):
    r"""Multiply the examples of two tensors along one axis each.

    $$z_{b,\, i \dots,\, j \dots} = \sum_k x_{b,\, i \dots k \dots}\; y_{b,\, j \dots k \dots}$$

    With `normalize`, of vectors of length 1 along these axes: the cosine of the angle between them.

    Args:
        axes: The summed axis of both, or a pair, one for each, counted from 0, the batch, or from
            the end. The batch cannot be summed over.
        normalize: Whether to divide by the lengths along `axes` first.
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Two tensors (B, …), whose sizes along the summed axes are equal.

    Returns:
        A tensor with the batch, the other axes of the first, and those of the second; (B, 1) if
        there are none. It has no mask.

    Raises:
        TypeError: If `axes` is neither an integer nor a list.
        ValueError: If `axes` is no pair of integers, there are not two inputs, or their sizes along
            the summed axes differ.

    Source:
        Salton et al., 1975, A vector space model for automatic indexing (the cosine).

    Example:
        >>> x = keras.ops.array([[3.0, 4.0]])
        >>> float(Dot(axes=1)([x, x])[0, 0]), round(float(Dot(1, normalize=True)([x, x])[0, 0]), 6)
        (25.0, 1.0)

    Differences from Keras: sizes along the summed axes may be unknown when the model is built; a
    vector of zeros gets a finite gradient, not NaN; float64 stays float64 on PyTorch.
    """

    def __init__(self, axes, normalize=False, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(axes, int):
            if not isinstance(axes, list | tuple):
                raise TypeError(
                    "Invalid type for argument `axes`: it should be a list or an int. "
                    f"Received: axes={axes}"
                )
            if len(axes) != 2:
                raise ValueError(
                    "Invalid format for argument `axes`: it should contain two elements. "
                    f"Received: axes={axes}"
                )
            if not all(isinstance(a, int) for a in axes):
                raise ValueError(
                    "Invalid format for argument `axes`: list elements should be integers. "
                    f"Received: axes={axes}"
                )
        self.axes = axes
        self.normalize = normalize

    def build(self, input_shape):
        """Check the shapes; there are no weights."""
        a, b = self._axes(input_shape)
        n, m = input_shape[0][a], input_shape[1][b]
        if None not in (n, m) and n != m:
            raise ValueError(
                f"Incompatible input shapes: axis values {n} (at axis {a}) != {m} (at axis {b}). "
                f"Full input shapes: {input_shape[0]}, {input_shape[1]}"
            )

    def call(self, inputs):
        """Compute the products."""
        a, b = self._axes([x.shape for x in inputs])
        x, y = inputs
        if self.normalize:
            x = unit_normalization(x, a, epsilon=keras.config.epsilon())
            y = unit_normalization(y, b, epsilon=keras.config.epsilon())
        return batch_dot(x, y, (a, b))

    def compute_output_shape(self, input_shape):
        """Return (B, other axes of the first…, other axes of the second…)."""
        a, b = self._axes(input_shape)
        x, y = (list(shape) for shape in input_shape)
        del x[a], y[b], y[0]
        return (*x, *y) if len(x) + len(y) > 1 else (*x, 1)

    def _axes(self, input_shape):
        """Return the summed axis of each input, counted from 0.

        Raises:
            ValueError: If there are not two inputs, or one of them has no such axis.
        """
        if not isinstance(input_shape, list | tuple) or (
            len(input_shape) != 2 or not all(hasattr(s, "__len__") for s in input_shape)
        ):
            raise ValueError(
                "A `Dot` layer should be called on a list of 2 inputs. "
                f"Received: input_shape={input_shape}"
            )
        axes = (self.axes,) * 2 if isinstance(self.axes, int) else self.axes
        for axis, shape in zip(axes, input_shape, strict=True):
            if not -len(shape) <= axis < len(shape) or axis % len(shape) == 0:
                raise ValueError(
                    "`axes` of a `Dot` layer must be axes of the inputs behind the batch, "
                    f"received axes={self.axes} and input_shape={input_shape}"
                )
        return tuple(axis % len(shape) for axis, shape in zip(axes, input_shape, strict=True))

    def compute_mask(self, inputs, mask=None):
        """Return no mask: the axes that it had are summed over or crossed."""
        return None

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


def dot(inputs, axes=-1, **kwargs):
    """Multiply the examples of two tensors along one axis each; see `Dot`.

    Args:
        inputs: Two tensors.
        axes: The summed axis of both, or a pair.
        **kwargs: `normalize`, and `name`, `dtype` of the layer.

    Returns:
        A tensor.

    Example:
        >>> x = keras.ops.array([[3.0, 4.0]])
        >>> float(dot([x, x])[0, 0])
        25.0
    """
    return Dot(axes=axes, **kwargs)(inputs)
