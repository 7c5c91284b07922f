"""Tensors one behind the other."""

import keras
from keras import ops

from kerasdl.layers.merging.base import Merge, check_list, check_masks


@keras.saving.register_keras_serializable(package="kerasdl")
class Concatenate(Merge):
    r"""Lay tensors one behind the other along an axis.

    $$y_{\dots,\; n_1 + \dots + n_{k-1} + i,\; \dots} = x^k_{\dots,\, i,\, \dots}$$

    Args:
        axis: The axis, counted from 0, the batch, or from the end.
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: List of tensors whose other sizes are equal. All sparse, or not.

    Returns:
        A tensor of the same rank. Its mask is the masks laid one behind the other; along an axis
        that they do not have, what any of them keeps. An input without a mask is kept throughout;
        if none has one, the result has none.

    Raises:
        ValueError: If the inputs are no list, or differ in a size other than that of `axis`.

    Source:
        Indexing; no paper. As a shortcut: Huang et al., 2017, Densely connected convolutional
        networks, section 3.

    Example:
        >>> y = Concatenate()([ops.array([[1.0, 2.0]]), ops.array([[3.0]])])
        >>> [float(v) for v in y[0]]
        [1.0, 2.0, 3.0]

    Differences from Keras: a model of integers declares integers, as the layer returns them; masks
    (B, T) also of inputs with further axes.
    """

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis

    def build(self, input_shape):
        """Check the shapes; there are no weights."""
        check_list(input_shape, "A `Concatenate` layer")
        rank = len(input_shape[0])
        if not -rank <= self.axis < rank:
            raise ValueError(
                f"`axis` of a `Concatenate` layer must be one of the inputs' {rank} axes, "
                f"received axis={self.axis} and input_shape={input_shape}"
            )
        others = [i for i in range(rank) if i != self.axis % rank]
        if any(len(shape) != rank for shape in input_shape) or any(
            len({shape[i] for shape in input_shape} - {None}) > 1 for i in others
        ):
            raise ValueError(
                "A `Concatenate` layer requires inputs with matching shapes except for the "
                f"concatenation axis. Received: input_shape={input_shape}"
            )

    def merge(self, inputs):
        """Concatenate."""
        return ops.concatenate(inputs, axis=self.axis)

    def compute_output_shape(self, input_shape):
        """Return the first shape with the sum of the sizes along the axis."""
        check_list(input_shape, "A `Concatenate` layer")
        shape = list(input_shape[0])
        sizes = [s[self.axis] for s in input_shape]
        shape[self.axis] = None if None in sizes else sum(sizes)
        return tuple(shape)

    def compute_mask(self, inputs, mask=None):
        """Concatenate the masks."""
        if mask is None:
            return None
        check_masks(inputs, mask)
        if all(m is None for m in mask):
            return None
        rank = len(inputs[0].shape)
        # Axes that no mask has are reduced again at the end; the last one is not even made.
        kept = min(rank - 1, max(len(m.shape) for m in mask if m is not None))
        masks = [self._expanded(x, m) for x, m in zip(inputs, mask, strict=True)]
        return ops.any(ops.concatenate(masks, axis=self.axis), axis=tuple(range(kept, rank)))

    @staticmethod
    def _expanded(x, mask):
        """Return the mask with the sizes of the input, but 1 for the last axis."""
        if mask is None:
            return ops.ones_like(x[..., :1], dtype="bool")
        if len(mask.shape) == len(x.shape):
            return ops.any(ops.cast(mask, "bool"), axis=-1, keepdims=True)
        for _ in range(len(x.shape) - len(mask.shape)):
            mask = ops.expand_dims(mask, -1)
        return ops.logical_or(mask, ops.zeros_like(x[..., :1], dtype="bool"))

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "axis": self.axis}


def concatenate(inputs, axis=-1, **kwargs):
    """Lay tensors one behind the other along an axis; see `Concatenate`.

    Args:
        inputs: List of tensors.
        axis: The axis.
        **kwargs: `name`, `dtype` of the layer.

    Returns:
        A tensor.

    Example:
        >>> [float(v) for v in concatenate([ops.array([1.0]), ops.array([2.0])])]
        [1.0, 2.0]
    """
    return Concatenate(axis=axis, **kwargs)(inputs)
