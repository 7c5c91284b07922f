"""A layer whose kernel stretches no vector."""

import keras
from keras import ops

from kerasdl.ops.spectral import spectral_norm


@keras.saving.register_keras_serializable(package="kerasdl")
class SpectralNormalization(keras.layers.Wrapper):
    r"""Divide the kernel of a layer by its largest singular value at each step of training.

    $$W \leftarrow \frac{W}{\sigma(W)}$$

    for $W$ as a matrix of one column for each output, see `kerasdl.ops.spectral_norm`. A linear
    layer then changes its output by no more than its input changes.

    Args:
        layer: A layer with a `kernel` (`Dense`, `Conv2D`) or with `embeddings`.
        power_iterations: Iterations of each step; the direction is kept from step to step.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: What the layer takes.
        training: Whether to normalise; else the kernel is used as it is.

    Returns:
        What the layer returns, in the dtype of `inputs`.

    Raises:
        ValueError: If `power_iterations` is not a positive integer, or the layer has no kernel.

    Source:
        Miyato et al., 2018, Spectral Normalization for Generative Adversarial Networks, section 2.

    Example:
        >>> from kerasdl import layers
        >>> layer = SpectralNormalization(
        ...     layers.Dense(2, kernel_initializer="ones"), power_iterations=8
        ... )
        >>> [round(float(x), 4) for x in layer(ops.ones((1, 2)), training=True)[0]]
        [1.0, 1.0]

    Differences from Keras: none. As there, it is the variable that is divided, and no gradient
    flows through $\sigma$.
    """

    def __init__(self, layer, power_iterations=1, **kwargs):
        super().__init__(layer, **kwargs)
        if not isinstance(power_iterations, int) or power_iterations <= 0:
            raise ValueError(
                "`power_iterations` should be greater than zero. Expected an integer of at least "
                f"1, received: power_iterations={power_iterations!r}"
            )
        self.power_iterations = power_iterations

    def build(self, input_shape):
        """Build the layer, and create the direction $u$."""
        super().build(input_shape)
        self.input_spec = keras.layers.InputSpec(min_ndim=1, axes={-1: input_shape[-1]})
        self.kernel = getattr(self.layer, "kernel", getattr(self.layer, "embeddings", None))
        if self.kernel is None:
            raise ValueError(
                "`layer` must have a kernel or embeddings: "
                f"{type(self.layer).__name__} object has no attribute 'kernel' nor 'embeddings'"
            )
        self.vector_u = self.add_weight(
            shape=(1, self.kernel.shape[-1]),
            initializer=keras.initializers.TruncatedNormal(stddev=0.02),
            trainable=False,
            name="vector_u",
            dtype=self.kernel.dtype,
        )

    def call(self, inputs, training=False):
        """Normalise the kernel if training, then call the layer."""
        if training:
            kernel, u = ops.cond(
                ops.all(ops.equal(self.kernel, 0)),  # 0 has no direction to be stretched in
                lambda: (self.kernel.value, self.vector_u.value),
                self._normalized,
            )
            self.kernel.assign(kernel)
            self.vector_u.assign(u)
        return ops.cast(self.layer(inputs), inputs.dtype)

    def _normalized(self):
        W = ops.reshape(self.kernel, (-1, self.kernel.shape[-1]))
        sigma, u = spectral_norm(W, self.vector_u.value, self.power_iterations)
        return ops.reshape(W / sigma, self.kernel.shape), u

    def compute_output_shape(self, input_shape):
        """Return the layer's."""
        return self.layer.compute_output_shape(input_shape)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "power_iterations": self.power_iterations}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Rebuild the layer inside, then this."""
        return super().from_config(dict(config), custom_objects)  # `Wrapper` takes entries out
