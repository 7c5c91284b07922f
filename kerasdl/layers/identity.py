"""The layer that does nothing."""

import keras


# "kerasdl>Identity" is the initialiser.
@keras.saving.register_keras_serializable(package="kerasdl.layers")
class Identity(keras.Layer):
    r"""Return the input: a place holder where a layer may stand or not.

    $$y = x$$

    Args:
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: A tensor, or tensors in any nesting.

    Returns:
        `inputs`. A mask is passed on.

    Example:
        >>> float(Identity()(keras.ops.array(3.0)))
        3.0
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs):
        """Return them."""
        return inputs

    def compute_output_shape(self, input_shape):
        """Return it."""
        return input_shape

    def compute_output_spec(self, inputs):
        """Return shapes and dtypes; what is sparse stays sparse."""
        return keras.tree.map_structure(
            lambda x: keras.KerasTensor(x.shape, dtype=x.dtype, sparse=x.sparse), inputs
        )
