"""Layer normalisation."""

import warnings

import keras

from kerasdl import constraints, initializers, ops, regularizers
from kerasdl.layers.arguments import axes_within


@keras.saving.register_keras_serializable(package="kerasdl")
class LayerNormalization(keras.Layer):
    r"""Normalise the features of each example, then scale and shift them.

    $$y = \gamma \odot \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta$$

    with $\mu$ and $\sigma^2$ over the features of one example (see
    `kerasdl.ops.layer_normalization`), the same while training and at inference.

    Args:
        axis: Axis or axes of the features.
        epsilon: $\epsilon$, inside the root.
        center: Whether there is a $\beta$.
        scale: Whether there is a $\gamma$.
        beta_initializer: Initialiser of $\beta$.
        gamma_initializer: Initialiser of $\gamma$.
        beta_regularizer: Penalty on $\beta$.
        gamma_regularizer: Penalty on $\gamma$.
        beta_constraint: Projection of $\beta$ after each update.
        gamma_constraint: Projection of $\gamma$ after each update.
        rms_scaling: Deprecated in Keras, kept for old files: leave out the $- \mu$ of the numerator
            (but not of $\sigma^2$) and $\beta$. For $\sqrt{\overline{x^2}}$ use `RMSNormalization`.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, …).

    Returns:
        A tensor of the shape of `inputs`, in the layer's compute dtype; half precision is computed
        in float32. A mask is passed on.

    Raises:
        TypeError: If `axis` is neither an integer nor integers.
        ValueError: If it is out of bounds.

    Source:
        Ba et al., 2016, Layer Normalization, equation 4.

    Example:
        >>> y = LayerNormalization(epsilon=0.0)(keras.ops.array([[1.0, 3.0]]))
        >>> [float(v) for v in y[0]]
        [-1.0, 1.0]

    Differences from Keras: on JAX, float64 is computed in float64.
    """

    def __init__(
        self,
        axis=-1,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
        rms_scaling=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        is_axes = isinstance(axis, list | tuple) and all(isinstance(a, int) for a in axis)
        if not (isinstance(axis, int) or is_axes):
            raise TypeError(
                "Expected an int or a list/tuple of ints for the argument 'axis', but received: "
                f"`axis`={axis!r}"
            )
        if rms_scaling:
            warnings.warn(
                "`rms_scaling=True` is deprecated: it scales by the standard deviation, not by the "
                "root mean square. Use `RMSNormalization`.",
                stacklevel=2,
            )
        self.axis = axis if isinstance(axis, int) else list(axis)
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.rms_scaling = rms_scaling
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.supports_masking = True
        self.autocast = False  # half-precision inputs are normalised in float32

    def build(self, input_shape):
        r"""Create $\gamma$ and $\beta$ over the feature axes."""
        axes = axes_within(self.axis, input_shape)
        # In Keras' order, so that weights can be exchanged: axes sorted as they were written.
        shape = tuple(input_shape[a] for a in sorted(axes))
        self.gamma = self.beta = None
        if self.scale or self.rms_scaling:
            self.gamma = self.add_weight(
                name="gamma",
                shape=shape,
                initializer=self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
                autocast=False,
            )
        if self.center and not self.rms_scaling:
            self.beta = self.add_weight(
                name="beta",
                shape=shape,
                initializer=self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
                autocast=False,
            )

    def call(self, inputs):
        """Normalise, scale and shift."""
        if self.rms_scaling:
            y = ops.deviation_scaling(inputs, self.gamma, self.axis, self.epsilon)
        else:
            y = ops.fast_layer_normalization(inputs, self.gamma, self.beta, self.axis, self.epsilon)
        return keras.ops.cast(y, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        axes_within(self.axis, input_shape)
        return input_shape

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "axis": self.axis,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "rms_scaling": self.rms_scaling,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "beta_constraint": constraints.serialize(self.beta_constraint),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
        }
