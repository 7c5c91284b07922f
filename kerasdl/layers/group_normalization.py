"""Group normalisation."""

import keras

from kerasdl import constraints, initializers, ops, regularizers
from kerasdl.layers.arguments import axes_within


@keras.saving.register_keras_serializable(package="kerasdl")
class GroupNormalization(keras.Layer):
    r"""Normalise groups of channels of each example, then scale and shift each channel.

    $$y = \gamma \odot \frac{x - \mu_g}{\sqrt{\sigma_g^2 + \epsilon}} + \beta$$

    with $\mu_g$ and $\sigma_g^2$ over all places and the channels of one group, the same while
    training and at inference.

    Args:
        groups: Number of groups; divides the number of channels. −1 for one channel a group
            (instance normalisation).
        axis: Axis of the channels.
        epsilon: $\epsilon$, inside the root.
        center: Whether there is a $\beta$.
        scale: Whether there is a $\gamma$.
        beta_initializer: Initialiser of $\beta$.
        gamma_initializer: Initialiser of $\gamma$.
        beta_regularizer: Penalty on $\beta$.
        gamma_regularizer: Penalty on $\gamma$.
        beta_constraint: Projection of $\beta$ after each update.
        gamma_constraint: Projection of $\gamma$ after each update.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, …).

    Returns:
        A tensor of the shape of `inputs`, in the layer's compute dtype; half precision is computed
        in float32. A mask is passed on.

    Raises:
        ValueError: If `groups` is no positive integer (nor −1) or does not divide the number of
            channels, or `axis` is out of bounds or the batch.

    Source:
        Wu and He, 2018, Group Normalization, section 3.

    Example:
        >>> layer = GroupNormalization(groups=2, epsilon=0.0)
        >>> [float(v) for v in layer(keras.ops.array([[1.0, 3.0, 0.0, 8.0]]))[0]]
        [-1.0, 1.0, -1.0, 1.0]

    Differences from Keras: on JAX, float64 is computed in float64; on PyTorch the variance does not
    cancel.
    """

    def __init__(
        self,
        groups=32,
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
        **kwargs,
    ):
        if not isinstance(groups, int) or (groups <= 0 and groups != -1):
            raise ValueError(
                "Received an invalid value for argument `groups`, expected a positive integer "
                f"(or `-1` for instance normalization). Received: groups={groups!r}"
            )
        super().__init__(**kwargs)
        self.groups = groups
        self.axis = axis
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.supports_masking = True
        self.autocast = False  # half-precision inputs are normalised in float32

    def build(self, input_shape):
        r"""Create $\gamma$ and $\beta$, one number a channel."""
        axes_within(self.axis, input_shape)
        channels = input_shape[self.axis]
        if channels is None:
            raise ValueError(
                f"Axis {self.axis} of input tensor should have a defined dimension but the layer "
                f"received an input with shape {input_shape}."
            )
        if self.axis % len(input_shape) == 0:
            raise ValueError(f"`axis` must not be the batch, received {self.axis}.")
        if self.groups == -1:
            self.groups = channels
        if channels < self.groups:
            raise ValueError(
                f"Number of groups ({self.groups}) cannot be more than the number of channels "
                f"({channels})."
            )
        if channels % self.groups:
            raise ValueError(
                f"Number of groups ({self.groups}) must be a multiple of the number of channels "
                f"({channels})."
            )
        self.input_spec = keras.InputSpec(ndim=len(input_shape), axes={self.axis: channels})
        self.gamma = self.beta = None
        if self.scale:
            self.gamma = self.add_weight(
                name="gamma",
                shape=(channels,),
                initializer=self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
                autocast=False,
            )
        if self.center:
            self.beta = self.add_weight(
                name="beta",
                shape=(channels,),
                initializer=self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
                autocast=False,
            )

    def call(self, inputs):
        """Normalise, scale and shift."""
        y = ops.fast_group_normalization(
            inputs, self.groups, self.gamma, self.beta, self.axis, self.epsilon
        )
        return keras.ops.cast(y, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        axes_within(self.axis, input_shape)
        return input_shape

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "groups": self.groups,
            "axis": self.axis,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "beta_constraint": constraints.serialize(self.beta_constraint),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
        }
