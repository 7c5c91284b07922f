"""A batch in two halves, each on its way while the other is."""

from keras import ops

from kerasdl.backend import with_gradient
from kerasdl.ops.recurrence.parts import cut, joined


def in_halves(run, x, states, weights, mask):
    """Run a recurrence over each half of a batch, and put the results together.

    A loop over time takes its steps one after the other, and a step of the usual size is too small
    for more than one core. The halves do not depend on each other; automatic differentiation adds
    up what they say of the weights.

    Args:
        run: Function of `x, states, weights, mask` that returns all outputs (B, T, u) or `None`,
            and a list of states (B, u).
        x: Tensor (B, T, F).
        states: List of tensors (B, u).
        weights: List of tensors.
        mask: Booleans (B, T), or `None`.

    Returns:
        What `run` returns for the whole batch.

    Example:
        >>> double = lambda x, states, *_: (2 * x, states)
        >>> y, _ = in_halves(double, ops.ones((3, 1, 1)), [ops.ones((3, 1))], [], None)
        >>> [float(v) for v in y[:, 0, 0]]
        [2.0, 2.0, 2.0]
    """
    weights = [ops.convert_to_tensor(w) for w in weights]  # variables are read once
    masks = [None, None] if mask is None else cut(mask, 2)
    halves = [_halves(t) for t in (x, *states)]
    results = [
        run(x, list(states), weights, mask)
        for (x, *states), mask in zip(zip(*halves, strict=True), masks, strict=True)
    ]
    (y_1, states_1), (y_2, states_2) = results
    y = None if y_1 is None else joined([y_1, y_2])
    return y, [joined(pair) for pair in zip(states_1, states_2, strict=True)]


@with_gradient
def _halves(x):
    """Cut the examples in two; automatic differentiation would fill both up and add them."""
    return tuple(cut(x, 2)), lambda *d_halves: (joined(d_halves),)
