"""Weight initialisers. Names not written here yet are Keras' own (see `kerasdl.builtins`)."""

from typing import Any

import keras

from kerasdl import lookup
from kerasdl.builtins import fall_back_to
from kerasdl.initializers.constants import Constant, Identity, Ones, Zeros
from kerasdl.initializers.fans import compute_fans as compute_fans
from kerasdl.initializers.glorot import GlorotNormal, GlorotUniform
from kerasdl.initializers.he import HeNormal, HeUniform
from kerasdl.initializers.lecun import LecunNormal, LecunUniform
from kerasdl.initializers.orthogonality import Orthogonal
from kerasdl.initializers.random import (
    RandomInitializer,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
)
from kerasdl.initializers.scaling import VarianceScaling
from kerasdl.initializers.xavier import XavierNormal, XavierUniform

Initializer = keras.Initializer

constant = Constant
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
identity = IdentityInitializer = Identity
lecun_normal = LecunNormal
lecun_uniform = LecunUniform
ones = Ones
orthogonal = OrthogonalInitializer = Orthogonal
random_normal = RandomNormal
random_uniform = RandomUniform
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling
xavier_normal = XavierNormal
xavier_uniform = XavierUniform
zeros = Zeros

# Every name bound above that is an initialiser, and the names that Keras' lookup alone knows.
_OURS = {
    name: value
    for name, value in dict(globals()).items()
    if isinstance(value, type)
    and issubclass(value, Initializer)
    and value not in (Initializer, RandomInitializer)
}
_OURS |= {"normal": RandomNormal, "uniform": RandomUniform, "one": Ones, "zero": Zeros}

__getattr__ = fall_back_to(keras.initializers, __name__)


def get(identifier: Any) -> Any:
    """Look an initialiser up by name, config, class, array or instance; ours first, then Keras'.

    Args:
        identifier: Name, config, class, array with the values, callable, or `None`.

    Returns:
        An initialiser, or `None`.

    Raises:
        ValueError: If nothing goes by that name.

    Example:
        >>> type(get("glorot_uniform")) is GlorotUniform
        True
    """
    return lookup.find(identifier, _OURS, keras.initializers)


def serialize(initializer: Any) -> Any:
    """Return the config of an initialiser."""
    return keras.initializers.serialize(initializer)


def deserialize(config: Any, custom_objects: dict | None = None) -> Any:
    """Return the initialiser of a config made by `serialize`, by us or by Keras.

    Example:
        >>> type(deserialize(keras.initializers.serialize(keras.initializers.Ones()))) is Ones
        True
    """
    return lookup.from_config(config, _OURS, keras.initializers, custom_objects)


def with_axes(initializer: Any, input_axes, output_axes) -> Any:
    """Return a copy of `initializer` that knows which axes of an einsum kernel are its inputs.

    A kernel (features, heads, size) is no convolution kernel: without its axes the fans are wrong.
    Initialisers that do not count fans, or that were given axes, are returned as they are.
    """
    if getattr(initializer, "input_axes", ()) is not None:
        return initializer
    config = initializer.get_config()
    # The drawn seed, not the `None` given: a copy continues the same initialiser.
    config.update(seed=initializer.seed, input_axes=input_axes, output_axes=output_axes)
    return type(initializer).from_config(config)


def fresh_copy(initializer: Any) -> Any:
    """Return a new initialiser with the same config, so that two weights are not drawn alike.

    An initialiser with an integer seed gives the same values each time it is called; one made with
    `seed=None` draws its own integer, hence a new one for every weight.
    """
    if isinstance(initializer, keras.Initializer):
        return type(initializer).from_config(initializer.get_config())
    return initializer
