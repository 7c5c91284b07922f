"""Losses, each written from its equation: functions of one example, and objects that reduce.

`CTC` and names not written here are Keras' own (see `kerasdl.builtins`).
"""

import inspect
from typing import Any

import keras

from kerasdl.builtins import fall_back_to
from kerasdl.losses.circle import circle
from kerasdl.losses.crossentropy import binary_crossentropy, categorical_crossentropy
from kerasdl.losses.crossentropy_classes import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    SparseCategoricalCrossentropy,
)
from kerasdl.losses.detection import PatchDetection, patch_detection
from kerasdl.losses.divergence_classes import KLDivergence, Poisson
from kerasdl.losses.divergences import kl_divergence, poisson
from kerasdl.losses.focal import (
    binary_focal_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
)
from kerasdl.losses.hinge_classes import CategoricalHinge, Hinge, SquaredHinge
from kerasdl.losses.hinges import categorical_hinge, hinge, squared_hinge
from kerasdl.losses.overlap import dice, tversky
from kerasdl.losses.overlap_classes import Circle, Dice, Tversky
from kerasdl.losses.regression import (
    cosine_similarity,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from kerasdl.losses.regression_classes import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
)
from kerasdl.losses.smoothed_crossentropy import (
    SmoothedSparseCategoricalCrossentropy,
    smoothed_sparse_categorical_crossentropy,
)
from kerasdl.losses.sparse_crossentropy import sparse_categorical_crossentropy

_OURS = {
    function.__name__: function
    for function in (
        BinaryCrossentropy,
        BinaryFocalCrossentropy,
        CategoricalCrossentropy,
        CategoricalFocalCrossentropy,
        CategoricalGeneralizedCrossEntropy,
        CategoricalHinge,
        Circle,
        CosineSimilarity,
        Dice,
        Hinge,
        Huber,
        KLDivergence,
        LogCosh,
        MeanAbsoluteError,
        MeanAbsolutePercentageError,
        MeanSquaredError,
        MeanSquaredLogarithmicError,
        PatchDetection,
        Poisson,
        SmoothedSparseCategoricalCrossentropy,
        SparseCategoricalCrossentropy,
        SquaredHinge,
        Tversky,
        binary_crossentropy,
        binary_focal_crossentropy,
        categorical_crossentropy,
        categorical_focal_crossentropy,
        categorical_generalized_cross_entropy,
        categorical_hinge,
        circle,
        cosine_similarity,
        dice,
        hinge,
        huber,
        kl_divergence,
        log_cosh,
        mean_absolute_error,
        mean_absolute_percentage_error,
        mean_squared_error,
        mean_squared_logarithmic_error,
        patch_detection,
        poisson,
        smoothed_sparse_categorical_crossentropy,
        sparse_categorical_crossentropy,
        squared_hinge,
        tversky,
    )
}
_ALIASES = {
    "bce": binary_crossentropy,
    "kld": kl_divergence,
    "mae": mean_absolute_error,
    "mape": mean_absolute_percentage_error,
    "mse": mean_squared_error,
    "msle": mean_squared_logarithmic_error,
}
_OURS |= _ALIASES | {alias.upper(): function for alias, function in _ALIASES.items()}

__getattr__ = fall_back_to(keras.losses, __name__)


def get(identifier: Any) -> Any:
    """Look a loss up by name, config, class or callable; ours first, then Keras'.

    Args:
        identifier: `None`, a name such as "mse", a config, a class, a function or a loss object.

    Returns:
        A function, a loss object, or `None`.

    Raises:
        ValueError: If nothing goes by that name.

    Example:
        >>> get("mse") is mean_squared_error
        True
    """
    if isinstance(identifier, str) and identifier in _OURS:
        identifier = _OURS[identifier]
    elif isinstance(identifier, dict):
        identifier = deserialize(identifier)
    if inspect.isclass(identifier):
        return identifier()
    return keras.losses.get(identifier)


def serialize(loss: Any) -> Any:
    """Return the config of a loss function or object.

    Example:
        >>> serialize(Huber(delta=2.0))["config"]["delta"]
        2.0
    """
    return keras.losses.serialize(loss)


def deserialize(name: Any, custom_objects: dict | None = None) -> Any:
    """Return the loss of a config made by `serialize`, by us or by Keras.

    Args:
        name: Config or name of a loss.
        custom_objects: Classes and functions by name that go before all others.

    Example:
        >>> type(deserialize({"class_name": "Huber", "config": {"delta": 2.0}})) is Huber
        True
    """
    if isinstance(name, str) and name in _OURS and name not in (custom_objects or {}):
        return _OURS[name]
    if isinstance(name, dict):
        function = name.get("class_name") == "function"
        own = name.get("config") if function else name.get("class_name")
        module = name.get("module") or "keras.losses"
        known = own in _OURS and own not in (custom_objects or {})
        # "builtins" is where Keras says that its own functions live.
        if known and module in ("keras.losses", "builtins"):
            return _OURS[own] if function else _OURS[own].from_config(name.get("config") or {})
    return keras.losses.deserialize(name, custom_objects=custom_objects)
