"""Stop when training no longer helps."""

import warnings

import keras
from keras import ops


class EarlyStopping(keras.callbacks.Callback):
    r"""Stop training when a quantity has not improved for too long.

    With $m_t$ the monitored quantity after epoch $t$ and $m^*$ the best so far, an epoch improves
    if

    $$m_t < m^* - \delta \quad\text{(min)} \qquad\text{or}\qquad m_t > m^* + \delta
      \quad\text{(max)}$$

    and training ends at the first epoch with $t - t^* \ge \text{patience}$, where $t^*$ is the last
    epoch that improved (and, if there is a baseline, improved on it too). Fewer epochs mean that
    weights stay nearer to where they started: a regularisation that costs nothing.

    Args:
        monitor: Name of the quantity in the logs.
        min_delta: $\delta$; its sign is ignored.
        patience: Epochs without improvement before training stops. The first epoch never stops it.
        verbose: 1 prints which epoch stopped and which came back.
        mode: `"min"`, `"max"`, or `"auto"`: minimise losses and errors, maximise what its metric
            says is better when larger (accuracy, AUC, …).
        baseline: A value to beat; epochs that do not beat it use the patience up.
        restore_best_weights: Whether the weights of the best epoch come back when training ends.
        start_from_epoch: Epochs before that are ignored.

    Raises:
        ValueError: At the end of the first epoch, if `mode="auto"` and the direction is unknown.

    Source:
        Prechelt, 1998, Early Stopping: But When? Goodfellow et al., 2016, Deep Learning, section
        7.8, algorithm 7.1.

    Example:
        >>> stopper = EarlyStopping(monitor="loss", patience=2)
        >>> stopper.set_model(keras.Sequential())
        >>> stopper.model.compile(loss="mse")
        >>> stopper.on_train_begin()
        >>> for epoch, loss in enumerate([3.0, 2.0, 2.5, 2.4, 1.0]):
        ...     stopper.on_epoch_end(epoch, {"loss": loss})
        ...     if stopper.model.stop_training:
        ...         break
        >>> stopper.stopped_epoch, stopper.best
        (3, 2.0)

    Differences from the paper: the state of the optimiser is not brought back. From Keras: none.
    """

    def __init__(
        self,
        monitor="val_loss",
        min_delta=0,
        patience=0,
        verbose=0,
        mode="auto",
        baseline=None,
        restore_best_weights=False,
        start_from_epoch=0,
    ):
        super().__init__()
        if mode not in ("auto", "min", "max"):
            warnings.warn(
                f"EarlyStopping mode '{mode}' is unknown, fallback to auto mode.", stacklevel=2
            )
            mode = "auto"
        self.monitor = monitor
        self.min_delta = abs(min_delta)
        self.patience = patience
        self.verbose = verbose
        self.mode = mode
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self.monitor_op = None
        self._forget()

    def _forget(self):
        self.wait = 0
        self.stopped_epoch = 0
        self.best = None
        self.best_epoch = 0
        self.best_weights = None

    def on_train_begin(self, logs=None):
        """Start afresh, so that one callback can serve several trainings."""
        self._forget()

    def on_epoch_end(self, epoch, logs=None):
        """Compare, remember, stop."""
        if self.monitor_op is None:  # the metrics are built in the first epoch
            self.monitor_op = ops.less if self._direction() == "min" else ops.greater
        value = self._monitored(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch

        self.wait += 1
        if self._improves(value, self.best):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self._improves(value, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        """Bring the best weights back, if asked to."""
        if self.stopped_epoch > 0 and self.verbose > 0:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose > 0:
                print(
                    "Restoring model weights from the end of the best epoch: "
                    f"{self.best_epoch + 1}."
                )
            self.model.set_weights(self.best_weights)

    def _improves(self, value, reference):
        if reference is None:
            return True
        delta = self.min_delta if self.monitor_op == ops.greater else -self.min_delta
        # Compared as the backend compares: two losses that are one number in float32 are equal.
        return bool(self.monitor_op(value - delta, reference))

    def _monitored(self, logs):
        logs = logs or {}
        value = logs.get(self.monitor)
        if value is None:
            warnings.warn(
                f"Early stopping conditioned on metric `{self.monitor}` which is not available. "
                f"Available metrics are: {','.join(logs)}",
                stacklevel=2,
            )
        return value

    def _direction(self):
        """Return "min" or "max"; a metric of Keras knows which of the two is better."""
        if self.mode != "auto":
            return self.mode
        name = self.monitor.removeprefix("val_")
        found = "min" if name == "loss" else None
        for group in getattr(self.model, "metrics", []):
            for metric in getattr(group, "metrics", []):
                if metric.name == name and hasattr(metric, "_direction"):
                    found = "max" if metric._direction == "up" else "min"
        if found is None:
            raise ValueError(
                f"EarlyStopping received monitor={self.monitor!r}, of which it is not known "
                "whether more or less is better. Pass `mode='max'` or `mode='min'`."
            )
        return found
