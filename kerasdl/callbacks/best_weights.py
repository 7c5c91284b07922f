"""The weights of the best epoch, kept over a break."""

import keras
import numpy as np


class BestWeights(keras.callbacks.Callback):
    r"""Keep the weights of the best epoch; stop when no better one comes for too long.

    Early stopping as regularisation: training ends at the first epoch $t$ with

    $$t - \arg\max_{s \le t} A_{\mathrm{val}}(s) \ge \text{patience}$$

    Of equally good epochs the latest counts: on a small validation split many are equal, and the
    later one was trained at a lower learning rate.

    Args:
        monitor: Name of the quantity to maximise (accuracy) or, if it ends in "loss", to minimise.
        patience: Epochs without improvement before training stops; 0 never stops.

    Source:
        Prechelt, 1998, Early Stopping: But When? Goodfellow et al., 2016, section 7.8.

    Differences from Keras' `EarlyStopping`: the best weights come back also when training ran its
    full length, and `state` / `restore` carry it over a break.
    """

    def __init__(self, monitor="val_accuracy", patience=0):
        super().__init__()
        self.monitor = monitor
        self.patience = patience
        self.sign = -1 if monitor.endswith("loss") else 1
        self.best = -self.sign * float("inf")
        self.best_epoch = -1
        self.best_weights = None

    def on_epoch_end(self, epoch, logs=None):
        """Compare, remember, stop."""
        value = logs[self.monitor]
        if self.sign * value >= self.sign * self.best or self.best_weights is None:
            self.best, self.best_epoch = float(value), epoch
            self.best_weights = [np.array(w) for w in self.model.get_weights()]
        elif self.patience and epoch - self.best_epoch >= self.patience:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        """Bring the best weights back."""
        if self.best_weights is not None:
            self.model.set_weights(self.best_weights)

    @property
    def state(self) -> dict:
        """What a resumed run needs, as arrays."""
        weights = {f"weights/{i}": w for i, w in enumerate(self.best_weights or [])}
        return {"best": np.array(self.best), "best_epoch": np.array(self.best_epoch), **weights}

    def restore(self, state: dict) -> None:
        """Go on from `state`."""
        self.best, self.best_epoch = float(state["best"]), int(state["best_epoch"])
        count = sum(key.startswith("weights/") for key in state)
        self.best_weights = [state[f"weights/{i}"] for i in range(count)] or None

    def exhausted(self, epoch: int) -> bool:
        """Whether the patience had run out after `epoch`."""
        return bool(self.patience) and epoch - self.best_epoch >= self.patience
