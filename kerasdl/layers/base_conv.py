"""What all convolutional layers share."""

import keras

from kerasdl import activations, constraints, initializers, regularizers
from kerasdl.layers.conv_arguments import integers, one_of
from kerasdl.ops.convolution_primitives import IMPLEMENTATIONS
from kerasdl.ops.linear import add_bias
from kerasdl.ops.shapes import conv_output_size


class BaseConv(keras.Layer):
    """Abstract: arguments and their checks, weights, shapes and config of a convolutional layer.

    A subclass sets `rank`, the number of spatial axes, and `KERNELS`, how its kernels' arguments
    begin (`"kernel"`: `kernel_initializer`, `kernel_regularizer`, `kernel_constraint`).

    Args:
        kernel_size: $F$, an integer or one for each spatial axis.
        strides: $s$, likewise.
        padding: `"valid"`, `"same"` or, where `causal` permits, `"causal"`.
        data_format: `"channels_last"`, `"channels_first"` or `None` for Keras' setting.
        dilation_rate: $d$, likewise.
        activation: $g$; `None` for the identity.
        use_bias: Whether there is a $b$.
        bias_initializer: Initialiser of $b$.
        bias_regularizer: Penalty on $b$.
        bias_constraint: Projection of $b$ after each update.
        implementation: `"auto"`, `"equation"` or `"primitive"`.
        kernel_settings: Initialiser, regulariser and constraint by the names of the arguments.
        causal: Whether `"causal"` is permitted.
        **kwargs: Arguments of `keras.Layer`.

    Raises:
        ValueError: If an argument is out of its range.
    """

    rank: int
    KERNELS = ("kernel",)

    def __init__(
        self,
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
        kernel_settings,
        causal=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.kernel_size = integers("kernel_size", kernel_size, self.rank)
        self.strides = integers("strides", strides, self.rank)
        self.dilation_rate = integers("dilation_rate", dilation_rate, self.rank)
        self.padding = one_of(
            "padding",
            padding.lower() if isinstance(padding, str) else padding,
            ("valid", "same", "causal") if causal else ("valid", "same"),
        )
        if data_format is None:
            data_format = keras.config.image_data_format()
        self.data_format = one_of(
            "data_format", str(data_format).lower(), ("channels_last", "channels_first")
        )
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.bias_initializer = initializers.get(bias_initializer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.bias_constraint = constraints.get(bias_constraint)
        self.implementation = one_of("implementation", implementation, IMPLEMENTATIONS)
        for kernel in self.KERNELS:
            for kind, room in _KINDS.items():
                argument = f"{kernel}_{kind}"
                setattr(self, argument, room.get(kernel_settings[argument]))
        self.input_spec = keras.InputSpec(min_ndim=self.rank + 2)

    @property
    def channel_axis(self):
        """Where the channels stand."""
        return 1 if self.data_format == "channels_first" else -1

    def add_kernel(self, name, shape, kernel="kernel"):
        """Create a kernel with the settings of the arguments that begin with `kernel`."""
        return self._add(name, shape, kernel)

    def add_bias(self, size):
        """Create $b$, or give `None`."""
        return self._add("bias", (size,), "bias") if self.use_bias else None

    def _add(self, name, shape, argument):
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=getattr(self, f"{argument}_initializer"),
            regularizer=getattr(self, f"{argument}_regularizer"),
            constraint=getattr(self, f"{argument}_constraint"),
        )

    def add_bias_to(self, y):
        """Compute $y + b$ over the channels."""
        if self.bias is None:
            return y
        if self.data_format == "channels_last":
            return add_bias(y, self.bias)
        return y + keras.ops.reshape(self.bias, (-1, *[1] * self.rank))

    def check_input(self, input_shape):
        """Set the input's specification, check that the window fits, give the channels."""
        channels = input_shape[self.channel_axis]
        if channels is None:
            raise ValueError(
                f"The channels of the input of layer '{self.name}' must be known, received an "
                f"input of shape {tuple(input_shape)}."
            )
        self.input_spec = keras.InputSpec(
            min_ndim=self.rank + 2, axes={self.channel_axis: channels}
        )
        self.compute_output_shape(input_shape)
        return channels

    def output_channels(self, input_channels):
        """How many channels come out."""
        return self.filters

    def output_size(self, size, axis):
        """How many positions come out along a spatial axis."""
        return conv_output_size(
            size,
            self.kernel_size[axis],
            self.strides[axis],
            self.padding,
            self.dilation_rate[axis],
        )

    def compute_output_shape(self, input_shape):
        """Return (B, positions…, O), or (B, O, positions…)."""
        input_shape = tuple(input_shape)
        if len(input_shape) != self.rank + 2:
            raise ValueError(
                f"The input of layer '{self.name}' must have a batch axis, {self.rank} spatial "
                f"axes and channels, received the shape {input_shape}."
            )
        last = self.data_format == "channels_last"
        spatial = input_shape[1:-1] if last else input_shape[2:]
        sizes = tuple(self.output_size(size, axis) for axis, size in enumerate(spatial))
        if any(size is not None and size <= 0 for size in sizes):
            raise ValueError(
                f"Computed output size would be zero or negative. Received: "
                f"inputs.shape={input_shape}, kernel_size={self.kernel_size}, "
                f"strides={self.strides}, padding={self.padding!r}, "
                f"dilation_rate={self.dilation_rate}."
            )
        O = self.output_channels(input_shape[self.channel_axis])
        return (input_shape[0], *sizes, O) if last else (input_shape[0], O, *sizes)

    def settings(self):
        """Keyword arguments that the functions of `kerasdl.ops` take, too."""
        return {
            "strides": self.strides,
            "padding": self.padding,
            "dilation_rate": self.dilation_rate,
            "data_format": self.data_format,
            "implementation": self.implementation,
        }

    def get_config(self):
        """Return the constructor's arguments."""
        config = {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            **self.settings(),
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
        }
        for argument in (*self.KERNELS, "bias"):
            for kind, room in _KINDS.items():
                name = f"{argument}_{kind}"
                config[name] = room.serialize(getattr(self, name))
        return config


_KINDS = {"initializer": initializers, "regularizer": regularizers, "constraint": constraints}


def refuse_stride_and_dilation(layer):
    """Raise where a layer has both, as Keras does, unless it computes the equation.

    Raises:
        ValueError: Naming both.
    """
    both = max(layer.strides) > 1 and max(layer.dilation_rate) > 1
    if both and layer.implementation != "equation":
        raise ValueError(
            "`strides > 1` not supported in conjunction with `dilation_rate > 1`. Received: "
            f"strides={layer.strides} and dilation_rate={layer.dilation_rate}. The equation has "
            "both: implementation='equation'."
        )
