"""Back-propagation by hand against automatic differentiation: every activation, every loss."""

import itertools

import keras
import numpy as np
import pytest
import tolerances as tol
from keras import ops

from kerasdl import activations, losses
from kerasdl.backend import value_and_grad
from kerasdl.ops import backprop
from kerasdl.ops.derivatives import (
    ACTIVATION_DERIVATIVES,
    JACOBIAN_PRODUCTS,
    LOSS_DERIVATIVES,
)
from kerasdl.parity import relative_error

B, CLASSES = 5, 4
OPTIONS = {"threshold": dict(threshold=0.3, default_value=0.1)}
ACTIVATIONS = [
    (name, OPTIONS.get(name, {})) for name in sorted([*ACTIVATION_DERIVATIVES, *JACOBIAN_PRODUCTS])
]
ACTIVATIONS += [
    ("relu", dict(negative_slope=0.1, max_value=1.5, threshold=0.2)),
    ("leaky_relu", dict(negative_slope=0.5)),
    ("elu", dict(alpha=0.3)),
    ("celu", dict(alpha=0.3)),
    ("gelu", dict(approximate=True)),
]
LOSSES = [(name, {}) for name in sorted(LOSS_DERIVATIVES)]
LOSSES += [
    ("huber", dict(delta=0.3)),
    ("binary_crossentropy", dict(from_logits=True)),
    ("binary_crossentropy", dict(from_logits=True, label_smoothing=0.2)),
    ("binary_crossentropy", dict(label_smoothing=0.2)),
    ("categorical_crossentropy", dict(from_logits=True)),
    ("categorical_crossentropy", dict(from_logits=True, label_smoothing=0.2)),
    ("categorical_crossentropy", dict(label_smoothing=0.2)),
    ("sparse_categorical_crossentropy", dict(from_logits=True)),
    ("sparse_categorical_crossentropy", dict(ignore_class=2)),
]
NEEDS_PROBABILITIES = {
    "binary_crossentropy",
    "categorical_crossentropy",
    "kl_divergence",
    "sparse_categorical_crossentropy",
}
GIVES_PROBABILITIES = {"sigmoid", "softmax", "hard_sigmoid", "sparse_sigmoid", "sparsemax"}
NEEDS_POSITIVE = {"poisson", "mean_squared_logarithmic_error"}
GIVES_POSITIVE = {"softmax", "sigmoid", "exponential", "softplus", "squareplus"}


def makes_sense(activation, loss):
    """Probabilities where logarithms of them are taken, positive rates likewise."""
    if loss[1].get("from_logits"):
        return activation[0] not in GIVES_PROBABILITIES
    if loss[0] in NEEDS_PROBABILITIES:
        return activation[0] in GIVES_PROBABILITIES
    return loss[0] not in NEEDS_POSITIVE or activation[0] in GIVES_POSITIVE


def label(spec):
    return spec[0] + "".join(f"-{k}={v}" for k, v in spec[1].items())


def network(rng, hidden, output):
    """Weights of a network 3 → 6 → n with these activations, and the width of its output."""
    width = 3 if hidden[0] == "glu" else 6
    last = 2 * CLASSES if output[0] == "glu" else CLASSES
    W = [rng.normal(size=(3, 6)), rng.normal(size=(width, last)) * 0.5]
    b = [rng.normal(size=6), rng.normal(size=last)]
    return [ops.convert_to_tensor(v) for v in W], [ops.convert_to_tensor(v) for v in b]


def draw_labels(rng, loss):
    if loss.startswith("sparse"):
        return rng.permutation([0, 1, 2, 3, 1])
    if loss.startswith(("categorical", "kl")):
        return np.eye(CLASSES)[rng.integers(0, CLASSES, size=B)]
    if loss.startswith(("binary", "hinge", "squared_hinge")):
        return rng.integers(0, 2, size=(B, CLASSES)).astype("float64")
    return rng.uniform(0.2, 2, size=(B, CLASSES))


def check(rng, hidden, output, loss):
    x = ops.convert_to_tensor(rng.normal(size=(B, 3)))
    y = ops.convert_to_tensor(draw_labels(rng, loss[0]))
    W, b = network(rng, hidden, output)
    kept = B - int((ops.convert_to_numpy(y) == loss[1].get("ignore_class", -1)).sum())

    def total(x, W1, W2, b1, b2):
        a = getattr(activations, hidden[0])(x @ W1 + b1, **hidden[1])
        p = getattr(activations, output[0])(a @ W2 + b2, **output[1])
        return ops.sum(getattr(losses, loss[0])(y, p, **loss[1])) / kept

    _, automatic = value_and_grad(total, [x, *W, *b])
    dW, db, dx = backprop.gradients(x, y, W, b, [hidden, output], loss)
    for ours, theirs in zip([dx, *dW, *db], automatic, strict=True):
        assert keras.backend.standardize_dtype(ours.dtype) == "float64"
        assert relative_error(ours, theirs) <= tol.GRADIENT_64


