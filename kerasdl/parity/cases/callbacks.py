"""Cases of the callbacks."""

import itertools

import keras
import numpy as np

import kerasdl
from kerasdl.parity.case import CustomCase
from kerasdl.parity.result import Check


class Recorded:
    """A model whose only weight is the number of the epoch."""

    stop_training = False
    weights = -1

    def get_weights(self):
        """Return the number of the epoch."""
        return self.weights

    def set_weights(self, weights):
        """Go back to an epoch."""
        self.weights = weights


def replay(stopper, history):
    """Play a recorded history to a callback; return where it stops and what it brings back."""
    model = Recorded()
    stopper.set_model(model)
    stopper.on_train_begin()
    for epoch, value in enumerate(history):
        model.weights = epoch
        stopper.on_epoch_end(epoch, {"val_loss": value})
        if model.stop_training:
            break
    stopper.on_train_end()
    return stopper.stopped_epoch, model.weights, stopper.best_epoch


def early_stopping():
    """Every combination of arguments on random histories with many ties."""
    rng = np.random.default_rng(0)
    histories = [rng.integers(1, 8, size=12) / 8 for _ in range(8)]
    grid = itertools.product(
        ("min", "max"), (0, 0.125), (0, 2), (None, 0.5), (False, True), (0, 3), histories
    )
    different = count = 0
    for mode, min_delta, patience, baseline, restore, start, history in grid:
        arguments = {
            "mode": mode,
            "min_delta": min_delta,
            "patience": patience,
            "baseline": baseline,
            "restore_best_weights": restore,
            "start_from_epoch": start,
        }
        ours = replay(kerasdl.callbacks.EarlyStopping(**arguments), history)
        different += ours != replay(keras.callbacks.EarlyStopping(**arguments), history)
        count += 1
    yield Check("histories", float(different), 0.0, f"{count} trainings replayed")


CASES = [CustomCase(symbol="callbacks.EarlyStopping", run=early_stopping)]
