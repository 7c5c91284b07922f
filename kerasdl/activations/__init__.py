"""Activations $a = g(z)$, each written from its equation.

In float64 a constant is rounded as the backend's own functions round it (`backend.constant`), so
that results equal Keras' to the last digit.
"""

from collections.abc import Callable
from typing import Any

import keras

from kerasdl.activations.gated import gelu, glu, hard_silu, mish, silu
from kerasdl.activations.rectifiers import (
    hard_shrink,
    leaky_relu,
    relu,
    relu6,
    soft_shrink,
    threshold,
)
from kerasdl.activations.sigmoids import (
    hard_sigmoid,
    hard_tanh,
    log_sigmoid,
    sigmoid,
    softsign,
    sparse_sigmoid,
    tanh,
    tanh_shrink,
)
from kerasdl.activations.simple import exponential, linear, step
from kerasdl.activations.simplex import log_softmax, softmax, sparsemax
from kerasdl.activations.smooth_rectifiers import (
    celu,
    elu,
    selu,
    softplus,
    sparse_plus,
    squareplus,
)
from kerasdl.builtins import fall_back_to

_OURS = {
    function.__name__: function
    for function in (
        celu,
        elu,
        exponential,
        gelu,
        glu,
        hard_shrink,
        hard_sigmoid,
        hard_silu,
        hard_tanh,
        leaky_relu,
        linear,
        log_sigmoid,
        log_softmax,
        mish,
        relu,
        relu6,
        selu,
        sigmoid,
        silu,
        soft_shrink,
        softmax,
        softplus,
        softsign,
        sparse_plus,
        sparse_sigmoid,
        sparsemax,
        squareplus,
        step,
        tanh,
        tanh_shrink,
        threshold,
    )
}
swish = silu
hard_swish = hard_silu
_OURS |= {"swish": silu, "hard_swish": hard_silu}

__getattr__ = fall_back_to(keras.activations, __name__)


def get(identifier: Any) -> Callable:
    """Look an activation up by name, config or function; ours first, then Keras'.

    Args:
        identifier: `None` (linear), a name, a serialised config or a callable.

    Returns:
        The activation function.

    Raises:
        ValueError: If nothing goes by that name.

    Example:
        >>> get("relu") is relu
        True
    """
    if identifier is None:
        return linear
    if isinstance(identifier, str) and identifier in _OURS:
        return _OURS[identifier]
    return keras.activations.get(identifier)


def serialize(activation: Callable) -> Any:
    """Return the config of an activation: for ours the plain name, as for a built-in.

    Example:
        >>> serialize(gelu)
        'gelu'
    """
    if _OURS.get(getattr(activation, "__name__", None)) is activation:
        return activation.__name__
    return keras.activations.serialize(activation)


def deserialize(config: Any, custom_objects: dict | None = None) -> Callable:
    """Return the activation of a config made by `serialize`.

    Args:
        config: A name, or the dictionary of a function or object of the user's.
        custom_objects: Functions by name that go before all others.

    Example:
        >>> deserialize("swish") is silu
        True
    """
    if isinstance(config, str) and config in _OURS and config not in (custom_objects or {}):
        return _OURS[config]
    return keras.activations.deserialize(config, custom_objects=custom_objects)
