"""Several tensors merged into one: extrema and products under masks, dot products."""

import functools

from keras import ops

from kerasdl.backend import is_sparse
from kerasdl.ops.linear import product


def masked_extremum(extremum, tensors, masks):
    r"""Join tensors by maximum or minimum, of each only what its mask keeps.

    $$y_{bt} = \max_{k:\, m^k_{bt}} x^k_{bt}$$

    Where no mask keeps anything, the first tensor is taken.

    Args:
        extremum: `maximum` or `minimum` of `kerasdl.ops.limits`.
        tensors: $x^k$, tensors (B, T, …) of one rank.
        masks: $m^k$, boolean (B, T) or `None` for a tensor that counts everywhere.

    Returns:
        A tensor.

    Example:
        >>> from kerasdl.ops.limits import maximum
        >>> x, y = ops.array([[[1.0], [5.0]]]), ops.array([[[3.0], [2.0]]])
        >>> z = masked_extremum(maximum, [x, y], [ops.array([[True, False]]), None])
        >>> [float(v) for v in z[0, :, 0]]
        [3.0, 2.0]
    """
    y, kept = tensors[0], masks[0]
    for x, m in zip(tensors[1:], masks[1:], strict=True):
        # What is masked takes the other's value; there is no number that leaves any other as it is.
        if m is not None:
            x = ops.where(_over(m, x), x, y)
        if kept is not None:
            y = ops.where(_over(kept, y), y, x)
        kept = None if kept is None or m is None else ops.logical_or(kept, m)
        y = extremum(y, x)
    return y


def masked_product(tensors, masks):
    r"""Multiply tensors, of each only what its mask keeps.

    $$y_{bt} = \prod_{k:\, m^k_{bt}} x^k_{bt}$$

    Where all have a mask and none keeps, the product is 0.

    Args and returns as for `masked_extremum`.

    Example:
        >>> x, y = ops.array([[[2.0], [5.0]]]), ops.array([[[3.0], [2.0]]])
        >>> z = masked_product([x, y], [ops.array([[True, False]]), None])
        >>> [float(v) for v in z[0, :, 0]]
        [6.0, 2.0]
    """
    factors = [
        x if m is None else ops.where(_over(m, x), x, ops.ones_like(x))
        for x, m in zip(tensors, masks, strict=True)
    ]
    y = functools.reduce(ops.multiply, factors)
    if any(m is None for m in masks):
        return y
    kept = functools.reduce(ops.logical_or, masks)
    return ops.where(_over(kept, y), y, ops.zeros_like(y))


def _over(mask, x):
    """Let a mask over the first axes of a tensor broadcast against it."""
    for _ in range(len(x.shape) - len(mask.shape)):
        mask = ops.expand_dims(mask, -1)
    return ops.cast(mask, "bool")


def batch_dot(x, y, axes):
    r"""Multiply the examples of two batches along one axis each.

    $$z_{b,\, i \dots,\, j \dots} = \sum_k x_{b,\, i \dots k \dots}\; y_{b,\, j \dots k \dots}$$

    One product of matrices an example: the summed axis goes last in $x$ and first in $y$, the
    others become one axis each.

    Args:
        x: Tensor (B, …), dense or sparse.
        y: Tensor (B, …), likewise.
        axes: The summed axis of `x` and that of `y`, counted from 0 or from the end; not 0.

    Returns:
        A tensor with the batch, the other axes of `x`, and those of `y`; (B, 1) if there are none.

    Raises:
        ValueError: If a tensor has no axis but the batch, or the batch is summed over.

    Example:
        >>> x = ops.array([[1.0, 2.0], [3.0, 4.0]])
        >>> [float(v) for v in batch_dot(x, x, (1, 1))[:, 0]]
        [5.0, 25.0]
    """
    if min(len(x.shape), len(y.shape)) < 2:
        raise ValueError(
            "Cannot do batch_dot on inputs with rank < 2. Received inputs with shapes "
            f"{tuple(x.shape)} and {tuple(y.shape)}."
        )
    a, b = (axis % len(t.shape) for axis, t in zip(axes, (x, y), strict=True))
    if 0 in (a, b):
        raise ValueError(f"Cannot perform batch_dot over axis 0, the batch. Received: axes={axes}")
    rows = [i for i in range(1, len(x.shape)) if i != a]
    columns = [j for j in range(1, len(y.shape)) if j != b]
    if rows and a != len(x.shape) - 1:
        x = ops.transpose(x, (0, *rows, a))
    if b != 1:
        y = ops.transpose(y, (0, b, *columns))
    x_shape, y_shape = ops.shape(x), ops.shape(y)
    x = _with_axes(x, len(rows), 1, (x_shape[0], -1, x_shape[-1]))
    y = _with_axes(y, len(columns), 2, (*y_shape[:2], -1))
    z = ops.matmul(x, y) if is_sparse(x) or is_sparse(y) else product(x, y)
    if max(len(rows), len(columns)) > 1:
        return ops.reshape(z, (*x_shape[:-1], *y_shape[2:]))
    return z if rows and columns else ops.squeeze(z, axis=2 if rows else 1)


def _with_axes(x, found, at, shape):
    """Make one axis of those that stay: a new one at position `at`, or all of them together."""
    if found == 0:
        return ops.expand_dims(x, at)
    return x if found == 1 else ops.reshape(x, shape)
