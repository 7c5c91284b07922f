"""Rectifier whose slope is learned."""

import keras
from keras import ops

from kerasdl import constraints, initializers, regularizers


@keras.saving.register_keras_serializable(package="kerasdl")
class PReLU(keras.Layer):
    r"""Rectified linear unit that learns how much to let through, for each feature.

    $$a = \begin{cases} z & z > 0 \\ \alpha \odot z & z \le 0 \end{cases}, \qquad
      \frac{\partial a}{\partial \alpha} = \min(z, 0)$$

    Args:
        alpha_initializer: Initialiser of $\alpha$, which has the shape of one example.
        alpha_regularizer: Penalty on $\alpha$.
        alpha_constraint: Projection of $\alpha$ after each update.
        shared_axes: Axes (the batch is axis 0) along which one $\alpha$ serves all positions, e.g.
            `[1, 2]` after a convolution.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, …); all sizes behind the batch that are not shared must be known.

    Returns:
        Tensor of the shape of the input. A mask is passed on.

    Source:
        He et al., 2015, Delving Deep into Rectifiers, section 2.1.

    Example:
        >>> layer = PReLU(alpha_initializer=keras.initializers.Constant(0.25))
        >>> [float(a) for a in layer(keras.ops.array([[-4.0, 3.0]]))[0]]
        [-1.0, 3.0]

    Differences from the paper and from Keras: the paper starts at 0.25, Keras (and this) at 0.
    """

    def __init__(
        self,
        alpha_initializer="Zeros",
        alpha_regularizer=None,
        alpha_constraint=None,
        shared_axes=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        if shared_axes is not None and not isinstance(shared_axes, list | tuple):
            shared_axes = [shared_axes]
        self.shared_axes = None if shared_axes is None else list(shared_axes)

    def build(self, input_shape):
        r"""Create $\alpha$."""
        shape = list(input_shape[1:])
        for axis in self.shared_axes or ():
            shape[axis - 1] = 1
        self.alpha = self.add_weight(
            name="alpha",
            shape=shape,
            initializer=self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
        )
        known = {}
        if self.shared_axes:
            axes = range(1, len(input_shape))
            known = {i: input_shape[i] for i in axes if i not in self.shared_axes}
        self.input_spec = keras.InputSpec(ndim=len(input_shape), axes=known)

    def call(self, inputs):
        """Compute the rectifier."""
        return ops.where(inputs > 0, inputs, ops.cast(self.alpha, inputs.dtype) * inputs)

    def compute_output_shape(self, input_shape):
        """Return the shape of the input."""
        return input_shape

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "alpha_initializer": initializers.serialize(self.alpha_initializer),
            "alpha_regularizer": regularizers.serialize(self.alpha_regularizer),
            "alpha_constraint": constraints.serialize(self.alpha_constraint),
            "shared_axes": self.shared_axes,
        }
