"""Projections of weights after each update. Names not written here are Keras' own."""

from typing import Any

import keras
from keras import ops

from kerasdl import lookup
from kerasdl.builtins import fall_back_to
from kerasdl.ops.limits import clip

Constraint = keras.constraints.Constraint

_register = keras.saving.register_keras_serializable(package="kerasdl")


def _norm(w, axis):
    return ops.sqrt(ops.sum(ops.square(w), axis=axis, keepdims=True))


@_register
class MaxNorm(Constraint):
    r"""Shorten the weights that enter a unit if they are longer than $c$.

    $$w \leftarrow w\, \frac{\min(\lVert w \rVert, c)}{\epsilon + \lVert w \rVert}$$

    Args:
        max_value: $c$.
        axis: Axis or axes over which a norm is taken: 0 for a kernel (n_in, n_out), `[0, 1, 2]` for
            a convolution's (rows, columns, channels in, channels out).

    Source:
        Srivastava et al., 2014, Dropout, section 5.1.

    Example:
        >>> w = MaxNorm(2.0)(ops.array([[3.0, 0.6], [4.0, 0.8]]))
        >>> [[round(float(v), 4) for v in row] for row in w]
        [[1.2, 0.6], [1.6, 0.8]]

    Differences from the paper: $\epsilon$ (1e-7), as in Keras, so that a zero vector stays one; it
    shortens every vector by that little. From Keras: none.
    """

    def __init__(self, max_value=2, axis=0):
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w):
        """Return the projected weights."""
        w = ops.convert_to_tensor(w)
        norm = _norm(w, self.axis)
        desired = clip(norm, 0, self.max_value)
        return ops.cast(w, norm.dtype) * (desired / (keras.config.epsilon() + norm))

    def get_config(self):
        """Return the constructor's arguments."""
        return {"max_value": self.max_value, "axis": self.axis}


@_register
class UnitNorm(Constraint):
    r"""Give the weights that enter a unit the length 1.

    $$w \leftarrow \frac{w}{\epsilon + \lVert w \rVert}$$

    Args:
        axis: Axis or axes over which a norm is taken (see `MaxNorm`).

    Example:
        >>> w = UnitNorm()(ops.array([[3.0], [4.0]]))
        >>> [round(float(v), 4) for v in w[:, 0]]
        [0.6, 0.8]

    Differences from Keras: none.
    """

    def __init__(self, axis=0):
        self.axis = axis

    def __call__(self, w):
        """Return the projected weights."""
        w = ops.convert_to_tensor(w)
        norm = _norm(w, self.axis)
        return ops.cast(w, norm.dtype) / (keras.config.epsilon() + norm)

    def get_config(self):
        """Return the constructor's arguments."""
        return {"axis": self.axis}


@_register
class MinMaxNorm(Constraint):
    r"""Bring the length of the weights that enter a unit between two bounds, or towards them.

    $$w \leftarrow w\, \frac{\rho\, \mathrm{clip}(\lVert w \rVert, c_{\min}, c_{\max})
      + (1 - \rho) \lVert w \rVert}{\epsilon + \lVert w \rVert}$$

    Args:
        min_value: $c_{\min}$.
        max_value: $c_{\max}$.
        rate: $\rho$: 1 enforces the bounds, less moves a part of the way at each update.
        axis: Axis or axes over which a norm is taken (see `MaxNorm`).

    Example:
        >>> w = MinMaxNorm(1.0, 2.0)(ops.array([[0.0, 0.3], [4.0, 0.4]]))
        >>> [[round(float(v), 4) for v in row] for row in w]
        [[0.0, 0.6], [2.0, 0.8]]

    Differences from Keras: none.
    """

    def __init__(self, min_value=0.0, max_value=1.0, rate=1.0, axis=0):
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w):
        """Return the projected weights."""
        w = ops.convert_to_tensor(w)
        norm = _norm(w, self.axis)
        clipped = clip(norm, self.min_value, self.max_value)
        desired = self.rate * clipped + (1 - self.rate) * norm
        return ops.cast(w, norm.dtype) * (desired / (keras.config.epsilon() + norm))

    def get_config(self):
        """Return the constructor's arguments."""
        return {
            "min_value": self.min_value,
            "max_value": self.max_value,
            "rate": self.rate,
            "axis": self.axis,
        }


@_register
class NonNeg(Constraint):
    r"""Set negative weights to 0.

    $$w \leftarrow \max(w, 0)$$

    Example:
        >>> [float(v) for v in NonNeg()(ops.array([-1.0, 2.0]))]
        [0.0, 2.0]

    Differences from Keras: float64 stays float64 on PyTorch (Keras: float32).
    """

    def __call__(self, w):
        """Return the projected weights."""
        w = ops.convert_to_tensor(w)
        # Not `ops.maximum`, which makes float32 of PyTorch's float64.
        return ops.where(w < 0, ops.zeros_like(w), w)


max_norm = MaxNorm
min_max_norm = MinMaxNorm
non_neg = NonNeg
unit_norm = UnitNorm

_OURS = {
    "MaxNorm": MaxNorm,
    "max_norm": MaxNorm,
    "MinMaxNorm": MinMaxNorm,
    "min_max_norm": MinMaxNorm,
    "NonNeg": NonNeg,
    "non_neg": NonNeg,
    "UnitNorm": UnitNorm,
    "unit_norm": UnitNorm,
}

__getattr__ = fall_back_to(keras.constraints, __name__)


def get(identifier: Any) -> Any:
    """Look a constraint up by name, config, class or instance; ours first, then Keras'.

    Args:
        identifier: Name, config, class, callable, or `None`.

    Returns:
        A constraint, or `None`.

    Raises:
        ValueError: If nothing goes by that name.

    Example:
        >>> type(get("max_norm")) is MaxNorm
        True
    """
    return lookup.find(identifier, _OURS, keras.constraints)


def serialize(constraint: Any) -> Any:
    """Return the config of a constraint."""
    return keras.constraints.serialize(constraint)


def deserialize(config: Any, custom_objects: dict | None = None) -> Any:
    """Return the constraint of a config made by `serialize`, by us or by Keras."""
    return lookup.from_config(config, _OURS, keras.constraints, custom_objects)
