"""Weight initialisers. Names not written here yet are Keras' own (see `kerasdl.builtins`)."""

import inspect
import math
import random as python_random
from typing import Any

import keras

from kerasdl.builtins import fall_back_to

_register = keras.saving.register_keras_serializable(package="kerasdl")


def compute_fans(shape, input_axes=None, output_axes=None) -> tuple[int, int]:
    r"""Count the units that feed one unit ($n_{in}$) and that one unit feeds ($n_{out}$).

    A kernel of rank 2 is $(n_{in}, n_{out})$. A convolution kernel (…, channels in, channels out)
    multiplies both by the size of its receptive field.

    Args:
        shape: Shape of the weight.
        input_axes: Axes that belong to the inputs; with `output_axes`, replaces the rule above.
        output_axes: Axes that belong to the outputs.

    Returns:
        `(fan_in, fan_out)`.

    Example:
        >>> compute_fans((3, 3, 16, 32))
        (144, 288)
    """
    shape = tuple(shape)
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[i] for i in input_axes), math.prod(shape[i] for i in output_axes)
    if len(shape) < 2:
        fan = shape[0] if shape else 1
        return fan, fan
    receptive_field = math.prod(shape[:-2])
    return shape[-2] * receptive_field, shape[-1] * receptive_field


@_register
class GlorotUniform(keras.Initializer):
    r"""Uniform weights whose variance keeps signals and gradients at the same scale.

    $$W \sim U(-r, r), \qquad r = \sqrt{\frac{6}{n_{in} + n_{out}}}, \qquad
      \mathrm{Var}[W] = \frac{r^2}{3} = \frac{2}{n_{in} + n_{out}}$$

    Args:
        seed: Integer or `keras.random.SeedGenerator`. With an integer, every call gives the same
            values. `None` draws an integer once.
        input_axes: Axes of the weight that belong to its inputs (see `compute_fans`).
        output_axes: Axes of the weight that belong to its outputs.

    Source:
        Glorot and Bengio, 2010, equation 16.

    Example:
        >>> w = GlorotUniform(seed=1)((200, 100))
        >>> abs(float(keras.ops.var(w)) - 2 / 300) < 5e-4
        True

    Differences from the paper and from Keras: none; same seed, same values as Keras.
    """

    def __init__(self, seed=None, input_axes=None, output_axes=None):
        self._init_seed = seed
        if seed is None:
            seed = python_random.randint(1, int(1e9))  # follows keras.utils.set_random_seed
        elif isinstance(seed, dict):
            seed = keras.saving.deserialize_keras_object(seed)
        elif not isinstance(seed, int | keras.random.SeedGenerator):
            raise ValueError(
                "`seed` must be an integer, a `keras.random.SeedGenerator` or None, "
                f"received {seed!r}."
            )
        self.seed = seed
        self.input_axes = input_axes
        self.output_axes = output_axes

    def __call__(self, shape, dtype=None):
        """Draw a tensor of the given shape."""
        n_in, n_out = compute_fans(shape, self.input_axes, self.output_axes)
        r = math.sqrt(6 / max(2, n_in + n_out))
        return keras.random.uniform(shape, minval=-r, maxval=r, dtype=dtype, seed=self.seed)

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            "seed": keras.saving.serialize_keras_object(self._init_seed),
            "input_axes": self.input_axes,
            "output_axes": self.output_axes,
        }


glorot_uniform = GlorotUniform

_OURS = {
    "GlorotUniform": GlorotUniform,
    "glorot_uniform": GlorotUniform,
}

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
    if isinstance(identifier, str) and identifier in _OURS:
        return _OURS[identifier]()
    if inspect.isclass(identifier):
        return identifier()
    return keras.initializers.get(identifier)


def serialize(initializer: Any) -> Any:
    """Return the config of an initialiser."""
    return keras.initializers.serialize(initializer)


def deserialize(config: Any, custom_objects: dict | None = None) -> Any:
    """Return the initialiser of a config made by `serialize`."""
    return keras.initializers.deserialize(config, custom_objects=custom_objects)


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
