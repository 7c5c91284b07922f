"""Cases of the perceptron, which Keras has no counterpart for."""

import numpy as np

from kerasdl.parity.case import CustomCase, Input, LayerCase
from kerasdl.parity.result import Check


def perceptron(weights, x, training):
    """Add up, compare with 0, unit by unit."""
    W, b = weights["kernel"], weights["bias"]
    y = np.zeros((*x.shape[:-1], len(b)))
    for n in np.ndindex(y.shape):
        z = b[n[-1]]
        for i in range(x.shape[-1]):
            z += x[(*n[:-1], i)] * W[i, n[-1]]
        y[n] = 1 if z >= 0 else 0
    return y


def learn_by_hand(x, y, epochs, alpha):
    """Rosenblatt's rule as one would write it on a board; errors of each epoch and weights."""
    w, b, errors = np.zeros(x.shape[1]), 0.0, []
    for _ in range(epochs):
        errors.append(0)
        for n in range(len(x)):
            o = 1 if x[n] @ w + b >= 0 else 0
            e = y[n] - o
            w, b, errors[-1] = w + alpha * e * x[n], b + alpha * e, errors[-1] + abs(e)
        if errors[-1] == 0:
            break
    return errors, np.append(w, b)


def learning():
    """Errors and weights equal the loop's; separable classes are separated, XOR is not."""
    from kerasdl import models
    from kerasdl.parity.layers import largest_error

    rng = np.random.default_rng(0)
    # Multiples of 1/8: every sum is exact, so that no decision hangs on a rounding.
    x = rng.integers(-8, 9, size=(80, 2)) / 8
    side = x @ np.array([1.0, 2.0]) - 0.25
    x, y = x[np.abs(side) > 0.25], (side > 0)[np.abs(side) > 0.25].astype(int)
    model = models.Perceptron()
    errors = model.fit(x, y, epochs=100, learning_rate=0.5).history["errors"]
    expected, weights = learn_by_hand(x, y, 100, 0.5)
    same = len(errors) == len(expected)
    yield Check("errors", largest_error([errors], [expected]) if same else np.inf, 0.0, "NumPy")
    found = np.append(*(w.reshape(-1) for w in model.get_weights()))
    yield Check("weights", largest_error([found], [weights]), 0.0, "NumPy")
    yield Check("separable: errors at the end", float(errors[-1]), 0.0)
    R_2 = (x**2).sum(axis=1).max() + 1
    gamma = np.abs(side[np.abs(side) > 0.25]).min() / np.sqrt(1 + 4 + 0.25**2)
    yield Check("separable: all errors", float(sum(errors)), R_2 / gamma**2, "Novikoff's bound")
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype="float64")
    errors = models.Perceptron().fit(corners, [0, 1, 1, 0], epochs=100).history["errors"]
    yield Check("XOR: epochs without an error", float(errors.count(0)), 0.0, "there is none")


CASES = [
    LayerCase(
        symbol="layers.Perceptron",
        kwargs={"units": 3},
        inputs=(Input((4, 6)),),
        reference=perceptron,
        skip={"training steps": "its derivative is 0", "bfloat16": "rounding may turn a decision"},
    ),
    CustomCase(symbol="models.Perceptron", run=learning, against="NumPy"),
]