@pytest.mark.parametrize("output", ACTIVATIONS, ids=label)
def test_equal_to_automatic_differentiation(rng, output):
    """Each activation at the output, under every loss that makes sense there."""
    for i, loss in enumerate(LOSSES):
        if makes_sense(output, loss):
            # Every activation also takes its turn in the hidden layer.
            check(
                rng, ACTIVATIONS[(ACTIVATIONS.index(output) + i) % len(ACTIVATIONS)], output, loss
            )


def test_every_activation_and_loss_has_its_derivative():
    ours = set(activations._OURS) - {"hard_swish"}
    assert ours == {*ACTIVATION_DERIVATIVES, *JACOBIAN_PRODUCTS}
    for name in LOSS_DERIVATIVES:
        assert hasattr(losses, name)


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "binary_crossentropy"])
def test_output_error_is_p_minus_y(rng, loss):
    output = "softmax" if loss.startswith("categorical") else "sigmoid"
    y = draw_labels(rng, loss)
    W, b = network(rng, ("tanh", {}), (output, {}))
    x = rng.normal(size=(B, 3))
    _, as_ = backprop.forward(x, W, b, ["tanh", output])
    _, db, _ = backprop.gradients(x, y, W, b, ["tanh", output], loss)
    p_minus_y = ops.convert_to_numpy(as_[-1]) - y
    scale = 1 if output == "softmax" else CLASSES  # the binary loss is a mean over the outputs
    assert relative_error(db[-1], p_minus_y.sum(axis=0) / B / scale) <= tol.GRADIENT_64


def test_the_short_form_survives_saturation():
    """∇_a L ⊙ g'(z) would be 1/0 · 0 here."""
    W, b = [ops.convert_to_tensor(np.eye(2) * 1e4)], [ops.convert_to_tensor(np.zeros(2))]
    x = ops.convert_to_tensor(np.array([[1.0, -1.0]]))
    _, db, _ = backprop.gradients(
        x, np.array([[0.0, 1.0]]), W, b, ["softmax"], "categorical_crossentropy"
    )
    assert ops.convert_to_numpy(db[0]).tolist() == [1.0, -1.0]


def test_three_layers_by_numpy(rng):
    """The textbook's equations in NumPy, column vectors, one example after the other."""
    sizes = [3, 4, 5, 2]
    W = [rng.normal(size=s) for s in itertools.pairwise(sizes)]
    b = [rng.normal(size=n) for n in sizes[1:]]
    x, y = rng.normal(size=(B, 3)), rng.normal(size=(B, 2))
    dW, db = [np.zeros_like(w) for w in W], [np.zeros_like(v) for v in b]
    for k in range(B):
        a = [x[k]]
        for w, v in zip(W, b):
            a.append(np.tanh(w.T @ a[-1] + v))
        delta = (a[-1] - y[k]) * (1 - a[-1] ** 2)  # ∇ of the mean over 2 outputs
        for layer in reversed(range(3)):
            dW[layer] += np.outer(a[layer], delta) / B
            db[layer] += delta / B
            delta = (W[layer] @ delta) * (1 - a[layer] ** 2)
    tensors = [[ops.convert_to_tensor(v) for v in part] for part in (W, b)]
    ours = backprop.gradients(x, y, *tensors, ["tanh"] * 3, "mean_squared_error")
    for mine, textbook in zip([*ours[0], *ours[1]], [*dW, *db], strict=True):
        assert relative_error(mine, textbook) <= tol.GRADIENT_64


def test_wrong_arguments_are_named():
    W, b = [ops.ones((1, 1))], [ops.ones((1,))]
    with pytest.raises(ValueError, match="one entry a layer, received 1, 1 and 2"):
        backprop.forward(ops.ones((1, 1)), W, b, ["relu", "relu"])
    with pytest.raises(ValueError, match="`loss` must be one of"):
        backprop.gradients(ops.ones((1, 1)), ops.ones((1, 1)), W, b, ["relu"], "nonsense")
