"""The layer that says which steps are padding."""

import keras
from keras import ops

from kerasdl.backend import set_mask


@keras.saving.register_keras_serializable(package="kerasdl")
class Masking(keras.Layer):
    r"""Mask the steps of a sequence all of whose numbers have one value.

    $$m_{bt} = \exists c:\, x_{btc} \neq v, \qquad y_{bt} = m_{bt}\, x_{bt}$$

    Masked steps become 0; the layers behind skip them.

    Args:
        mask_value: $v$: a number, or a tensor that broadcasts to the inputs.
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, T, C).

    Returns:
        Tensor (B, T, C) with the mask $m$, (B, T).

    Source:
        Indexing; no paper.

    Example:
        >>> x = keras.ops.array([[[1.0, 0.0], [0.0, 0.0]]])
        >>> [bool(m) for m in Masking().compute_mask(x)[0]]
        [True, False]

    Differences from Keras: none.
    """

    def __init__(self, mask_value=0.0, **kwargs):
        super().__init__(**kwargs)
        if isinstance(mask_value, dict) and mask_value.get("config"):  # a tensor from a config
            mask_value = keras.saving.deserialize_keras_object(mask_value)
        self.mask_value = mask_value
        self.supports_masking = True
        self._build_at_init()

    def compute_mask(self, inputs, mask=None):
        """Return which steps have another value than $v$."""
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs):
        """Set masked steps to 0."""
        m = self.compute_mask(inputs)
        outputs = ops.where(ops.expand_dims(m, -1), inputs, 0)
        set_mask(outputs, m)
        return outputs

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return input_shape

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "mask_value": self.mask_value}
