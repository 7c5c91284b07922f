"""Parts of a batch, side by side in one loop over time."""

import functools

from keras import ops

from kerasdl.backend import scan


def cut(tensor, parts, axis=0):
    """Cut the examples of a tensor into parts of about equal size.

    Example:
        >>> [tuple(part.shape) for part in cut(ops.ones((5, 3)), 2)]
        [(2, 3), (3, 3)]
    """
    if parts == 1:
        return [tensor]
    size = tensor.shape[axis]
    size = ops.shape(tensor)[axis] if size is None else size
    before = (slice(None),) * axis
    ends = [size * p // parts for p in range(parts + 1)]
    return [tensor[(*before, slice(*ends[p : p + 2]))] for p in range(parts)]


def joined(parts, axis=0):
    """Put parts together again.

    Example:
        >>> tuple(joined(cut(ops.ones((5, 3)), 2)).shape)
        (5, 3)
    """
    return ops.concatenate(parts, axis) if len(parts) > 1 else parts[0]


def added(parts):
    """Add up what the parts say of the weights.

    Example:
        >>> float(added([ops.array(1.0), ops.array(2.0)]))
        3.0
    """
    return functools.reduce(ops.add, parts)


def deal(tensors, parts):
    """Deal tensors out that stand part by part.

    Example:
        >>> deal(["a1", "b1", "a2", "b2"], 2)
        [['a1', 'b1'], ['a2', 'b2']]
    """
    each = len(tensors) // parts
    return [list(tensors[p * each : (p + 1) * each]) for p in range(parts)]


def flat(lists):
    """Put lists one behind the other: `deal` takes them apart again.

    Example:
        >>> flat([[1], [2, 3]])
        [1, 2, 3]
    """
    return [item for items in lists for item in items]


def scan_parts(steps, carries, sequences, outputs_like, reverse):
    """Run `kerasdl.backend.scan` with all parts in one loop, which do not depend on each other.

    Args:
        steps: The `step` of `scan` for each part.
        carries: As for `scan`, for each part.
        sequences: Likewise.
        outputs_like: Likewise.
        reverse: As for `scan`.

    Returns:
        The last carry of each part, and its outputs.

    Example:
        >>> def add_up(carry, at_t):
        ...     return [carry[0] + at_t[0]], []
        >>> x = [[ops.array([1.0, 2.0])], [ops.array([3.0, 4.0])]]
        >>> lasts, _ = scan_parts([add_up] * 2, [[ops.array(0.0)]] * 2, x, [[], []], False)
        >>> [float(last) for (last,) in lasts]
        [3.0, 7.0]
    """
    parts = len(carries)

    def all_steps(carry, at_t):
        dealt = zip(steps, deal(carry, parts), deal(at_t, parts), strict=True)
        done = [step(c, x) for step, c, x in dealt]
        return flat(c for c, _ in done), flat(y for _, y in done)

    last, outputs = scan(
        all_steps, flat(carries), flat(sequences), flat(outputs_like), reverse=reverse
    )
    return deal(last, parts), deal(outputs, parts)
