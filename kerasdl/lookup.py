"""Find an object by name or config: ours first, then Keras'."""

import inspect
from typing import Any

import keras


def find(identifier: Any, ours: dict[str, type], builtin: Any) -> Any:
    """Look an object up by name, config, class or instance.

    Args:
        identifier: Name, config, class, callable or `None`; whatever `builtin.get` takes.
        ours: Our classes by name.
        builtin: The Keras module whose `get` knows the rest, e.g. `keras.regularizers`.

    Returns:
        An object, or `None`.

    Raises:
        ValueError: If nothing goes by that name.

    Example:
        >>> class L2(keras.Regularizer):
        ...     pass
        >>> type(find("l2", {"l2": L2}, keras.regularizers)) is L2
        True
    """
    if isinstance(identifier, str) and _is_ours(identifier, ours):
        return ours[identifier]()
    if isinstance(identifier, dict):
        return from_config(identifier, ours, builtin)
    if inspect.isclass(identifier):
        return identifier()
    return builtin.get(identifier)


def from_config(config: Any, ours: dict[str, type], builtin: Any, custom_objects=None) -> Any:
    """Return the object of a config made by `serialize`, by us or by Keras.

    A config that Keras wrote for a built-in gives our class of that name, so that a layer of ours
    made from a built-in's config is ours through and through.

    Args:
        config: Dictionary with `class_name` and `config`, or a name.
        ours: Our classes by name.
        builtin: The Keras module whose `deserialize` knows the rest.
        custom_objects: Classes by name that go before all others.

    Example:
        >>> class L2(keras.regularizers.L2):
        ...     pass
        >>> config = keras.regularizers.serialize(keras.regularizers.L2(0.5))
        >>> type(from_config(config, {"L2": L2}, keras.regularizers)) is L2
        True
    """
    if isinstance(config, dict):
        name, module = config.get("class_name"), config.get("module", builtin.__name__)
        own_name = name not in (custom_objects or {}) and _is_ours(name, ours)
        if own_name and module == builtin.__name__:
            return ours[name].from_config(config.get("config") or {})
    return builtin.deserialize(config, custom_objects=custom_objects)


def _is_ours(name, ours) -> bool:
    # What a user has registered under a bare name goes first, as in Keras.
    return name in ours and keras.saving.get_registered_object(name) is None
