"""The whole state of a training run at the end of an epoch, and back."""

import json

import keras
import numpy as np
from keras import ops

from kerasdl.callbacks import BestWeights
from kerasdl.training.run import Run


class Checkpoint(keras.callbacks.Callback):
    """After each epoch, save all that the next one depends on.

    Weights, the states of the random generators in the layers (dropout), moments and step of the
    optimiser, the best weights so far and the metrics. The order of the images needs no state: it
    is a function of seed and epoch. One file holds everything, so its parts always fit together.

    Args:
        run: The run folder.
        best: The callback that keeps the best weights; must come before this one.
    """

    def __init__(self, run: Run, best: BestWeights):
        super().__init__()
        self.run = run
        self.best = best
        self.rows: list[dict] = []

    def on_epoch_end(self, epoch, logs=None):
        """Save."""
        # All digits of the float32 numbers, so that equal runs have equal files.
        self.rows.append({"epoch": epoch + 1} | {k: float(v) for k, v in (logs or {}).items()})
        arrays = {f"model/{i}": v for i, v in enumerate(_variables(self.model))}
        arrays |= {f"best/{key}": value for key, value in self.best.state.items()}
        arrays["rows"] = np.array(json.dumps(self.rows))
        self.run.save_checkpoint(arrays)
        self.run.write_metrics(self.rows)

    def restore(self, model: keras.Model) -> int:
        """Bring the last checkpoint back.

        Args:
            model: The compiled model, with an optimiser that is built.

        Returns:
            How many epochs are done; 0 if there is no checkpoint.
        """
        state = self.run.load_checkpoint()
        if state is None:
            return 0
        for i, variable in enumerate(_saved(model)):
            variable.assign(ops.convert_to_tensor(state[f"model/{i}"], dtype=variable.dtype))
        prefix = "best/"
        self.best.restore({k[len(prefix) :]: v for k, v in state.items() if k.startswith(prefix)})
        self.rows = json.loads(str(state["rows"]))
        self.run.write_metrics(self.rows)
        return len(self.rows)


def _saved(model) -> list:
    """All variables that outlive an epoch; metrics start anew in each."""
    metrics = {id(v) for v in model.metrics_variables}
    return [v for v in model.variables if id(v) not in metrics] + list(model.optimizer.variables)


def _variables(model) -> list[np.ndarray]:
    return [ops.convert_to_numpy(v) for v in _saved(model)]
