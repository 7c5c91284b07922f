"""How far back a recurrent layer's gradient reaches."""

from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
from keras import ops
from matplotlib.figure import Figure

from kerasdl.backend import value_and_grad
from kerasdl.files import written_whole
from kerasdl.inspection.descent import COLOURS


def gradient_flow(model, layer, x, y) -> np.ndarray:
    r"""Measure $\lVert \partial \ell / \partial h_t \rVert$ at every step of a recurrent layer.

    A number $\delta_t = 0$ is added to every hidden state; the gradient with respect to it is that
    of the state. If it shrinks by the same factor from step to step, going back from the end, the
    gradient vanishes: what came early cannot be learned. If it grows, it explodes.

    Args:
        model: A compiled model.
        layer: A `SimpleRNN`, `LSTM` or `GRU` of kerasdl inside it, or its name.
        x: Inputs of the model.
        y: Targets.

    Returns:
        Array (T,), the norm at each step in the order of the sequence, averaged over the examples;
        $\ell$ is the loss of one example.

    Raises:
        ValueError: If the layer is none of the three, or the model has no loss.

    Source:
        Pascanu et al., 2013, On the Difficulty of Training Recurrent Neural Networks, section 2.

    Example:
        >>> from kerasdl import layers
        >>> model = keras.Sequential([keras.Input((3, 1)), layers.SimpleRNN(1, name="rnn")])
        >>> model.compile(loss="mse")
        >>> gradient_flow(model, "rnn", np.ones((2, 3, 1)), np.zeros((2, 1))).shape
        (3,)
    """
    layer = model.get_layer(layer) if isinstance(layer, str) else layer
    if not hasattr(layer, "along_the_sequence"):
        raise ValueError(
            "`layer` must be a SimpleRNN, LSTM or GRU of kerasdl.layers (of a Bidirectional, its "
            f"`forward_layer` or `backward_layer`), received {type(layer).__name__}. "
            "`kerasdl.swap(model)` replaces Keras' own."
        )
    if getattr(model, "loss", None) is None:
        raise ValueError("`model` must be compiled with a loss, received one without.")
    x, y = keras.tree.map_structure(ops.convert_to_tensor, (x, y))
    seen = []

    def with_probe(delta):
        def inner_loop(sequences, initial_state, mask, training=False):
            shape = (*ops.shape(sequences)[:2], layer.units)
            seen.append(shape)
            deltas = ops.zeros(shape, sequences.dtype) if delta is None else delta

            def step(at_t, states):
                _, (h, *rest), _ = layer.cell.step(at_t[0], states, training)
                return [h + at_t[1]], [h + at_t[1], *rest]

            last, outputs, states = layer._unfolded(
                step, [sequences, deltas], initial_state, [initial_state[0]], mask
            )
            return last[0], outputs[0] if layer.return_sequences else None, states

        layer.inner_loop = inner_loop
        try:
            return model.compute_loss(x=x, y=y, y_pred=model(x, training=False), training=False)
        finally:
            del layer.inner_loop

    with_probe(None)  # which sizes the sequence has inside the model
    delta = np.zeros(seen[0], dtype=keras.backend.standardize_dtype(layer.compute_dtype))
    _, (gradient,) = value_and_grad(with_probe, [ops.convert_to_tensor(delta)])
    norms = np.linalg.norm(ops.convert_to_numpy(ops.cast(gradient, "float64")), axis=-1)
    return norms.mean(axis=0) * len(norms)  # the loss is a mean over the examples


class GradientFlow(keras.callbacks.Callback):
    r"""Record $\lVert \partial \ell / \partial h_t \rVert$ of a recurrent layer after each epoch.

    Args:
        layer: Name of the layer; see `gradient_flow`.
        x: Inputs on which it is measured.
        y: Their targets.

    Example:
        >>> from kerasdl import layers
        >>> model = keras.Sequential([keras.Input((3, 1)), layers.GRU(1, name="rnn")])
        >>> model.compile(loss="mse")
        >>> x, y = np.ones((2, 3, 1)), np.zeros((2, 1))
        >>> flow = GradientFlow("rnn", x, y)
        >>> _ = model.fit(x, y, epochs=2, verbose=0, callbacks=[flow])
        >>> len(flow.norms), flow.norms[0].shape  # before training, and after each epoch
        (3, (3,))
    """

    def __init__(self, layer, x, y):
        super().__init__()
        self.layer, self.x, self.y = layer, x, y
        self.norms = []

    def _measure(self):
        self.norms.append(gradient_flow(self.model, self.layer, self.x, self.y))

    def on_train_begin(self, logs=None):
        """Measure before the first step."""
        self.norms = []
        self._measure()

    def on_epoch_end(self, epoch, logs=None):
        """Measure after an epoch."""
        self._measure()


def save_gradient_flow(path: Path, norms: Mapping[str, np.ndarray]) -> None:
    """Draw the norms over the steps of the sequence for several layers.

    Args:
        path: PNG to write.
        norms: What `gradient_flow` returned, by label.
    """
    figure = Figure(figsize=(6.5, 4.2), layout="constrained")
    draw_gradient_flow(figure, norms)
    with written_whole(path) as part:
        figure.savefig(part, dpi=130)


def draw_gradient_flow(figure, norms: Mapping[str, np.ndarray]) -> None:
    """Draw into a given matplotlib figure; see `save_gradient_flow`."""
    axes = figure.subplots()
    for (label, values), colour in zip(norms.items(), COLOURS):
        steps = np.arange(1, len(values) + 1)
        shown = np.where(values > 0, values, np.nan)  # a logarithmic axis has no 0
        axes.plot(steps, shown, color=colour, label=label)
    axes.set_yscale("log")
    axes.set(
        xlabel="step of the sequence",
        ylabel="norm of the loss's gradient at the state",
        title="How far back the gradient reaches",
    )
    axes.grid(alpha=0.3)
    axes.legend()
