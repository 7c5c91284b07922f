"""Convolutional layers."""

import keras

from kerasdl.layers.base_conv import BaseConv, refuse_stride_and_dilation
from kerasdl.layers.conv_arguments import positive
from kerasdl.layers.low_rank_adaptation import LowRankAdaptation
from kerasdl.ops.convolution_primitives import convolve


class _Conv(LowRankAdaptation, BaseConv):
    """Abstract: a convolution over `rank` spatial axes."""

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        dilation_rate=1,
        groups=1,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        implementation="auto",
        **kwargs,
    ):
        super().__init__(
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            bias_initializer,
            bias_regularizer,
            bias_constraint,
            implementation,
            kernel_settings={
                "kernel_initializer": kernel_initializer,
                "kernel_regularizer": kernel_regularizer,
                "kernel_constraint": kernel_constraint,
            },
            causal=self.rank == 1,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.filters = positive("filters", filters)
        self.groups = groups
        if groups <= 0:
            raise ValueError(
                f"The number of groups must be a positive integer. Received: groups={groups}."
            )
        if filters is not None and filters % groups:
            raise ValueError(
                "The number of filters must be evenly divisible by the number of groups. "
                f"Received: groups={groups}, filters={filters}."
            )
        refuse_stride_and_dilation(self)

    def build(self, input_shape):
        """Create $W$ and $b$."""
        C = self.check_input(input_shape)
        if C % self.groups:
            raise ValueError(
                "The number of input channels must be evenly divisible by the number of groups. "
                f"Received groups={self.groups}, but the input has {C} channels (full input shape "
                f"is {tuple(input_shape)})."
            )
        self._kernel = self.add_kernel(
            "kernel", (*self.kernel_size, C // self.groups, self.filters)
        )
        self.bias = self.add_bias(self.filters)
        self.adapt_if_asked()

    @property
    def kernel(self):
        """$W$ (F…, C / G, O)."""
        return self.adapted_weight()

    def convolution_op(self, inputs, kernel):
        """Convolve without bias and activation; to be overridden, as in Keras."""
        return convolve(inputs, kernel, **self.settings())

    def call(self, inputs):
        """Convolve, shift, activate."""
        return self.activation(self.add_bias_to(self.convolution_op(inputs, self.kernel)))

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "filters": self.filters, "groups": self.groups}


@keras.saving.register_keras_serializable(package="kerasdl")
class Conv1D(_Conv):
    r"""Slide a kernel along a sequence; at each position, a weighted sum of what it covers.

    $$a[b, i, o] = g\Big(\sum_k \sum_c x[b, i s + k d, c] \, W[k, c, o] + b[o]\Big)$$

    See `kerasdl.ops.convolution`. Weights: `kernel` (F…, C / G, O) and `bias` (O,).

    Args:
        filters: $O$, the number of outputs.
        kernel_size: $F$, an integer.
        strides: $s$, an integer.
        padding: `"valid"`, `"same"` or `"causal"`.
        data_format: `"channels_last"` or `"channels_first"`; `None` for Keras' setting.
        dilation_rate: $d$, an integer.
        groups: $G$; channels and filters in as many groups, convolved apart.
        activation: $g$; `None` for the identity.
        use_bias: Whether there is a $b$.
        kernel_initializer: Initialiser of $W$.
        bias_initializer: Initialiser of $b$.
        kernel_regularizer: Penalty on $W$.
        bias_regularizer: Penalty on $b$.
        activity_regularizer: Penalty on the output.
        kernel_constraint: Projection of $W$ after each update.
        bias_constraint: Projection of $b$ after each update.
        implementation: `"equation"`, `"primitive"` (the backend's own) or `"auto"`, the faster.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`; `lora_rank` and `lora_alpha` of
            `kerasdl.layers.low_rank_adaptation.LowRankAdaptation`.

    Call arguments:
        inputs: Tensor (B, T, C) or, with `"channels_first"`, (B, C, T).

    Returns:
        Tensor of the same layout with as many positions as windows fit. A mask is not passed on.

    Raises:
        ValueError: If an argument is out of its range or the window does not fit the input.

    Source:
        Goodfellow et al., 2016, Deep Learning, section 9.1. Causal: van den Oord et al., 2016,
        WaveNet, section 2.1.

    Example:
        >>> layer = Conv1D(4, kernel_size=3, padding="causal")
        >>> tuple(layer(keras.ops.ones((2, 8, 3))).shape)
        (2, 8, 4)

    Differences from Keras: `implementation` is ours; with `"equation"`, strides and dilation go
    together. With TensorFlow on a CPU, `"channels_first"` works. No quantisation.
    """

    rank = 1


@keras.saving.register_keras_serializable(package="kerasdl")
class Conv2D(_Conv):
    r"""Slide a kernel along a picture; at each position, a weighted sum of what it covers.

    $$a[b, i, o] = g\Big(\sum_k \sum_c x[b, i s + k d, c] \, W[k, c, o] + b[o]\Big)$$

    See `kerasdl.ops.convolution`. Weights: `kernel` (F…, C / G, O) and `bias` (O,).

    Args:
        filters: $O$, the number of outputs.
        kernel_size: $F$, an integer or two.
        strides: $s$, an integer or two.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"` or `"channels_first"`; `None` for Keras' setting.
        dilation_rate: $d$, an integer or two.
        groups: $G$; channels and filters in as many groups, convolved apart.
        activation: $g$; `None` for the identity.
        use_bias: Whether there is a $b$.
        kernel_initializer: Initialiser of $W$.
        bias_initializer: Initialiser of $b$.
        kernel_regularizer: Penalty on $W$.
        bias_regularizer: Penalty on $b$.
        activity_regularizer: Penalty on the output.
        kernel_constraint: Projection of $W$ after each update.
        bias_constraint: Projection of $b$ after each update.
        implementation: `"equation"`, `"primitive"` (the backend's own) or `"auto"`, the faster.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`; `lora_rank` and `lora_alpha` of
            `kerasdl.layers.low_rank_adaptation.LowRankAdaptation`.

    Call arguments:
        inputs: Tensor (B, H, W, C) or, with `"channels_first"`, (B, C, H, W).

    Returns:
        Tensor of the same layout with as many positions as windows fit. A mask is not passed on.

    Raises:
        ValueError: If an argument is out of its range or the window does not fit the input.

    Source:
        LeCun et al., 1989, Backpropagation Applied to Handwritten Zip Code Recognition.

    Example:
        >>> layer = Conv2D(4, kernel_size=3, activation="relu")
        >>> tuple(layer(keras.ops.ones((2, 8, 8, 3))).shape)
        (2, 6, 6, 4)

    Differences from Keras: `implementation` is ours; with `"equation"`, strides and dilation go
    together. With TensorFlow on a CPU, `"channels_first"` works. No quantisation.
    """

    rank = 2


@keras.saving.register_keras_serializable(package="kerasdl")
class Conv3D(_Conv):
    r"""Slide a kernel along a volume; at each position, a weighted sum of what it covers.

    $$a[b, i, o] = g\Big(\sum_k \sum_c x[b, i s + k d, c] \, W[k, c, o] + b[o]\Big)$$

    See `kerasdl.ops.convolution`. Weights: `kernel` (F…, C / G, O) and `bias` (O,).

    Args:
        filters: $O$, the number of outputs.
        kernel_size: $F$, an integer or three.
        strides: $s$, an integer or three.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"` or `"channels_first"`; `None` for Keras' setting.
        dilation_rate: $d$, an integer or three.
        groups: $G$; channels and filters in as many groups, convolved apart.
        activation: $g$; `None` for the identity.
        use_bias: Whether there is a $b$.
        kernel_initializer: Initialiser of $W$.
        bias_initializer: Initialiser of $b$.
        kernel_regularizer: Penalty on $W$.
        bias_regularizer: Penalty on $b$.
        activity_regularizer: Penalty on the output.
        kernel_constraint: Projection of $W$ after each update.
        bias_constraint: Projection of $b$ after each update.
        implementation: `"equation"`, `"primitive"` (the backend's own) or `"auto"`, the faster.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`; `lora_rank` and `lora_alpha` of
            `kerasdl.layers.low_rank_adaptation.LowRankAdaptation`.

    Call arguments:
        inputs: Tensor (B, D, H, W, C) or, with `"channels_first"`, (B, C, D, H, W).

    Returns:
        Tensor of the same layout with as many positions as windows fit. A mask is not passed on.

    Raises:
        ValueError: If an argument is out of its range or the window does not fit the input.

    Source:
        Ji et al., 2013, 3D Convolutional Neural Networks for Human Action Recognition, equation 2.

    Example:
        >>> layer = Conv3D(4, kernel_size=2, strides=2)
        >>> tuple(layer(keras.ops.ones((1, 4, 4, 4, 3))).shape)
        (1, 2, 2, 2, 4)

    Differences from Keras: `implementation` is ours; with `"equation"`, strides and dilation go
    together. With TensorFlow on a CPU, `"channels_first"` works. No quantisation.
    """

    rank = 3
