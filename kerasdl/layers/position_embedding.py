"""Learned positions."""

import keras

from kerasdl import initializers
from kerasdl.layers.arguments import positive_integer


@keras.saving.register_keras_serializable(package="kerasdl")
class PositionEmbedding(keras.Layer):
    r"""Add one learned vector per position; attention itself cannot tell positions apart.

    $$z_t = x_t + E_{\mathrm{pos}, t}, \qquad E_{\mathrm{pos}} \in \mathbb{R}^{L \times D}$$

    Args:
        sequence_length: $L$, the longest sequence.
        initializer: Initialiser of $E_{\mathrm{pos}}$.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, T, D) with T ≤ L.

    Returns:
        Tensor (B, T, D). A mask is passed on.

    Raises:
        ValueError: If the input is longer than `sequence_length`.

    Source:
        Gehring et al., 2017, section 3.1; Dosovitskiy et al., 2021, equation 1.

    Example:
        >>> tuple(PositionEmbedding(sequence_length=17)(keras.ops.ones((2, 17, 8))).shape)
        (2, 17, 8)

    Differences from KerasHub: the layer adds the positions, so that the mask stays; KerasHub's
    returns them.
    """

    def __init__(self, sequence_length, initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.sequence_length = positive_integer("sequence_length", sequence_length)
        self.initializer = initializers.get(initializer)
        self.input_spec = keras.InputSpec(ndim=3)
        self.supports_masking = True

    def build(self, input_shape):
        """Create $E_{pos}$."""
        _, T, D = input_shape
        if T is not None and T > self.sequence_length:
            raise ValueError(
                f"`sequence_length` is {self.sequence_length}, received an input of length {T} "
                f"(shape {tuple(input_shape)})."
            )
        self.position_embeddings = self.add_weight(
            name="embeddings", shape=(self.sequence_length, D), initializer=self.initializer
        )

    def call(self, inputs):
        """Add the first T positions."""
        T = keras.ops.shape(inputs)[1]
        if isinstance(T, int) and T > self.sequence_length:
            raise ValueError(
                f"`sequence_length` is {self.sequence_length}, received an input of length {T}."
            )
        return inputs + keras.ops.cast(self.position_embeddings[:T], inputs.dtype)

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return input_shape

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "sequence_length": self.sequence_length,
            "initializer": initializers.serialize(self.initializer),
        }
