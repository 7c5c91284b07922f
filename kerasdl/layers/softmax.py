"""Softmax with a mask."""

import keras
from keras import ops
from keras.utils import standardize_dtype

from kerasdl import activations
from kerasdl.ops.attention import masked_softmax


@keras.saving.register_keras_serializable(package="kerasdl")
class Softmax(keras.Layer):
    r"""Turn scores into a probability distribution over the positions that a mask keeps.

    $$p_j = \frac{k_j\, e^{z_j - m}}{\sum_{j'} k_{j'}\, e^{z_{j'} - m}}, \qquad k_j \in \{0, 1\},
      \quad m = \max_{j:\,k_j = 1} z_j$$

    Args:
        axis: Axis, or list of axes, over which the result sums to 1.
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Tensor of scores.
        mask: Mask that broadcasts to `inputs`; True, or a number above 0.5, means keep.

    Returns:
        Tensor of the shape of the input; 0 at masked positions, and everywhere if none is kept.

    Raises:
        ValueError: If the mask does not broadcast to the inputs.

    Source:
        Bridle, 1990. Vaswani et al., 2017, Attention Is All You Need, section 3.2.3 (mask).

    Example:
        >>> p = Softmax()(keras.ops.array([1.0, 1.0, 9.0]), mask=keras.ops.array([1, 1, 0]))
        >>> [float(v) for v in p]
        [0.5, 0.5, 0.0]
    """

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs, mask=None):
        """Compute the probabilities."""
        axis = tuple(self.axis) if isinstance(self.axis, list | tuple) else self.axis
        if mask is None:
            return activations.softmax(inputs, axis=axis)
        _check_mask(mask.shape, inputs.shape)
        if standardize_dtype(mask.dtype) != "bool":
            mask = ops.greater(mask, 0.5)
        return masked_softmax(inputs, mask, axis=axis)

    def compute_output_shape(self, input_shape):
        """Return the shape of the input."""
        return input_shape

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "axis": self.axis}


def _check_mask(mask_shape, input_shape):
    problem = None
    if len(mask_shape) > len(input_shape):
        problem = "and must not have more dimensions"
    elif any(
        m not in (None, 1, n) and n is not None
        for m, n in zip(mask_shape[::-1], input_shape[::-1], strict=False)
    ):
        problem = "each of its dimensions must be 1 or match that of the inputs"
    if problem:
        raise ValueError(
            f"The `mask` must be broadcastable to `inputs` {problem}. Received: "
            f"inputs.shape={tuple(input_shape)}, mask.shape={tuple(mask_shape)}"
        )
