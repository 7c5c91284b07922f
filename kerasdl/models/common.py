"""What the reference networks have in common."""

from types import SimpleNamespace
from typing import Any

import keras

from kerasdl import activations, layers, regularizers

# What a network is made of; `keras` in its place gives the same network from the built-ins.
OURS = SimpleNamespace(activations=activations, layers=layers, regularizers=regularizers)


class Network(keras.Model):
    """A functional model that knows from which arguments it was made.

    Args:
        inputs: Symbolic inputs.
        outputs: Symbolic outputs.
        config: Arguments of the constructor, all but `name` and `dtype`.
        dtype: Dtype (or policy) that the network was given.
        **kwargs: `name`, `trainable` of `keras.Model`.
    """

    def __init__(self, inputs, outputs, config, dtype=None, **kwargs):
        super().__init__(inputs=inputs, outputs=outputs, **kwargs)
        self._config = config | {"dtype": serialize_dtype(dtype)}

    @staticmethod
    def assemble(**config):
        """Return symbolic inputs and outputs from the arguments and the `library` of layers."""
        raise NotImplementedError("Keras has not all layers of this network.")

    def from_builtins(self):
        """Return the same network from Keras' own layers, with the same weights.

        Raises:
            NotImplementedError: If Keras has not all layers of this network.
        """
        return with_weights_of(self, *self.assemble(**self._config, library=keras))

    def get_config(self):
        """Return the constructor's arguments."""
        return self._config | {"name": self.name}

    @classmethod
    def from_config(cls, config):
        """Build the network again from `get_config`."""
        return cls(**config)


RESERVED = 2  # in vocabularies of what is read: 0 is padding, 1 what is not in the vocabulary
CELLS = {"simple_rnn": "SimpleRNN", "gru": "GRU", "lstm": "LSTM"}


def recurrent(cell: str, library: Any = OURS) -> type:
    """Return the recurrent layer that a network's argument `cell` names.

    Args:
        cell: "lstm", "gru" or "simple_rnn".
        library: Where layers come from; `keras` for the built-ins.

    Raises:
        ValueError: If there is no such cell.

    Example:
        >>> recurrent("gru").__name__
        'GRU'
    """
    if cell not in CELLS:
        raise ValueError(f"`cell` must be one of {', '.join(CELLS)}; received {cell!r}.")
    return getattr(library.layers, CELLS[cell])


def reject_unknown(network: str, arguments: dict[str, Any]) -> None:
    """Refuse arguments that nothing would use; Keras' functional models drop them silently.

    Raises:
        TypeError: Naming them.

    Example:
        >>> reject_unknown("CNN", {"depth": 3})
        Traceback (most recent call last):
        ...
        TypeError: CNN takes no argument depth.
    """
    unknown = set(arguments) - {"name", "trainable"}
    if unknown:
        raise TypeError(f"{network} takes no argument {', '.join(sorted(unknown))}.")


def head_dtype(dtype: Any) -> Any:
    """Return the dtype of the last layer: float32 under mixed precision.

    The softmax that follows needs it.

    Example:
        >>> head_dtype("mixed_bfloat16"), head_dtype("float64")
        ('float32', 'float64')
    """
    return dtype if keras.dtype_policies.get(dtype).compute_dtype == "float64" else "float32"


def serialize_dtype(dtype: Any) -> Any:
    """Return what `get_config` stores for the dtype that a network was given."""
    if dtype is None or isinstance(dtype, str):
        return dtype
    return keras.dtype_policies.serialize(dtype)


def strength(name: str, value: float) -> float:
    """Return the factor of a penalty.

    Raises:
        ValueError: If it is not a number of at least 0.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value < float("inf"):
        raise ValueError(f"`{name}` must be a number of at least 0, received {value!r}.")
    return value


def sizes(name: str, values: Any) -> tuple[int, ...]:
    """Return the sizes of consecutive layers as a tuple.

    Raises:
        ValueError: If they are no sequence of positive integers.

    Example:
        >>> sizes("filters", [32, 64])
        (32, 64)
    """
    is_sequence = isinstance(values, list | tuple)
    if not is_sequence or not all(type(v) is int and v > 0 for v in values):
        raise ValueError(f"`{name}` must be a list of positive integers, received {values!r}.")
    return tuple(values)


def with_weights_of(model: keras.Model, inputs: Any, outputs: Any) -> keras.Model:
    """Return the network from `inputs` to `outputs`, with the weights of another like it.

    Args:
        model: A network of ours.
        inputs: Symbolic inputs.
        outputs: Symbolic outputs.
    """
    twin = keras.Model(inputs, outputs, name=model.name)
    twin.set_weights(model.get_weights())
    return twin
