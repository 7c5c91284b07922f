"""Optimisers. Names not written here yet are Keras' own (see `kerasdl.builtins`)."""

import keras

from kerasdl.builtins import fall_back_to
from kerasdl.optimizers.adam import Adam as Adam

__getattr__ = fall_back_to(keras.optimizers, __name__)


def get(identifier):
    """Look an optimiser up by name, config or instance; ours first, then Keras'.

    Example:
        >>> type(get("adam")) is Adam
        True
    """
    if isinstance(identifier, str) and identifier.lower() == "adam":
        return Adam()
    return keras.optimizers.get(identifier)
