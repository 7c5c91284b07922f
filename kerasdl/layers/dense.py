"""The densely connected layer."""

import keras

from kerasdl import activations, constraints, initializers, regularizers
from kerasdl.layers.arguments import positive_integer, refuse_quantization
from kerasdl.layers.low_rank_adaptation import LowRankAdaptation
from kerasdl.ops.linear import affine


@keras.saving.register_keras_serializable(package="kerasdl")
class Dense(LowRankAdaptation, keras.Layer):
    r"""Every unit sees every input: a weighted sum, a bias, an activation.

    $$a = g(x W + b)$$

    Args:
        units: Number of outputs $n_{out}$.
        activation: $g$; `None` for the identity.
        use_bias: Whether there is a $b$.
        kernel_initializer: Initialiser of $W$ (n_in, n_out).
        bias_initializer: Initialiser of $b$ (n_out,).
        kernel_regularizer: Penalty on $W$.
        bias_regularizer: Penalty on $b$.
        activity_regularizer: Penalty on the output.
        kernel_constraint: Projection of $W$ after each update.
        bias_constraint: Projection of $b$ after each update.
        lora_rank: $r$ of `kerasdl.layers.low_rank_adaptation`, for fine-tuning; `None` for none.
            `enable_lora` does the same to a layer that is built.
        lora_alpha: $\alpha$, the strength of the update; `None` for $r$.
        quantization_config: Only `None`.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, …, n_in).

    Returns:
        Tensor (B, …, n_out). A mask is passed on.

    Raises:
        ValueError: If `units` is not a positive integer.

    Source:
        Rosenblatt, 1958. Goodfellow et al., 2016, Deep Learning, section 6.1.

    Example:
        >>> layer = Dense(3, activation="relu")
        >>> tuple(layer(keras.ops.ones((2, 4))).shape)
        (2, 3)

    Differences from Keras: no quantisation. LoRA: see
    `kerasdl.layers.low_rank_adaptation.LowRankAdaptation`.
    """

    def __init__(
        self,
        units,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        lora_rank=None,
        lora_alpha=None,
        quantization_config=None,
        **kwargs,
    ):
        refuse_quantization(quantization_config=quantization_config)
        super().__init__(
            activity_regularizer=activity_regularizer,
            lora_rank=lora_rank,
            lora_alpha=lora_alpha,
            **kwargs,
        )
        self.units = positive_integer("units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = keras.InputSpec(min_ndim=2)
        self.supports_masking = True

    def build(self, input_shape):
        """Create $W$ and $b$."""
        n_in = input_shape[-1]
        self._kernel = self.add_weight(
            name="kernel",
            shape=(n_in, self.units),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.units,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.input_spec = keras.InputSpec(min_ndim=2, axes={-1: n_in})
        self.adapt_if_asked()

    @property
    def kernel(self):
        """$W$ (n_in, n_out)."""
        return self.adapted_weight()

    def call(self, inputs):
        """Compute $g(x W + b)$."""
        z = affine(inputs, self.kernel, self.bias)
        return z if self.activation is None else self.activation(z)

    def compute_output_shape(self, input_shape):
        """Return (B, …, units)."""
        return (*input_shape[:-1], self.units)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }
