"""Separable convolutional layers: depthwise, then pointwise."""

import keras

from kerasdl.layers.base_conv import BaseConv
from kerasdl.layers.conv_arguments import positive
from kerasdl.ops.convolution_primitives import convolve, convolve_depthwise


class _SeparableConv(BaseConv):
    """Abstract: a separable convolution over `rank` spatial axes."""

    KERNELS = ("depthwise", "pointwise")

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        dilation_rate=1,
        depth_multiplier=1,
        activation=None,
        use_bias=True,
        depthwise_initializer="glorot_uniform",
        pointwise_initializer="glorot_uniform",
        bias_initializer="zeros",
        depthwise_regularizer=None,
        pointwise_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        depthwise_constraint=None,
        pointwise_constraint=None,
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
                "pointwise_initializer": pointwise_initializer,
                "depthwise_regularizer": depthwise_regularizer,
                "pointwise_regularizer": pointwise_regularizer,
                "depthwise_constraint": depthwise_constraint,
                "pointwise_constraint": pointwise_constraint,
            },
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.filters = positive("filters", filters)
        self.depth_multiplier = positive("depth_multiplier", depth_multiplier)

    def build(self, input_shape):
        """Create $W$, $V$ and $b$."""
        C, M = self.check_input(input_shape), self.depth_multiplier
        self.depthwise_kernel = self.add_kernel(
            "depthwise_kernel", (*self.kernel_size, C, M), "depthwise"
        )
        self.pointwise_kernel = self.add_kernel(
            "pointwise_kernel", (*[1] * self.rank, C * M, self.filters), "pointwise"
        )
        self.bias = self.add_bias(self.filters)

    def call(self, inputs):
        """Convolve each channel, mix the channels, shift, activate."""
        u = convolve_depthwise(inputs, self.depthwise_kernel, **self.settings())
        y = convolve(
            u,
            self.pointwise_kernel,
            data_format=self.data_format,
            implementation=self.implementation,
        )
        return self.activation(self.add_bias_to(y))

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "depth_multiplier": self.depth_multiplier,
        }


@keras.saving.register_keras_serializable(package="kerasdl")
class SeparableConv1D(_SeparableConv):
    r"""Convolve each channel of a sequence by itself, then mix the channels.

    $$u[b, i, c M + m] = \sum_k x[b, i s + k d, c] \, W[k, c, m], \qquad
      a[b, i, o] = g\Big(\sum_j u[b, i, j] \, V[j, o] + b[o]\Big)$$

    First space, channel by channel, then the channels, position by position: a convolution whose
    kernel is a product, with $F C M + C M O$ numbers in place of $F C O$. Weights:
    `depthwise_kernel` (F…, C, M), `pointwise_kernel` (1…, C M, O) and `bias` (O,).

    Args:
        filters: $O$, the number of outputs.
        kernel_size: $F$, an integer.
        strides: $s$, an integer.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"` or `"channels_first"`; `None` for Keras' setting.
        dilation_rate: $d$, an integer.
        depth_multiplier: $M$, kernels for each channel.
        activation: $g$; `None` for the identity.
        use_bias: Whether there is a $b$.
        depthwise_initializer: Initialiser of $W$.
        pointwise_initializer: Initialiser of $V$.
        bias_initializer: Initialiser of $b$.
        depthwise_regularizer: Penalty on $W$.
        pointwise_regularizer: Penalty on $V$.
        bias_regularizer: Penalty on $b$.
        activity_regularizer: Penalty on the output.
        depthwise_constraint: Projection of $W$ after each update.
        pointwise_constraint: Projection of $V$ after each update.
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
        Chollet, 2017, Xception, section 1. Sifre, 2014, Rigid-Motion Scattering, section 6.2.

    Example:
        >>> layer = SeparableConv1D(4, kernel_size=3)
        >>> tuple(layer(keras.ops.ones((2, 8, 3))).shape)
        (2, 6, 4)

    Differences from Keras: `implementation` is ours. With TensorFlow, strides that differ between
    the axes work. No quantisation.
    """

    rank = 1


@keras.saving.register_keras_serializable(package="kerasdl")
class SeparableConv2D(_SeparableConv):
    r"""Convolve each channel of a picture by itself, then mix the channels.

    $$u[b, i, c M + m] = \sum_k x[b, i s + k d, c] \, W[k, c, m], \qquad
      a[b, i, o] = g\Big(\sum_j u[b, i, j] \, V[j, o] + b[o]\Big)$$

    First space, channel by channel, then the channels, position by position: a convolution whose
    kernel is a product, with $F C M + C M O$ numbers in place of $F C O$. Weights:
    `depthwise_kernel` (F…, C, M), `pointwise_kernel` (1…, C M, O) and `bias` (O,).

    Args:
        filters: $O$, the number of outputs.
        kernel_size: $F$, an integer or two.
        strides: $s$, an integer or two.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"` or `"channels_first"`; `None` for Keras' setting.
        dilation_rate: $d$, an integer or two.
        depth_multiplier: $M$, kernels for each channel.
        activation: $g$; `None` for the identity.
        use_bias: Whether there is a $b$.
        depthwise_initializer: Initialiser of $W$.
        pointwise_initializer: Initialiser of $V$.
        bias_initializer: Initialiser of $b$.
        depthwise_regularizer: Penalty on $W$.
        pointwise_regularizer: Penalty on $V$.
        bias_regularizer: Penalty on $b$.
        activity_regularizer: Penalty on the output.
        depthwise_constraint: Projection of $W$ after each update.
        pointwise_constraint: Projection of $V$ after each update.
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
        Chollet, 2017, Xception, section 1. Sifre, 2014, Rigid-Motion Scattering, section 6.2.

    Example:
        >>> layer = SeparableConv2D(4, kernel_size=3, padding="same")
        >>> tuple(layer(keras.ops.ones((2, 8, 8, 3))).shape)
        (2, 8, 8, 4)

    Differences from Keras: `implementation` is ours. With TensorFlow, strides that differ between
    the axes work. No quantisation.
    """

    rank = 2
