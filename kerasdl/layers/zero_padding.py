"""Zeros around a signal."""

import keras
from keras import ops

from kerasdl.layers.borders import SpatialLayer, borders

_register = keras.saving.register_keras_serializable(package="kerasdl")


class ZeroPadding(SpatialLayer):
    """Shared by the layers of one, two and three dimensions."""

    def __init__(self, padding, data_format=None, **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        self.padding = borders("padding", padding, self.rank)

    def call(self, inputs):
        """Put zeros around each spatial axis."""
        widths = [(0, 0)] * len(inputs.shape)
        for axis, pair in zip(self.spatial_axes, self.padding, strict=True):
            widths[axis] = pair
        return ops.pad(inputs, widths)

    def compute_output_shape(self, input_shape):
        """Return the shape with each size n → n + before + after."""
        return self.with_sizes(input_shape, lambda i, n: n + sum(self.padding[i]))

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "padding": self.padding[0] if self.rank == 1 else self.padding,
            "data_format": self.data_format,
        }


@_register
class ZeroPadding1D(ZeroPadding):
    r"""Put zeros around a sequence.

    $$y_{t} = x_{t - p_0}\ \text{inside}, \qquad 0\ \text{outside}$$

    Args:
        padding: $(p_0, p_1)$, or one integer for both sides.
        data_format: "channels_last" or "channels_first".
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, T, C).

    Returns:
        Tensor with the spatial sizes larger by both sides' padding.

    Raises:
        ValueError: If `padding` has another form.

    Source:
        Indexing; no paper.

    Example:
        >>> tuple(ZeroPadding1D((2, 0))(keras.ops.ones((2, 5, 3))).shape)
        (2, 7, 3)

    Differences from Keras: none.
    """

    rank = 1

    def __init__(self, padding=1, data_format=None, **kwargs):
        super().__init__(padding, data_format=data_format, **kwargs)


@_register
class ZeroPadding2D(ZeroPadding):
    r"""Put zeros around a picture.

    $$y_{h,w} = x_{h - p_{h0},\, w - p_{w0}}\ \text{inside}, \qquad 0\ \text{outside}$$

    Args:
        padding: One integer for every side, one for each axis, or a pair (before, after) for each.
        data_format: "channels_last" or "channels_first".
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, H, W, C).

    Returns:
        Tensor with the spatial sizes larger by both sides' padding.

    Raises:
        ValueError: If `padding` has another form.

    Source:
        Indexing; no paper.

    Example:
        >>> tuple(ZeroPadding2D(((1, 0), 2))(keras.ops.ones((2, 7, 8, 3))).shape)
        (2, 8, 12, 3)

    Differences from Keras: none.
    """

    rank = 2

    def __init__(self, padding=(1, 1), data_format=None, **kwargs):
        super().__init__(padding, data_format=data_format, **kwargs)


@_register
class ZeroPadding3D(ZeroPadding):
    r"""Put zeros around a volume.

    $$y_{d,h,w} = x_{d - p_{d0},\, h - p_{h0},\, w - p_{w0}}\ \text{inside}, \qquad
      0\ \text{outside}$$

    Args:
        padding: One integer for every side, one for each axis, or a pair (before, after) for each.
        data_format: "channels_last" or "channels_first".
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, D, H, W, C).

    Returns:
        Tensor with the spatial sizes larger by both sides' padding.

    Raises:
        ValueError: If `padding` has another form.

    Source:
        Indexing; no paper.

    Example:
        >>> tuple(ZeroPadding3D(1)(keras.ops.ones((2, 4, 5, 6, 3))).shape)
        (2, 6, 7, 8, 3)

    Differences from Keras: none.
    """

    rank = 3

    def __init__(self, padding=((1, 1), (1, 1), (1, 1)), data_format=None, **kwargs):
        super().__init__(padding, data_format=data_format, **kwargs)
