"""The fast softmax, operation by operation and as one kernel, against its equation."""

import numpy as np
import pytest
import tolerances as tol
from keras import ops

from kerasdl.activations import fast_softmax as module
from kerasdl.activations.fast_softmax import fast_softmax, softmax_equation
from kerasdl.backend import compiled, value_and_grad
from kerasdl.parity import relative_error

AXES = [-1, 0, (1, 2), None]


def value_and_gradient(function, x, weights, mask, axis):
    def weighted(x):
        p = function(x, mask, axis)
        return ops.sum(p * weights), p

    def both(x):
        return weighted(x)[1], value_and_grad(lambda x: weighted(x)[0], [x])[1][0]

    return compiled(both)(x)


@pytest.mark.parametrize("fused_from", [0, 1 << 30], ids=["one kernel", "by operations"])
@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("masked", [False, True])
def test_equals_the_equation(axis, masked, fused_from, rng, monkeypatch):
    monkeypatch.setattr(module, "_FUSED_FROM", fused_from)
    x, weights = (ops.convert_to_tensor(rng.normal(size=(3, 4, 5))) for _ in range(2))
    mask = None
    if masked:
        mask = rng.uniform(size=(3, 4, 5)) < 0.5
        mask[1] = False  # whole rows, for all axes but 0 and all
        mask[:, 2, 3] = False
    given = x, weights, mask, axis
    p, dx = value_and_gradient(fast_softmax, *given)
    expected_p, expected_dx = value_and_gradient(softmax_equation, *given)
    assert relative_error(p, expected_p) <= tol.FORWARD_64
    assert relative_error(dx, expected_dx) <= tol.GRADIENT_64
    if masked:
        assert np.all(ops.convert_to_numpy(p)[~mask] == 0)


@pytest.mark.parametrize(
    ("shape", "many"),
    [
        ((128, 512), True),
        ((None, 2048), True),
        ((9,), False),
        ((), False),
        ((64, None, 512), False),
    ],
)
def test_many_scores_are_one_kernel(shape, many):
    class Scores:
        pass

    scores = Scores()
    scores.shape = shape
    assert module._are_many(scores) is many
