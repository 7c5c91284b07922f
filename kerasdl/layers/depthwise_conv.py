"""Depthwise convolutional layers."""

import keras

from kerasdl.layers.base_conv import BaseConv
from kerasdl.layers.conv_arguments import positive
from kerasdl.ops.convolution_primitives import convolve_depthwise


class _DepthwiseConv(BaseConv):
    """Abstract: a depthwise convolution over `rank` spatial axes."""

    KERNELS = ("depthwise",)

    def __init__(
        self,
        kernel_size,
        strides=1,
        padding="valid",
        depth_multiplier=1,
        data_format=None,
        dilation_rate=1,
        activation=None,
        use_bias=True,
        depthwise_initializer="glorot_uniform",
        bias_initializer="zeros",
        depthwise_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        depthwise_constraint=None,
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
                "depthwise_initializer": depthwise_initializer,
                "depthwise_regularizer": depthwise_regularizer,
                "depthwise_constraint": depthwise_constraint,
            },
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.depth_multiplier = positive("depth_multiplier", depth_multiplier)

    def build(self, input_shape):
        """Create $W$ and $b$."""
        C = self.check_input(input_shape)
        self.kernel = self.add_kernel(
            "kernel", (*self.kernel_size, C, self.depth_multiplier), "depthwise"
        )
        self.bias = self.add_bias(C * self.depth_multiplier)

    def call(self, inputs):
        """Convolve each channel, shift, activate."""
        y = convolve_depthwise(inputs, self.kernel, **self.settings())
        return self.activation(self.add_bias_to(y))

    def output_channels(self, input_channels):
        """Return C M."""
        return input_channels * self.depth_multiplier

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "depth_multiplier": self.depth_multiplier}


@keras.saving.register_keras_serializable(package="kerasdl")
class DepthwiseConv1D(_DepthwiseConv):
    r"""Convolve each channel of a sequence by itself.

    $$a[b, i, c M + m] = g\Big(\sum_k x[b, i s + k d, c] \, W[k, c, m] + b[c M + m]\Big)$$

    See `kerasdl.ops.depthwise_convolution`. Weights: `kernel` (F…, C, M) and `bias` (C M,).

    Args:
        kernel_size: $F$, an integer.
        strides: $s$, an integer.
        padding: `"valid"` or `"same"`.
        depth_multiplier: $M$, kernels for each channel.
        data_format: `"channels_last"` or `"channels_first"`; `None` for Keras' setting.
        dilation_rate: $d$, an integer.
        activation: $g$; `None` for the identity.
        use_bias: Whether there is a $b$.
        depthwise_initializer: Initialiser of $W$.
        bias_initializer: Initialiser of $b$.
        depthwise_regularizer: Penalty on $W$.
        bias_regularizer: Penalty on $b$.
        activity_regularizer: Penalty on the output.
        depthwise_constraint: Projection of $W$ after each update.
        bias_constraint: Projection of $b$ after each update.
        implementation: `"equation"`, `"primitive"` (the backend's own) or `"auto"`, the faster.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, T, C) or, with `"channels_first"`, (B, C, T).

    Returns:
        Tensor of the same layout with as many positions as windows fit. A mask is not passed on.

    Raises:
        ValueError: If an argument is out of its range or the window does not fit the input.

    Source:
        Chollet, 2017, Xception, section 1. Howard et al., 2017, MobileNets, equation 3.

    Example:
        >>> layer = DepthwiseConv1D(kernel_size=3, depth_multiplier=2)
        >>> tuple(layer(keras.ops.ones((2, 8, 3))).shape)
        (2, 6, 6)

    Differences from Keras: `implementation` is ours. With TensorFlow, strides that differ between
    the axes work. No quantisation.
    """

    rank = 1


@keras.saving.register_keras_serializable(package="kerasdl")
class DepthwiseConv2D(_DepthwiseConv):
    r"""Convolve each channel of a picture by itself.

    $$a[b, i, c M + m] = g\Big(\sum_k x[b, i s + k d, c] \, W[k, c, m] + b[c M + m]\Big)$$

    See `kerasdl.ops.depthwise_convolution`. Weights: `kernel` (F…, C, M) and `bias` (C M,).

    Args:
        kernel_size: $F$, an integer or two.
        strides: $s$, an integer or two.
        padding: `"valid"` or `"same"`.
        depth_multiplier: $M$, kernels for each channel.
        data_format: `"channels_last"` or `"channels_first"`; `None` for Keras' setting.
        dilation_rate: $d$, an integer or two.
        activation: $g$; `None` for the identity.
        use_bias: Whether there is a $b$.
        depthwise_initializer: Initialiser of $W$.
        bias_initializer: Initialiser of $b$.
        depthwise_regularizer: Penalty on $W$.
        bias_regularizer: Penalty on $b$.
        activity_regularizer: Penalty on the output.
        depthwise_constraint: Projection of $W$ after each update.
        bias_constraint: Projection of $b$ after each update.
        implementation: `"equation"`, `"primitive"` (the backend's own) or `"auto"`, the faster.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, H, W, C) or, with `"channels_first"`, (B, C, H, W).

    Returns:
        Tensor of the same layout with as many positions as windows fit. A mask is not passed on.

    Raises:
        ValueError: If an argument is out of its range or the window does not fit the input.

    Source:
        Chollet, 2017, Xception, section 1. Howard et al., 2017, MobileNets, equation 3.

    Example:
        >>> layer = DepthwiseConv2D(kernel_size=3, padding="same")
        >>> tuple(layer(keras.ops.ones((2, 8, 8, 3))).shape)
        (2, 8, 8, 3)

    Differences from Keras: `implementation` is ours. With TensorFlow, strides that differ between
    the axes work. No quantisation.
    """

    rank = 2
