"""Repeating each entry of a signal."""

import keras
from keras import ops

from kerasdl.layers.borders import SpatialLayer

_register = keras.saving.register_keras_serializable(package="kerasdl")


@_register
class UpSampling1D(SpatialLayer):
    r"""Repeat each step of a sequence.

    $$y_t = x_{\lfloor t / s \rfloor}$$

    Args:
        size: $s$.
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, T, C).

    Returns:
        Tensor (B, s·T, C).

    Raises:
        TypeError: If `size` is no integer.
        ValueError: If it is not positive.

    Source:
        Indexing; no paper.

    Example:
        >>> y = UpSampling1D(2)(keras.ops.reshape(keras.ops.arange(2.0), (1, 2, 1)))
        >>> [float(v) for v in y[0, :, 0]]
        [0.0, 0.0, 1.0, 1.0]

    Differences from Keras: none.
    """

    rank = 1

    def __init__(self, size=2, **kwargs):
        super().__init__(data_format="channels_last", **kwargs)
        self.size = _positive("size", size)

    def call(self, inputs):
        """Repeat along the steps."""
        return ops.repeat(inputs, self.size, axis=1)

    def compute_output_shape(self, input_shape):
        """Return (B, s·T, C)."""
        return self.with_sizes(input_shape, lambda i, n: n * self.size)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "size": self.size}


@_register
class UpSampling3D(SpatialLayer):
    r"""Repeat each voxel of a volume along depth, height and width.

    $$y_{d,h,w} = x_{\lfloor d / s_d \rfloor,\, \lfloor h / s_h \rfloor,\,
      \lfloor w / s_w \rfloor}$$

    Args:
        size: $(s_d, s_h, s_w)$, or one integer for all.
        data_format: "channels_last" or "channels_first".
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, D, H, W, C).

    Returns:
        Tensor (B, s_d·D, s_h·H, s_w·W, C).

    Raises:
        ValueError: If `size` is not three positive integers.

    Source:
        Indexing; no paper.

    Example:
        >>> tuple(UpSampling3D((1, 2, 3))(keras.ops.ones((2, 4, 5, 6, 3))).shape)
        (2, 4, 10, 18, 3)

    Differences from Keras: none.
    """

    rank = 3

    def __init__(self, size=(2, 2, 2), data_format=None, **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        self.size = (size,) * 3 if isinstance(size, int) else tuple(size)
        if len(self.size) != 3 or not all(isinstance(s, int) and s > 0 for s in self.size):
            raise ValueError(f"`size` must be three positive integers, received {size!r}.")

    def call(self, inputs):
        """Repeat along each axis."""
        for axis, s in zip(self.spatial_axes, self.size, strict=True):
            inputs = ops.repeat(inputs, s, axis=axis)
        return inputs

    def compute_output_shape(self, input_shape):
        """Return the shape with the sizes multiplied."""
        return self.with_sizes(input_shape, lambda i, n: n * self.size[i])

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "size": self.size, "data_format": self.data_format}


@_register
class RepeatVector(keras.Layer):
    r"""Repeat a vector as every step of a sequence: the context of a one-to-many network.

    $$y_t = x, \qquad t = 1, \dots, n$$

    Args:
        n: Number of steps.
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, C).

    Returns:
        Tensor (B, n, C).

    Raises:
        TypeError: If `n` is no integer.
        ValueError: If it is not positive.

    Source:
        Indexing; no paper.

    Example:
        >>> tuple(RepeatVector(3)(keras.ops.ones((2, 4))).shape)
        (2, 3, 4)

    Differences from Keras: none.
    """

    def __init__(self, n, **kwargs):
        super().__init__(**kwargs)
        self.n = _positive("n", n)
        self.input_spec = keras.InputSpec(ndim=2)

    def call(self, inputs):
        """Repeat along a new axis."""
        return ops.repeat(ops.expand_dims(inputs, 1), self.n, axis=1)

    def compute_output_shape(self, input_shape):
        """Return (B, n, C)."""
        return (input_shape[0], self.n, input_shape[1])

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "n": self.n}


def _positive(name: str, value) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"Expected an integer value for `{name}`, got {type(value)}.")
    if value <= 0:
        raise ValueError(f"`{name}` should be a positive integer, received {value}.")
    return value
