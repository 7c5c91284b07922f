"""Dropout of whole feature maps."""

import keras

from kerasdl import ops
from kerasdl.layers.dropout import Dropout

_register = keras.saving.register_keras_serializable(package="kerasdl")


class _SpatialDropout(Dropout):
    """What the three share: one draw for each example and channel."""

    _rank: int

    def __init__(self, rate, data_format=None, seed=None, name=None, dtype=None):
        super().__init__(rate, seed=seed, name=name, dtype=dtype)
        if data_format is None:
            data_format = keras.config.image_data_format()
        if data_format not in ("channels_first", "channels_last"):
            raise ValueError(
                "`data_format` must be 'channels_first' or 'channels_last', received "
                f"{data_format!r}."
            )
        self.data_format = data_format
        self.input_spec = keras.InputSpec(ndim=self._rank)

    def call(self, inputs, training=False):
        """Drop while training, pass through otherwise."""
        if not training or self.rate == 0:
            return inputs
        shared = (1,) * (self._rank - 2)
        last = self.data_format == "channels_last"
        noise_shape = (None, *shared, None) if last else (None, None, *shared)
        return ops.dropout(inputs, self.rate, noise_shape, self.seed_generator)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            "rate": self.rate,
            "data_format": self.data_format,
            "seed": self.seed,
            "name": self.name,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
        }


@_register
class SpatialDropout1D(_SpatialDropout):
    r"""Switch whole features of a sequence off while training.

    $$y_{b t c} = \frac{r_{b c}\, x_{b t c}}{1 - p}, \qquad r_{b c} \sim \mathrm{Bernoulli}(1 - p)$$

    Neighbouring steps are alike: dropping single values would leave the feature known.

    Args:
        rate: $p$, the share of features to drop, in [0, 1].
        seed: Integer; the same seed gives the same sequence of draws.
        name: Name of the layer.
        dtype: Dtype or policy of the layer.

    Call arguments:
        inputs: Tensor (B, T, C).
        training: Whether to drop.

    Returns:
        Tensor (B, T, C). A mask is passed on.

    Raises:
        ValueError: If `rate` is out of its range.

    Source:
        Tompson et al., 2015, Efficient Object Localization Using Convolutional Networks, section
        3.2.

    Example:
        >>> y = SpatialDropout1D(0.5, seed=1)(keras.ops.ones((2, 3, 4)), training=True)
        >>> bool(keras.ops.all(y[:, 0] == y[:, 2]))
        True

    Differences from the paper and from Keras: those of `Dropout`; and the config keeps the dtype
    policy (Keras keeps the weights' dtype, so that mixed precision is lost in a file).
    """

    _rank = 3

    def __init__(self, rate, seed=None, name=None, dtype=None):
        super().__init__(rate, "channels_last", seed, name, dtype)

    def get_config(self):
        """Return the constructor's arguments."""
        config = super().get_config()
        del config["data_format"]
        return config


@_register
class SpatialDropout2D(_SpatialDropout):
    r"""Switch whole feature maps off while training.

    $$y_{b h w c} = \frac{r_{b c}\, x_{b h w c}}{1 - p}, \qquad
      r_{b c} \sim \mathrm{Bernoulli}(1 - p)$$

    Args:
        rate: $p$, the share of feature maps to drop, in [0, 1].
        data_format: `"channels_last"` or `"channels_first"`; `None` takes
            `keras.config.image_data_format()`.
        seed: Integer; the same seed gives the same sequence of draws.
        name: Name of the layer.
        dtype: Dtype or policy of the layer.

    Call arguments:
        inputs: Tensor (B, H, W, C), or (B, C, H, W) with channels first.
        training: Whether to drop.

    Returns:
        A tensor of the shape of `inputs`. A mask is passed on.

    Raises:
        ValueError: If `rate` or `data_format` is out of its range.

    Source:
        Tompson et al., 2015, Efficient Object Localization Using Convolutional Networks, section
        3.2.

    Example:
        >>> y = SpatialDropout2D(0.5, seed=1)(keras.ops.ones((2, 3, 3, 4)), training=True)
        >>> bool(keras.ops.all(y[:, 0, 0] == y[:, 2, 1]))
        True

    Differences from the paper and from Keras: as for `SpatialDropout1D`.
    """

    _rank = 4


@_register
class SpatialDropout3D(_SpatialDropout):
    r"""Switch whole feature volumes off while training.

    $$y_{b d h w c} = \frac{r_{b c}\, x_{b d h w c}}{1 - p}, \qquad
      r_{b c} \sim \mathrm{Bernoulli}(1 - p)$$

    Args:
        rate: $p$, the share of feature volumes to drop, in [0, 1].
        data_format: `"channels_last"` or `"channels_first"`; `None` takes
            `keras.config.image_data_format()`.
        seed: Integer; the same seed gives the same sequence of draws.
        name: Name of the layer.
        dtype: Dtype or policy of the layer.

    Call arguments:
        inputs: Tensor (B, D, H, W, C), or (B, C, D, H, W) with channels first.
        training: Whether to drop.

    Returns:
        A tensor of the shape of `inputs`. A mask is passed on.

    Raises:
        ValueError: If `rate` or `data_format` is out of its range.

    Source:
        Tompson et al., 2015, Efficient Object Localization Using Convolutional Networks, section
        3.2.

    Example:
        >>> y = SpatialDropout3D(0.5, seed=1)(keras.ops.ones((2, 3, 3, 2, 4)), training=True)
        >>> bool(keras.ops.all(y[:, 0, 0, 0] == y[:, 2, 1, 1]))
        True

    Differences from the paper and from Keras: as for `SpatialDropout1D`.
    """

    _rank = 5
