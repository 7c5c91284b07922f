"""Other units for the inputs."""

import keras

from kerasdl.layers.preprocessing.base import DataLayer, operations


@keras.saving.register_keras_serializable(package="kerasdl")
class Rescaling(DataLayer):
    r"""Bring the inputs to another range, in training and at inference: $y = s\,x + o$.

    Args:
        scale: $s$, a number or an array that broadcasts to the inputs.
        offset: $o$, likewise.
        **kwargs: `name`, `dtype` of `keras.Layer`.

    Call arguments:
        inputs: Tensor of any shape and dtype.

    Returns:
        A tensor of the shape of `inputs` in the layer's dtype. A mask is passed on.

    Source:
        LeCun et al., 1998, Efficient BackProp, section 4.3.

    Example:
        >>> [float(v) for v in Rescaling(1 / 127.5, offset=-1)(keras.ops.array([0, 255]))]
        [-1.0, 1.0]

    Differences from Keras: none.
    """

    def __init__(self, scale, offset=0.0, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale
        self.offset = offset
        self.supports_masking = True

    def call(self, inputs):
        """Compute $s x + o$."""
        ops, dtype = operations(self.backend), self.compute_dtype
        s, o = ops.cast(self.scale, dtype), ops.cast(self.offset, dtype)
        if len(s.shape) > 0 and keras.config.image_data_format() == "channels_first":
            s = ops.reshape(s, tuple(s.shape) + (1,) * (3 - len(s.shape)))  # one a channel
        return ops.cast(inputs, dtype) * s + o

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return input_shape

    def get_config(self):
        """Return the constructor's arguments; arrays are serialised."""
        return {
            **super().get_config(),
            "scale": keras.saving.serialize_keras_object(self.scale),
            "offset": keras.saving.serialize_keras_object(self.offset),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Make a layer from `get_config`'s result."""
        config = dict(config)
        for name in ("scale", "offset"):
            config[name] = keras.saving.deserialize_keras_object(
                config[name], custom_objects=custom_objects
            )
        return cls(**config)
