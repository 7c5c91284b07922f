"""A dense layer whose axes are named by an einsum equation."""

import keras

from kerasdl import activations, constraints, initializers, regularizers
from kerasdl.layers.arguments import refuse_quantization
from kerasdl.layers.low_rank_adaptation import LowRankAdaptation
from kerasdl.ops.linear import einsum_affine
from kerasdl.ops.shapes import einsum_weight_shapes


@keras.saving.register_keras_serializable(package="kerasdl")
class EinsumDense(LowRankAdaptation, keras.Layer):
    r"""A linear map between tensors of any rank, written as an index equation.

    $$a = g\Big(\sum_{i} x_{\dots i \dots}\, W_{i j} + b_j\Big), \qquad
      \text{e.g. "btd,dnh->btnh": one projection per head}$$

    Args:
        equation: `"input,kernel->output"`, one letter an axis; `...` may stand for leading or
            trailing axes of input and output.
        output_shape: Sizes of the output's axes without the batch (and without `...`); `None`
            where the size follows from the input.
        activation: $g$; `None` for the identity.
        bias_axes: Letters of the output axes that have their own bias; `None` for no bias.
        kernel_initializer: Initialiser of $W$; it is told which axes are inputs.
        bias_initializer: Initialiser of $b$.
        kernel_regularizer: Penalty on $W$.
        bias_regularizer: Penalty on $b$.
        kernel_constraint: Projection of $W$ after each update.
        bias_constraint: Projection of $b$ after each update.
        lora_rank: $r$ of `kerasdl.layers.low_rank_adaptation`, for fine-tuning; `None` for none.
            `enable_lora` does the same to a layer that is built.
        lora_alpha: $\alpha$, the strength of the update; `None` for $r$.
        gptq_unpacked_column_size: Only `None`; so is `quantization_config`.
        quantization_config: See `gptq_unpacked_column_size`.
        **kwargs: `activity_regularizer`, `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: Tensor with the axes of the equation's first term.

    Raises:
        ValueError: If the equation has another form, or does not fit the shapes.

    Example:
        >>> layer = EinsumDense("btd,dnh->btnh", output_shape=(None, 2, 4), bias_axes="nh")
        >>> tuple(layer(keras.ops.ones((1, 5, 8))).shape)
        (1, 5, 2, 4)

    Differences from Keras: no quantisation. LoRA: see
    `kerasdl.layers.low_rank_adaptation.LowRankAdaptation`.
    """

    def __init__(
        self,
        equation,
        output_shape,
        activation=None,
        bias_axes=None,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        lora_rank=None,
        lora_alpha=None,
        gptq_unpacked_column_size=None,
        quantization_config=None,
        **kwargs,
    ):
        refuse_quantization(
            gptq_unpacked_column_size=gptq_unpacked_column_size,
            quantization_config=quantization_config,
        )
        super().__init__(lora_rank=lora_rank, lora_alpha=lora_alpha, **kwargs)
        self.equation = equation
        self.partial_output_shape = (
            (output_shape,) if isinstance(output_shape, int) else tuple(output_shape)
        )
        self.activation = activations.get(activation)
        self.bias_axes = bias_axes
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape):
        """Create $W$ and $b$ with the shapes that the equation asks for."""
        shapes = self._shapes(input_shape, weights_only=True)
        self.input_spec = keras.InputSpec(ndim=len(input_shape))
        self._kernel = self.add_weight(
            name="kernel",
            shape=shapes.kernel,
            initializer=initializers.with_axes(
                self.kernel_initializer, shapes.input_axes, shapes.output_axes
            ),
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = None
        if shapes.bias is not None:
            self.bias = self.add_weight(
                name="bias",
                shape=shapes.bias,
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.adapt_if_asked()

    @property
    def kernel(self):
        """$W$, with the axes of the equation's second term."""
        return self.adapted_weight()

    def _shapes(self, input_shape, weights_only=False):
        return einsum_weight_shapes(
            self.equation, input_shape, self.partial_output_shape, self.bias_axes, weights_only
        )

    def call(self, inputs):
        """Compute the equation, add the bias, apply the activation."""
        z = einsum_affine(self.equation, inputs, self.kernel, self.bias)
        return z if self.activation is None else self.activation(z)

    def compute_output_shape(self, input_shape):
        """Return the shape of the equation's last term."""
        return self._shapes(input_shape).output

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "equation": self.equation,
            "output_shape": self.partial_output_shape,
            "activation": activations.serialize(self.activation),
            "bias_axes": self.bias_axes,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }
