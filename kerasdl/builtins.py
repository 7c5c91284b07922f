"""What is not (yet) written from its equation here is Keras' own.

`from kerasdl import layers` must replace `from keras import layers` in any program. Names that we
have are ours; every other public name is the built-in, unchanged and recognisable:
`kerasdl.layers.ConvLSTM2D is keras.layers.ConvLSTM2D` until there is one from the equations.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any


def fall_back_to(builtin: ModuleType, module_name: str) -> Callable[[str], Any]:
    """Return a module-level `__getattr__` that hands out the built-ins of `builtin`.

    Args:
        builtin: The Keras module with the same name, e.g. `keras.layers`.
        module_name: Name of our module, for the error message.

    Returns:
        A function to be bound to `__getattr__` in a module (PEP 562).

    Example:
        >>> import keras
        >>> lookup = fall_back_to(keras.layers, "kerasdl.layers")
        >>> lookup("Flatten") is keras.layers.Flatten
        True
    """

    def __getattr__(name: str) -> Any:
        if not name.startswith("_") and hasattr(builtin, name):
            return getattr(builtin, name)
        raise AttributeError(
            f"module '{module_name}' has no attribute '{name}', and neither has {builtin.__name__}"
        )

    return __getattr__
