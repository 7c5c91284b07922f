"""What all pooling layers share."""

import keras

from kerasdl.layers.conv_arguments import integers, one_of
from kerasdl.ops.pooling import check_data_format
from kerasdl.ops.shapes import conv_output_size


class WindowPooling(keras.Layer):
    """Base of the layers that pool windows.

    A subclass sets `rank`, the number of spatial axes, and `function`, one of
    `kerasdl.ops.pooling`.

    Raises:
        ValueError: If an argument is out of its range, or the window does not fit the input.
    """

    rank = None
    function = None

    def __init__(self, pool_size, strides, padding, data_format, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        self.pool_size = integers("pool_size", pool_size, self.rank)
        strides = pool_size if strides is None else strides
        self.strides = integers("strides", strides, self.rank)
        self.padding = one_of("padding", str(padding).lower(), ("valid", "same"))
        self.data_format = check_data_format(data_format)
        self.input_spec = keras.InputSpec(ndim=self.rank + 2)
        self._build_at_init()

    def call(self, inputs):
        """Pool each window."""
        return type(self).function(
            inputs, self.pool_size, self.strides, self.padding, self.data_format
        )

    def compute_output_shape(self, input_shape):
        """Return (B, positions…, C), or (B, C, positions…)."""
        input_shape = tuple(input_shape)
        last = self.data_format == "channels_last"
        spatial = input_shape[1:-1] if last else input_shape[2:]
        windows = zip(spatial, self.pool_size, self.strides)
        sizes = tuple(conv_output_size(*window, self.padding) for window in windows)
        if any(size is not None and size <= 0 for size in sizes):
            raise ValueError(
                "Computed output size would be zero or negative. Received: "
                f"inputs.shape={input_shape}, pool_size={self.pool_size}, "
                f"strides={self.strides}, padding={self.padding!r}."
            )
        if last:
            return (input_shape[0], *sizes, input_shape[-1])
        return (*input_shape[:2], *sizes)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "padding": self.padding,
            "strides": self.strides,
            "data_format": self.data_format,
        }


class GlobalPooling(keras.Layer):
    """Base of the layers that pool all positions.

    A subclass sets `rank`, the number of spatial axes, and `function`, one of
    `kerasdl.ops.global_pooling`.
    """

    rank = None
    function = None

    def __init__(self, data_format=None, keepdims=False, **kwargs):
        super().__init__(**kwargs)
        self.data_format = check_data_format(data_format)
        self.keepdims = keepdims
        self.input_spec = keras.InputSpec(ndim=self.rank + 2)
        self._build_at_init()

    def call(self, inputs):
        """Pool each channel."""
        return type(self).function(inputs, self.data_format, self.keepdims)

    def compute_output_shape(self, input_shape):
        """Return (B, C), or with sizes of 1 where the spatial axes were."""
        ones = (1,) * (len(input_shape) - 2) if self.keepdims else ()
        if self.data_format == "channels_last":
            return (input_shape[0], *ones, input_shape[-1])
        return (*input_shape[:2], *ones)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "data_format": self.data_format,
            "keepdims": self.keepdims,
        }


class AdaptivePooling(keras.Layer):
    """Base of the layers that pool a given number of windows.

    A subclass sets `rank`, the number of spatial axes, and `function`, one of
    `kerasdl.ops.adaptive_pooling`.

    Raises:
        ValueError: If an argument is out of its range.
    """

    rank = None
    function = None

    def __init__(self, output_size, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.output_size = integers("output_size", output_size, self.rank)
        self.data_format = check_data_format(data_format)
        self.input_spec = keras.InputSpec(ndim=self.rank + 2)

    def call(self, inputs):
        """Pool each window."""
        return type(self).function(inputs, self.output_size, self.data_format)

    def compute_output_shape(self, input_shape):
        """Return (B, windows…, C), or (B, C, windows…)."""
        if self.data_format == "channels_last":
            return (input_shape[0], *self.output_size, input_shape[-1])
        return (*input_shape[:2], *self.output_size)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "output_size": self.output_size,
            "data_format": self.data_format,
        }
