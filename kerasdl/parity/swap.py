"""The same model from other layers: Keras' built-ins replaced by ours, and back."""

import inspect
import warnings
from collections.abc import Iterator
from typing import Any

import keras

from kerasdl.parity.symbols import offered


def swap(model: keras.Model) -> keras.Model:
    r"""Return the model with every built-in that kerasdl has replaced by ours, weights included.

    Layers, also those inside wrappers and nested models, their initialisers, regularisers and
    constraints, the optimiser (with its state) and the loss. The model that is given stays as it
    is. A layer that has no counterpart is kept, and named in a warning.

    Args:
        model: A functional, sequential or otherwise serialisable model, built.

    Returns:
        A new model with the same weights that computes the same function.

    Raises:
        ValueError: If the model is not built, or cannot be rebuilt from its config.

    Example:
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> import kerasdl
        >>> type(swap(model).layers[0]) is kerasdl.layers.Dense
        True
    """
    return _rebuilt(model, dict(offered().values()), "swap")


def unswap(model: keras.Model) -> keras.Model:
    """Return the model with every layer of ours that Keras has replaced by the built-in.

    The reverse of `swap`, with the same arguments and errors. Arguments that Keras does not have
    (`implementation` of a convolution) are dropped: they choose a way to compute, not the function.

    Example:
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> type(unswap(swap(model)).layers[0]) is keras.layers.Dense
        True
    """
    return _rebuilt(model, {ours: theirs for theirs, ours in offered().values()}, "unswap")


def left_as_they_are(model: keras.Model, swapped: keras.Model) -> list[keras.Layer]:
    """Return the layers of a swapped model that have the class they had before.

    Example:
        >>> model = keras.Sequential([keras.Input((3, 2)), keras.layers.Flatten(name="flat")])
        >>> [layer.name for layer in left_as_they_are(model, model)]
        ['flat']
    """
    return [
        new
        for old, new in pairs(model, swapped)
        if type(old) is type(new) and not isinstance(new, _STRUCTURE)
    ]


def pairs(model: keras.Layer, swapped: keras.Layer) -> Iterator[tuple[keras.Layer, keras.Layer]]:
    """Walk two models side by side, down to the layers that were replaced or hold no others."""
    for old, new in zip(model._layers, swapped._layers, strict=True):
        yield old, new
        if type(old) is type(new):
            yield from pairs(old, new)


_STRUCTURE = (keras.layers.InputLayer, keras.Model)


def _rebuilt(model, classes: dict, verb: str) -> keras.Model:
    if not isinstance(model, keras.Model):
        raise ValueError(f"`model` must be a keras.Model, received {type(model).__name__}.")
    if not model.built:
        raise ValueError(
            f"`model` must be built before its weights can move; {model.name!r} is not."
        )
    names = {_registered(old): (old, new) for old, new in classes.items() if inspect.isclass(old)}
    try:
        config = keras.saving.serialize_keras_object(model)
        twin = keras.saving.deserialize_keras_object(_replace(config, names))
        twin.set_weights(model.get_weights())
    except (NotImplementedError, TypeError, ValueError) as error:
        raise ValueError(
            f"Cannot {verb} {model.name!r}: it must be a model that keras.saving can rebuild from "
            f"its config (functional, sequential, or with get_config). {error}"
        ) from error
    _copy_random_states(model, twin)
    _copy_optimizer(model, twin)
    kept = left_as_they_are(model, twin)
    if kept:
        listed = ", ".join(f"{layer.name!r} ({type(layer).__name__})" for layer in kept)
        warnings.warn(f"{verb} left what has no counterpart: {listed}", stacklevel=3)
    return twin


def _registered(cls) -> str:
    """How a serialised object names its class: "kerasdl>Dense", or "keras.layers.Dense".

    The room counts: there are a layer and an initialiser `Identity`, and losses are named as
    metrics are.
    """
    name = keras.saving.get_registered_name(cls)
    if ">" in name or not cls.__module__.startswith("keras."):
        return name
    return f"keras.{_room(cls)}.{name}"


def _replace(value: Any, names: dict) -> Any:
    """Walk a serialised object and put other classes in place of those in `names`."""
    if isinstance(value, list | tuple):
        return [_replace(v, names) for v in value]
    if not isinstance(value, dict):
        return value
    value = {key: _replace(v, names) for key, v in value.items()}
    if "class_name" not in value or "config" not in value:
        return value
    name = value.get("registered_name") or value["class_name"]
    if ">" not in name:
        name = f"{value.get('module')}.{name}"
    old, new = names.get(name, (None, None))
    if new is None:
        return value
    registered = keras.saving.get_registered_name(new)
    return value | {
        "module": new.__module__ if ">" in registered else f"keras.{_room(new)}",
        "class_name": new.__name__,
        "registered_name": registered if ">" in registered else None,
        "config": _accepted(value["config"], old, new),
    }


def _room(cls) -> str:
    """Name the public module of a built-in below `keras`: "layers"."""
    for name, (theirs, _) in offered().items():
        if theirs is cls:
            return name.rsplit(".", 1)[0]
    raise ValueError(f"{cls} is no public class of Keras.")


def _accepted(config: Any, old: type, new: type) -> Any:
    """Drop the entries of a config that only the old class takes."""
    if not isinstance(config, dict):
        return config
    surplus = _parameters(old) - _parameters(new)
    return {key: v for key, v in config.items() if key not in surplus}


def _parameters(cls: type) -> set[str]:
    return set(inspect.signature(cls.__init__).parameters)


def _copy_random_states(model, twin) -> None:
    """Let dropout draw the same numbers in both."""
    states = [
        {v.path: v for v in m.non_trainable_variables if "seed_generator" in v.path}
        for m in (model, twin)
    ]
    for path, variable in states[1].items():
        if path in states[0]:
            variable.assign(states[0][path])


def _copy_optimizer(model, twin) -> None:
    optimizers = [getattr(m, "optimizer", None) for m in (model, twin)]
    if None in optimizers or not optimizers[0].built:
        return
    optimizers[1].build(twin.trainable_variables)
    for mine, theirs in zip(optimizers[1].variables, optimizers[0].variables, strict=True):
        mine.assign(theirs)
