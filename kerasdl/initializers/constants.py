"""Weights that are not drawn."""

import keras
from keras import ops

_register = keras.saving.register_keras_serializable(package="kerasdl")


@_register
class Zeros(keras.Initializer):
    """Weights of 0: for biases. A kernel of zeros leaves all units alike for ever.

    $$W_{ij} = 0$$

    Example:
        >>> Zeros()((2,)).shape == (2,)
        True
    """

    def __call__(self, shape, dtype=None):
        """Return a tensor of the given shape."""
        return ops.zeros(shape, dtype=dtype or keras.config.floatx())


@_register
class Ones(keras.Initializer):
    """Weights of 1: for the scale of a normalisation.

    $$W_{ij} = 1$$

    Example:
        >>> float(Ones()(()))
        1.0
    """

    def __call__(self, shape, dtype=None):
        """Return a tensor of the given shape."""
        return ops.ones(shape, dtype=dtype or keras.config.floatx())


@_register
class Constant(keras.Initializer):
    r"""All weights the same, or an array that is repeated to fill the shape.

    $$W_{ij} = c$$

    Args:
        value: $c$, a number or an array that broadcasts to the shape.

    Example:
        >>> float(Constant(0.5)(()))
        0.5

    Differences from Keras: none.
    """

    def __init__(self, value=0.0):
        self.value = value

    def __call__(self, shape, dtype=None):
        """Return a tensor of the given shape."""
        dtype = dtype or keras.config.floatx()
        return ops.cast(self.value, dtype) * ops.ones(shape, dtype=dtype)

    def get_config(self):
        """Return the constructor's arguments."""
        return {"value": keras.saving.serialize_keras_object(self.value)}

    @classmethod
    def from_config(cls, config):
        """Return the initialiser of a config made by `get_config`."""
        return cls(keras.saving.deserialize_keras_object(config["value"]))


@_register
class Identity(keras.Initializer):
    r"""A layer that starts by passing its input on.

    $$W_{ij} = g\, \delta_{ij}, \qquad \delta_{ij} = 1 \text{ where } i = j \text{, else } 0$$

    Args:
        gain: $g$.

    Raises:
        ValueError: If the weight is no matrix.

    Source:
        Le et al., 2015, A Simple Way to Initialize Recurrent Networks, section 3.

    Example:
        >>> float(Identity(2.0)((2, 3))[1, 1])
        2.0

    Differences from Keras: none.
    """

    def __init__(self, gain=1.0):
        self.gain = gain

    def __call__(self, shape, dtype=None):
        """Return a matrix of the given shape."""
        if len(shape) != 2:
            raise ValueError(
                f"`Identity` initialises matrices, received shape={tuple(shape)} of rank "
                f"{len(shape)}."
            )
        rows, columns = shape
        i, j = ops.arange(rows)[:, None], ops.arange(columns)[None, :]
        return self.gain * ops.cast(i == j, dtype or keras.config.floatx())

    def get_config(self):
        """Return the constructor's arguments."""
        return {"gain": self.gain}
