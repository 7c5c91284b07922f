"""A penalty on what passes through."""

import keras

from kerasdl import regularizers


@keras.saving.register_keras_serializable(package="kerasdl")
class ActivityRegularization(keras.Layer):
    r"""Pass the input on and add a penalty on its size to the loss.

    $$y = x, \qquad
      \Omega(x) = \frac{1}{B} \Big(\lambda_1 \sum_i |x_i| + \lambda_2 \sum_i x_i^2\Big)$$

    where $B$ is the number of examples in the batch.

    Args:
        l1: $\lambda_1 \ge 0$.
        l2: $\lambda_2 \ge 0$.
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, …).

    Returns:
        The inputs. A mask is passed on.

    Raises:
        ValueError: If a factor is not a finite number from 0.

    Source:
        Goodfellow et al., 2016, Deep Learning, section 7.10.

    Example:
        >>> layer = ActivityRegularization(l1=0.5)
        >>> _ = layer(keras.ops.ones((2, 3)))
        >>> float(layer.losses[0])
        1.5

    Differences from Keras: none.
    """

    def __init__(self, l1=0.0, l2=0.0, **kwargs):
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.l1 = l1
        self.l2 = l2
        self.supports_masking = True
        self.built = type(self).build is keras.Layer.build  # a subclass may have one

    def call(self, inputs):
        """Return the inputs; the base class adds the penalty."""
        return inputs

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return input_shape

    def get_config(self):
        """Return the constructor's arguments."""
        config = super().get_config()
        config.pop("activity_regularizer", None)
        return {**config, "l1": self.l1, "l2": self.l2}
