"""Run two layers on the same numbers and measure how far apart they come out."""

from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from kerasdl.backend import value_and_grad


class Comparison(NamedTuple):
    """Largest relative differences between two layers."""

    forward: float
    gradients: float


def relative_error(ours, theirs) -> float:
    r"""Largest difference in units of the largest value: $\max|a - b| / \max(1, \max|b|)$.

    NaN or infinity on one side only counts as an infinite error.

    Example:
        >>> relative_error([1.0, 2.0], [1.0, 4.0])
        0.5
    """
    a = np.asarray(ops.convert_to_numpy(ours), dtype="float64")
    b = np.asarray(ops.convert_to_numpy(theirs), dtype="float64")
    if a.shape != b.shape:
        return float("inf")
    if not np.array_equal(np.isfinite(a), np.isfinite(b)):
        return float("inf")
    a, b = a[np.isfinite(a)], b[np.isfinite(b)]
    return float(np.max(np.abs(a - b), initial=0) / max(1.0, np.max(np.abs(b), initial=0)))


def scramble(layer, seed=0) -> None:
    """Fill all weights of a built layer with random numbers, so that no two look alike.

    Constant or symmetric weights hide a swapped gate, a transposed kernel or a forgotten bias.

    Args:
        layer: A built layer or model.
        seed: Seed of the numbers.

    Example:
        >>> layer = keras.layers.Dense(2)
        >>> layer.build((None, 3))
        >>> scramble(layer)
        >>> bool(np.all(ops.convert_to_numpy(layer.bias) != 0))
        True
    """
    rng = np.random.default_rng(seed)
    layer.set_weights([rng.normal(scale=0.5, size=w.shape) for w in layer.get_weights()])


def compare_layers(ours, theirs, inputs, seed=0, **call_arguments) -> Comparison:
    """Give both layers the same weights and inputs; compare outputs and all gradients.

    The gradients are those of a random weighted sum of the outputs with respect to every
    floating-point input and every trainable weight.

    Args:
        ours: A layer of kerasdl.
        theirs: The built-in, with the same configuration.
        inputs: Tuple of NumPy arrays, the positional arguments of the call.
        seed: Seed of the weights and of the weighted sum.
        **call_arguments: Keyword arguments of the call.

    Returns:
        The largest relative errors, forward and gradients.

    Example:
        >>> from kerasdl import layers
        >>> x = np.ones((2, 3), "float32")
        >>> compare_layers(layers.Dense(4), keras.layers.Dense(4), (x,)).forward < 1e-6
        True
    """
    inputs = [ops.convert_to_tensor(x) for x in inputs]
    for layer in (ours, theirs):
        layer(*inputs, **call_arguments)  # builds
    scramble(theirs, seed)
    ours.set_weights(theirs.get_weights())

    results = [
        _outputs_and_gradients(layer, inputs, seed, call_arguments) for layer in (ours, theirs)
    ]
    (our_outputs, our_gradients), (their_outputs, their_gradients) = results
    return Comparison(
        forward=max(map(relative_error, our_outputs, their_outputs)),
        gradients=max(map(relative_error, our_gradients, their_gradients), default=0.0),
    )


def _outputs_and_gradients(layer, inputs, seed, call_arguments):
    outputs = keras.tree.flatten(layer(*inputs, **call_arguments))
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=o.shape) for o in outputs]

    def weighted_sum(*arguments):
        outputs = keras.tree.flatten(layer(*arguments[: len(inputs)], **call_arguments))
        return sum(
            ops.sum(o * ops.convert_to_tensor(w, dtype=o.dtype)) for o, w in zip(outputs, weights)
        )

    _, gradients = value_and_grad(weighted_sum, [*inputs, *layer.trainable_variables])
    return outputs, gradients
