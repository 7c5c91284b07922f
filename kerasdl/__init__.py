"""Deep learning from the equations, at production speed.

Importing the package registers every layer, loss, initialiser and optimiser with Keras, so that
`keras.saving.load_model` finds them. Rooms that need TensorFlow, TensorFlow Datasets, matplotlib
or the server stack are imported when they are first used.
"""

import importlib

from kerasdl import activations as activations
from kerasdl import initializers as initializers
from kerasdl import layers as layers
from kerasdl import losses as losses
from kerasdl import models as models
from kerasdl import ops as ops
from kerasdl import optimizers as optimizers
from kerasdl.version import __version__ as __version__

_ROOMS = ("callbacks", "client", "datasets", "export", "inspection", "parity", "server", "training")


def __getattr__(name):
    if name in _ROOMS:
        return importlib.import_module(f"kerasdl.{name}")
    raise AttributeError(f"module 'kerasdl' has no attribute '{name}'")


def __dir__():
    return sorted([*globals(), *_ROOMS])
