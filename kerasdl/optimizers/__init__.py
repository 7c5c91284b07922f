"""Optimisers. Names not written here yet are Keras' own (see `kerasdl.builtins`)."""

import keras

from kerasdl.builtins import fall_back_to
from kerasdl.optimizers import schedules as schedules
from kerasdl.optimizers.adadelta import Adadelta as Adadelta
from kerasdl.optimizers.adafactor import Adafactor as Adafactor
from kerasdl.optimizers.adagrad import Adagrad as Adagrad
from kerasdl.optimizers.adam import Adam as Adam
from kerasdl.optimizers.adamax import Adamax as Adamax
from kerasdl.optimizers.adamw import AdamW as AdamW
from kerasdl.optimizers.ftrl import Ftrl as Ftrl
from kerasdl.optimizers.lamb import Lamb as Lamb
from kerasdl.optimizers.lion import Lion as Lion
from kerasdl.optimizers.muon import Muon as Muon
from kerasdl.optimizers.nadam import Nadam as Nadam
from kerasdl.optimizers.rmsprop import RMSprop as RMSprop
from kerasdl.optimizers.schedule_free_adamw import ScheduleFreeAdamW as ScheduleFreeAdamW
from kerasdl.optimizers.sgd import SGD as SGD

OURS = (
    SGD,
    Adagrad,
    RMSprop,
    Adadelta,
    Adam,
    AdamW,
    Adamax,
    Nadam,
    Lion,
    Lamb,
    Ftrl,
    Muon,
    Adafactor,
    ScheduleFreeAdamW,
)
"""Optimisers that are written from their equations."""

_BY_NAME = {optimizer.__name__.lower(): optimizer for optimizer in OURS}

__getattr__ = fall_back_to(keras.optimizers, __name__)


def get(identifier):
    """Look an optimiser up by name, config or instance; ours first, then Keras'.

    Args:
        identifier: Name in any case, config (see `deserialize`), optimiser, or `None`.

    Returns:
        An optimiser, or `None`.

    Raises:
        ValueError: If nothing goes by that name.

    Example:
        >>> type(get("adam")) is Adam
        True
    """
    if isinstance(identifier, str):
        identifier = {"class_name": identifier, "config": {}}
    if isinstance(identifier, dict):
        identifier = deserialize(identifier)
    return keras.optimizers.get(identifier)


def serialize(optimizer):
    """Return the config of an optimiser.

    Example:
        >>> serialize(Adam())["registered_name"]
        'kerasdl>Adam'
    """
    return keras.optimizers.serialize(optimizer)


def deserialize(config, custom_objects=None):
    """Return the optimiser of a config made by `serialize`.

    A config that only has a class name means ours. One that names the module of a class, as
    `serialize` writes it, means that class, be it ours or Keras'.

    Args:
        config: Dictionary with `class_name` and `config`.
        custom_objects: Further classes by their names; built-in names come first, as in Keras.

    Returns:
        An optimiser.

    Raises:
        ValueError: If nothing goes by that name.

    Example:
        >>> type(deserialize({"class_name": "sgd", "config": {"momentum": 0.9}})) is SGD
        True
    """
    name = config["class_name"].lower()
    named_module = config.get("module") or config.get("registered_name")
    if name in _BY_NAME and not named_module:
        return _BY_NAME[name].from_config(dict(config["config"]), custom_objects=custom_objects)
    return keras.optimizers.deserialize(dict(config), custom_objects=custom_objects)
