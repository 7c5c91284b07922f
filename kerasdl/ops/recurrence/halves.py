"""A batch in two halves, each on its way while the other is."""

from keras import ops


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
    half = (x.shape[0] if x.shape[0] is not None else ops.shape(x)[0]) // 2
    batch = [x, *states, *([] if mask is None else [mask])]
    results = []
    for part in ([t[:half] for t in batch], [t[half:] for t in batch]):
        mask_of_part = None if mask is None else part[-1]
        results.append(run(part[0], part[1 : 1 + len(states)], weights, mask_of_part))
    (y_1, states_1), (y_2, states_2) = results
    y = None if y_1 is None else ops.concatenate([y_1, y_2], axis=0)
    return y, [ops.concatenate(pair, axis=0) for pair in zip(states_1, states_2, strict=True)]
