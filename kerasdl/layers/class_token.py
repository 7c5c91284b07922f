"""The class token."""

import keras
from keras import ops

from kerasdl import initializers


@keras.saving.register_keras_serializable(package="kerasdl")
class ClassToken(keras.Layer):
    r"""Put one learned vector in front of a sequence; it gathers what the classifier needs.

    $$z_0 = [\, x_{\mathrm{class}};\; x_1;\; \dots;\; x_N \,]$$

    Args:
        initializer: Initialiser of $x_{\mathrm{class}}$, shape (1, 1, D).
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, N, D).
        mask: Booleans (B, N), or `None`.

    Returns:
        Tensor (B, N + 1, D), the token first. The token is never masked.

    Source:
        Dosovitskiy et al., 2021, An Image is Worth 16x16 Words, equation 1; Devlin et al., 2019.

    Example:
        >>> tuple(ClassToken()(keras.ops.ones((2, 16, 8))).shape)
        (2, 17, 8)

    Differences from the paper: none; the paper's code starts the token at zero, as here.
    """

    def __init__(self, initializer="zeros", **kwargs):
        super().__init__(**kwargs)
        self.initializer = initializers.get(initializer)
        self.input_spec = keras.InputSpec(ndim=3)
        self.supports_masking = True

    def build(self, input_shape):
        """Create the token."""
        self.token = self.add_weight(
            name="token", shape=(1, 1, input_shape[-1]), initializer=self.initializer
        )

    def call(self, inputs):
        """Put the token first."""
        B, _, D = ops.shape(inputs)
        token = ops.broadcast_to(ops.cast(self.token, inputs.dtype), (B, 1, D))
        return ops.concatenate([token, inputs], axis=1)  # (B, N + 1, D)

    def compute_mask(self, inputs, previous_mask):
        """Keep the token, whatever is masked behind it."""
        if previous_mask is None:
            return None
        keep_token = ops.ones_like(previous_mask[:, :1])
        return ops.concatenate([keep_token, previous_mask], axis=1)

    def compute_output_shape(self, input_shape):
        """Return (B, N + 1, D)."""
        B, N, D = input_shape
        return (B, None if N is None else N + 1, D)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "initializer": initializers.serialize(self.initializer),
        }
