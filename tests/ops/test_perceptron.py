"""The perceptron's rule, against a NumPy loop and against gradient descent on its criterion."""

import numpy as np
import tolerances as tol
from keras import ops as keras_ops

from kerasdl import activations, ops
from kerasdl.backend import value_and_grad
from kerasdl.parity import relative_error


def loop_epoch(x, y, w, b, alpha):
    """Rosenblatt's rule as one would write it on a board."""
    w, b, errors = w.copy(), b.copy(), np.zeros(b.shape)
    for n in range(len(x)):
        for k in range(len(b)):
            z = b[k]
            for i in range(x.shape[1]):
                z += x[n, i] * w[i, k]
            o = 1 if z >= 0 else 0
            e = y[n, k] - o
            for i in range(x.shape[1]):
                w[i, k] += alpha * x[n, i] * e
            b[k] += alpha * e
            errors[k] += abs(e)
    return w, b, errors


def test_epoch_equals_the_loop(rng):
    # Eighths: every sum is exact in float32, so that no sign hangs on a rounding.
    x = (rng.integers(-8, 9, size=(12, 3)) / 8).astype("float32")
    y = rng.integers(0, 2, size=(12, 2)).astype("float32")
    w = (rng.integers(-8, 9, size=(3, 2)) / 8).astype("float32")
    b = np.zeros(2, dtype="float32")
    result = ops.perceptron_epoch(*map(keras_ops.convert_to_tensor, (x, y, w, b)), 0.5)
    for ours, loop in zip(result, loop_epoch(x, y, w, b, 0.5), strict=True):
        assert relative_error(ours, loop) == 0


def test_the_step_is_the_activation(rng):
    z = np.concatenate([rng.normal(size=20), [0.0, -0.0]])[:, None]
    ours = ops.perceptron(z, np.eye(1), np.zeros(1))
    assert relative_error(ours, activations.step(z)) == 0


def test_the_rule_is_gradient_descent_on_the_error_times_the_sum(rng):
    """∂(−e z)/∂w = −e x with e held fixed: a step down it is the rule."""
    x, y = rng.normal(size=4), np.array([1.0, 0.0, 1.0])
    w, b = rng.normal(size=(4, 3)), rng.normal(size=3)
    new_w, new_b, e = ops.perceptron_update(*map(keras_ops.convert_to_tensor, (x, y, w, b)), 0.1)
    e = keras_ops.convert_to_numpy(e)

    def criterion(w, b):
        z = keras_ops.einsum("i,ij->j", keras_ops.convert_to_tensor(x), w) + b
        return -keras_ops.sum(keras_ops.convert_to_tensor(e) * z)

    _, (dw, db) = value_and_grad(criterion, [w, b])
    assert relative_error(new_w, w - 0.1 * keras_ops.convert_to_numpy(dw)) <= tol.GRADIENT_64
    assert relative_error(new_b, b - 0.1 * keras_ops.convert_to_numpy(db)) <= tol.GRADIENT_64
