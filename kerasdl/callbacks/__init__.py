"""Callbacks of training. Names not written here yet are Keras' own (see `kerasdl.builtins`)."""

import keras

from kerasdl.builtins import fall_back_to
from kerasdl.callbacks.best_weights import BestWeights as BestWeights
from kerasdl.callbacks.early_stopping import EarlyStopping as EarlyStopping
from kerasdl.callbacks.progress_bar import ProgressBar as ProgressBar

__getattr__ = fall_back_to(keras.callbacks, __name__)
