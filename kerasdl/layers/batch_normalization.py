"""Batch normalisation."""

import keras
from keras import ops as K

from kerasdl import constraints, initializers, ops, regularizers
from kerasdl.layers.arguments import axes_within
from kerasdl.layers.batch_renormalization import BatchRenormalization, check_clipping
from kerasdl.ops.batch_norm import masked_moments
from kerasdl.ops.normalization import at_least_float32


@keras.saving.register_keras_serializable(package="kerasdl")
class BatchNormalization(BatchRenormalization, keras.Layer):
    r"""Normalise each channel by the mean and variance of the batch, then scale and shift it.

    $$y = \gamma \odot \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta$$

    While training, $\mu$ and $\sigma^2$ are those of the batch (over all axes but `axis`), and
    moving averages follow them with momentum $m$; at inference the averages stand in their place:

    $$\bar\mu \leftarrow m\, \bar\mu + (1 - m)\, \mu, \qquad
      \bar\sigma^2 \leftarrow m\, \bar\sigma^2 + (1 - m)\, \sigma^2$$

    A layer with `trainable = False` is frozen: it normalises by the averages and leaves them alone,
    also while training.

    Args:
        axis: Axis of the channels.
        momentum: $m$.
        epsilon: $\epsilon$, inside the root.
        center: Whether there is a $\beta$.
        scale: Whether there is a $\gamma$.
        beta_initializer: Initialiser of $\beta$.
        gamma_initializer: Initialiser of $\gamma$.
        moving_mean_initializer: Initialiser of $\bar\mu$.
        moving_variance_initializer: Initialiser of $\bar\sigma^2$.
        beta_regularizer: Penalty on $\beta$.
        gamma_regularizer: Penalty on $\gamma$.
        beta_constraint: Projection of $\beta$ after each update.
        gamma_constraint: Projection of $\gamma$ after each update.
        renorm: Whether to train with batch renormalisation (Ioffe, 2017), which corrects the batch
            towards averages of its own; see `kerasdl.ops.renormalization`.
        renorm_clipping: Bounds of the correction: a dict of "rmin", "rmax", "dmax".
        renorm_momentum: Momentum of the correction's averages.
        synchronized: Whether $\mu$ and $\sigma^2$ are those of all replicas of a
            `tf.distribute` strategy. TensorFlow only; on JAX, `keras.distribution` always computes
            as if one device held the whole batch.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, …).
        training: Whether to use and follow the batch's statistics.
        mask: Boolean tensor (B, …) with one axis less than `inputs`: `True` where an entry counts
            towards the statistics. Masked entries are normalised all the same.

    Returns:
        A tensor of the shape of `inputs`, in the layer's compute dtype; half precision is computed
        in float32. A mask is passed on.

    Raises:
        ValueError: If `axis` is out of bounds, a bound of `renorm_clipping` is unknown or
            contradicts another, the mask has another rank, or `synchronized` is asked for on
            another backend than TensorFlow.

    Source:
        Ioffe and Szegedy, 2015, Batch Normalization, algorithms 1 and 2.

    Example:
        >>> layer = BatchNormalization(momentum=0.5, epsilon=0.0)
        >>> y = layer(keras.ops.array([[1.0], [3.0]]), training=True)
        >>> [float(v) for v in y[:, 0]], float(layer.moving_mean[0])
        ([-1.0, 1.0], 1.0)

    Differences from the paper: the moving variance averages $\sigma^2$ and not its unbiased
    estimate, as in Keras. From Keras: masks are respected with `synchronized=True` and with one
    channel; synchronised variances are computed in two passes and do not cancel; so are those on
    PyTorch; on JAX, float64 is computed in float64.
    """

    def __init__(
        self,
        axis=-1,
        momentum=0.99,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        moving_mean_initializer="zeros",
        moving_variance_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
        renorm=False,
        renorm_clipping=None,
        renorm_momentum=0.99,
        synchronized=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if synchronized and keras.backend.backend() != "tensorflow":
            raise ValueError(
                "`synchronized=True` needs TensorFlow, received it with Keras on "
                f"{keras.backend.backend()}."
            )
        self.axis = int(axis)
        self.momentum = float(momentum)
        self.epsilon = float(epsilon)
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.renorm = renorm
        self.renorm_clipping = check_clipping(renorm_clipping) if renorm else renorm_clipping
        self.renorm_momentum = renorm_momentum
        self.synchronized = synchronized
        self.supports_masking = True
        self.gamma = self.beta = self.moving_mean = self.moving_variance = None

    def build(self, input_shape):
        r"""Create $\gamma$, $\beta$ and the moving averages, one number a channel."""
        axes_within(self.axis, input_shape)
        channels = input_shape[self.axis]

        def add(name, initializer, **kwargs):
            return self.add_weight(
                name=name, shape=(channels,), initializer=initializer, autocast=False, **kwargs
            )

        if self.scale:
            self.gamma = add(
                "gamma",
                self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
            )
        if self.center:
            self.beta = add(
                "beta",
                self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
            )
        self.moving_mean = add("moving_mean", self.moving_mean_initializer, trainable=False)
        self.moving_variance = add(
            "moving_variance", self.moving_variance_initializer, trainable=False
        )
        if self.renorm:
            self._add_averages(add)
        self.input_spec = keras.InputSpec(ndim=len(input_shape), axes={self.axis: channels})

    def call(self, inputs, training=None, mask=None):
        """Normalise by the batch (and follow it) or by the averages."""
        if mask is not None and len(mask.shape) != len(inputs.shape) - 1:
            raise ValueError(
                "The mask provided should be one dimension less than the inputs. Received: "
                f"mask.shape={mask.shape}, inputs.shape={inputs.shape}"
            )
        x, _ = at_least_float32(inputs)
        gamma, beta = (None if p is None else K.cast(p, x.dtype) for p in (self.gamma, self.beta))

        if not (training and self.trainable):
            mean, variance = self.moving_mean, self.moving_variance
            y = ops.batch_normalization(x, mean, variance, self.axis, beta, gamma, self.epsilon)
        elif mask is None and not self.renorm:
            y, mean, variance = ops.fast_batch_normalization(
                x, self.axis, beta, gamma, self.epsilon, self.synchronized
            )
            self._move(self.moving_mean, mean, self.momentum)
            self._move(self.moving_variance, variance, self.momentum)
        else:
            mean, variance = self._moments(x, mask)
            if self.renorm:
                gamma, beta = self._corrected(mean, variance, gamma, beta)
                self._follow_with_deviations(mean, variance)
            else:
                self._move(self.moving_mean, mean, self.momentum)
                self._move(self.moving_variance, variance, self.momentum)
            y = ops.batch_normalization(x, mean, variance, self.axis, beta, gamma, self.epsilon)
        return K.cast(y, self.compute_dtype)

    def _moments(self, x, mask):
        axes = [a for a in range(len(x.shape)) if a != self.axis % len(x.shape)]
        if mask is None:
            return ops.moments(x, axes, synchronized=self.synchronized)
        return masked_moments(
            x,
            axes,
            K.expand_dims(mask, -1),
            synchronized=self.synchronized,
            epsilon=keras.config.epsilon(),  # a batch may be masked altogether
        )

    def _move(self, average, value, momentum):
        moved = K.cast(average, value.dtype) * momentum + value * (1.0 - momentum)
        average.assign(moved)
        return moved

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        axes_within(self.axis, input_shape)
        return input_shape

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "axis": self.axis,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "moving_mean_initializer": initializers.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": initializers.serialize(self.moving_variance_initializer),
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "beta_constraint": constraints.serialize(self.beta_constraint),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
            "synchronized": self.synchronized,
            "renorm": self.renorm,
            "renorm_clipping": self.renorm_clipping,
            "renorm_momentum": self.renorm_momentum,
        }
