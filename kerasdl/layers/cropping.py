"""Cutting the border of a signal off."""

import keras

from kerasdl.layers.borders import SpatialLayer, borders

_register = keras.saving.register_keras_serializable(package="kerasdl")


class Cropping(SpatialLayer):
    """Shared by the layers of one, two and three dimensions."""

    def __init__(self, cropping, data_format=None, **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        self.cropping = borders("cropping", cropping, self.rank)

    def call(self, inputs):
        """Slice each spatial axis."""
        self.compute_output_shape(inputs.shape)  # complains where nothing would be left
        slices = [slice(None)] * len(inputs.shape)
        for axis, (before, after) in zip(self.spatial_axes, self.cropping, strict=True):
            slices[axis] = slice(before, -after or None)
        return inputs[tuple(slices)]

    def compute_output_shape(self, input_shape):
        """Return the shape with each size n → n − before − after."""
        return self.with_sizes(
            input_shape, lambda i, n: self._left(n - sum(self.cropping[i]), input_shape)
        )

    def _left(self, size, input_shape):
        if size <= 0:
            raise ValueError(
                "Values in `cropping` argument should be smaller than the corresponding spatial "
                f"dimension of the input. Received: input_shape={tuple(input_shape)}, "
                f"cropping={self.cropping}"
            )
        return size

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "cropping": self.cropping,
            "data_format": self.data_format,
        }


@_register
class Cropping1D(Cropping):
    r"""Cut steps off the beginning and the end of a sequence.

    $$y_t = x_{t + c_0}, \qquad t = 0, \dots, T - c_0 - c_1 - 1$$

    Args:
        cropping: $(c_0, c_1)$, or one integer for both.
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, T, C).

    Returns:
        Tensor (B, T − c₀ − c₁, C).

    Raises:
        ValueError: If `cropping` has another form or leaves nothing.

    Source:
        Indexing; no paper.

    Example:
        >>> tuple(Cropping1D(1)(keras.ops.ones((2, 5, 3))).shape)
        (2, 3, 3)

    Differences from Keras: none.
    """

    rank = 1

    def __init__(self, cropping=(1, 1), **kwargs):
        super().__init__(cropping, data_format="channels_last", **kwargs)

    def _left(self, size, input_shape):
        if size <= 0:
            raise ValueError(
                "`cropping` parameter of `Cropping1D` layer must be smaller than the input length. "
                f"Received: input_shape={tuple(input_shape)}, cropping={self.cropping[0]}"
            )
        return size

    def get_config(self):
        """Return the constructor's arguments."""
        config = super().get_config()
        del config["data_format"]
        return config | {"cropping": self.cropping[0]}


@_register
class Cropping2D(Cropping):
    r"""Cut the border of a picture off.

    $$y_{h,w} = x_{h + c_{h0},\, w + c_{w0}}$$

    Args:
        cropping: One integer for every side, one for each axis, or a pair (before, after) for each.
        data_format: "channels_last" or "channels_first".
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, H, W, C).

    Returns:
        Tensor with the spatial sizes smaller by both sides' cropping.

    Raises:
        ValueError: If `cropping` has another form or leaves nothing.

    Source:
        Indexing; no paper.

    Example:
        >>> tuple(Cropping2D(((1, 0), 2))(keras.ops.ones((2, 7, 8, 3))).shape)
        (2, 6, 4, 3)

    Differences from Keras: none.
    """

    rank = 2

    def __init__(self, cropping=((0, 0), (0, 0)), data_format=None, **kwargs):
        super().__init__(cropping, data_format=data_format, **kwargs)


@_register
class Cropping3D(Cropping):
    r"""Cut the border of a volume off.

    $$y_{d,h,w} = x_{d + c_{d0},\, h + c_{h0},\, w + c_{w0}}$$

    Args:
        cropping: One integer for every side, one for each axis, or a pair (before, after) for each.
        data_format: "channels_last" or "channels_first".
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Tensor (B, D, H, W, C).

    Returns:
        Tensor with the spatial sizes smaller by both sides' cropping.

    Raises:
        ValueError: If `cropping` has another form or leaves nothing.

    Source:
        Indexing; no paper.

    Example:
        >>> tuple(Cropping3D(1)(keras.ops.ones((2, 4, 5, 6, 3))).shape)
        (2, 2, 3, 4, 3)

    Differences from Keras: none.
    """

    rank = 3

    def __init__(self, cropping=((1, 1), (1, 1), (1, 1)), data_format=None, **kwargs):
        super().__init__(cropping, data_format=data_format, **kwargs)
