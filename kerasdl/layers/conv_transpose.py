"""Transposed convolutional layers."""

import keras

from kerasdl.layers.base_conv import BaseConv, refuse_stride_and_dilation
from kerasdl.layers.conv_arguments import integers, positive
from kerasdl.ops.convolution_primitives import convolve_transposed
from kerasdl.ops.shapes import conv_transpose_output_size


class _ConvTranspose(BaseConv):
    """Abstract: a transposed convolution over `rank` spatial axes."""

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        output_padding=None,
        data_format=None,
        dilation_rate=1,
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
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.filters = positive("filters", filters)
        self.output_padding = None
        if output_padding is not None:
            self.output_padding = integers("output_padding", output_padding, self.rank, smallest=0)
            if any(p >= s for p, s in zip(self.output_padding, self.strides)):
                raise ValueError(
                    "`output_padding` must be strictly less than `strides` for all dimensions. "
                    f"Received: output_padding={self.output_padding}, strides={self.strides}"
                )
        refuse_stride_and_dilation(self)

    def build(self, input_shape):
        """Create $W$ and $b$."""
        C = self.check_input(input_shape)
        self.kernel = self.add_kernel("kernel", (*self.kernel_size, self.filters, C))
        self.bias = self.add_bias(self.filters)

    def call(self, inputs):
        """Spread every input, shift, activate."""
        y = convolve_transposed(
            inputs, self.kernel, output_padding=self.output_padding, **self.settings()
        )
        return self.activation(self.add_bias_to(y))

    def output_size(self, size, axis):
        """How many places come out along a spatial axis."""
        return conv_transpose_output_size(
            size,
            self.kernel_size[axis],
            self.strides[axis],
            self.padding,
            None if self.output_padding is None else self.output_padding[axis],
            self.dilation_rate[axis],
        )

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "output_padding": self.output_padding,
        }


@keras.saving.register_keras_serializable(package="kerasdl")
class Conv1DTranspose(_ConvTranspose):
    r"""Spread every position of a sequence by a kernel: the way back through a convolution.

    $$a[b, j, o] = g\Big(\sum_{i, k \,:\, i s + k d = j + P} \sum_c x[b, i, c] \, W[k, o, c]
      + b[o]\Big)$$

    The adjoint of a convolution, hence its gradient; see `kerasdl.ops.transposed_convolution`.
    Weights: `kernel` (F…, O, C) and `bias` (O,).

    Args:
        filters: $O$, the number of outputs.
        kernel_size: $F$, an integer.
        strides: $s$, an integer.
        padding: `"valid"` or `"same"`.
        output_padding: Places added to the size behind, fewer than the stride, or `None`.
        data_format: `"channels_last"` or `"channels_first"`; `None` for Keras' setting.
        dilation_rate: $d$, an integer.
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
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, T, C) or, with `"channels_first"`, (B, C, T).

    Returns:
        Tensor of the same layout with as many positions as windows fit. A mask is not passed on.

    Raises:
        ValueError: If an argument is out of its range or the window does not fit the input.

    Source:
        Zeiler et al., 2010, Deconvolutional Networks. Dumoulin and Visin, 2016, section 4.

    Example:
        >>> layer = Conv1DTranspose(4, kernel_size=3, strides=2, padding="same")
        >>> tuple(layer(keras.ops.ones((2, 8, 3))).shape)
        (2, 16, 4)

    Differences from Keras: `implementation` is ours; with `"equation"`, strides and dilation go
    together. With TensorFlow on a CPU, `"channels_first"` and dilation work. No quantisation.
    """

    rank = 1


@keras.saving.register_keras_serializable(package="kerasdl")
class Conv2DTranspose(_ConvTranspose):
    r"""Spread every position of a picture by a kernel: the way back through a convolution.

    $$a[b, j, o] = g\Big(\sum_{i, k \,:\, i s + k d = j + P} \sum_c x[b, i, c] \, W[k, o, c]
      + b[o]\Big)$$

    The adjoint of a convolution, hence its gradient; see `kerasdl.ops.transposed_convolution`.
    Weights: `kernel` (F…, O, C) and `bias` (O,).

    Args:
        filters: $O$, the number of outputs.
        kernel_size: $F$, an integer or two.
        strides: $s$, an integer or two.
        padding: `"valid"` or `"same"`.
        output_padding: Places added to the size behind, fewer than the stride, or `None`.
        data_format: `"channels_last"` or `"channels_first"`; `None` for Keras' setting.
        dilation_rate: $d$, an integer or two.
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
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, H, W, C) or, with `"channels_first"`, (B, C, H, W).

    Returns:
        Tensor of the same layout with as many positions as windows fit. A mask is not passed on.

    Raises:
        ValueError: If an argument is out of its range or the window does not fit the input.

    Source:
        Zeiler et al., 2010, Deconvolutional Networks. Dumoulin and Visin, 2016, section 4.

    Example:
        >>> layer = Conv2DTranspose(4, kernel_size=3, strides=2, padding="same")
        >>> tuple(layer(keras.ops.ones((2, 8, 8, 3))).shape)
        (2, 16, 16, 4)

    Differences from Keras: `implementation` is ours; with `"equation"`, strides and dilation go
    together. With TensorFlow on a CPU, `"channels_first"` and dilation work. No quantisation.
    """

    rank = 2


@keras.saving.register_keras_serializable(package="kerasdl")
class Conv3DTranspose(_ConvTranspose):
    r"""Spread every position of a volume by a kernel: the way back through a convolution.

    $$a[b, j, o] = g\Big(\sum_{i, k \,:\, i s + k d = j + P} \sum_c x[b, i, c] \, W[k, o, c]
      + b[o]\Big)$$

    The adjoint of a convolution, hence its gradient; see `kerasdl.ops.transposed_convolution`.
    Weights: `kernel` (F…, O, C) and `bias` (O,).

    Args:
        filters: $O$, the number of outputs.
        kernel_size: $F$, an integer or three.
        strides: $s$, an integer or three.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"` or `"channels_first"`; `None` for Keras' setting.
        output_padding: Places added to the size behind, fewer than the stride, or `None`.
        dilation_rate: $d$, an integer or three.
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
        **kwargs: `name`, `dtype`, `trainable` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, D, H, W, C) or, with `"channels_first"`, (B, C, D, H, W).

    Returns:
        Tensor of the same layout with as many positions as windows fit. A mask is not passed on.

    Raises:
        ValueError: If an argument is out of its range or the window does not fit the input.

    Source:
        Zeiler et al., 2010, Deconvolutional Networks. Dumoulin and Visin, 2016, section 4.

    Example:
        >>> layer = Conv3DTranspose(4, kernel_size=2, strides=2)
        >>> tuple(layer(keras.ops.ones((1, 4, 4, 4, 3))).shape)
        (1, 8, 8, 8, 4)

    Differences from Keras: `implementation` is ours; with `"equation"`, strides and dilation go
    together. With TensorFlow on a CPU, `"channels_first"` and dilation work. No quantisation.
    """

    rank = 3

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        output_padding=None,
        *arguments,
        **kwargs,
    ):
        # Here alone Keras has these two the other way round.
        super().__init__(
            filters,
            kernel_size,
            strides,
            padding,
            output_padding,
            data_format,
            *arguments,
            **kwargs,
        )
