"""Windows that slide along the axes of a tensor: what one tap of a window sees, and the way back.

A window of $F$ taps at distance $d$ (the dilation) moves by $s$ (the stride). Tap $k$ of the
window at position $i$ lies at $i s + k d$. Tensors are (B, spatial…, C).
"""

from itertools import product
from typing import NamedTuple

from keras import ops


class Window(NamedTuple):
    """A window: taps, stride and dilation of each axis.

    Example:
        >>> Window((3, 3), (1, 1), (1, 2)).effective_size
        (3, 5)
    """

    kernel_size: tuple
    strides: tuple
    dilation_rate: tuple

    @property
    def taps(self):
        """All $k$, a tuple with an index for each axis, in the order of the kernel's elements."""
        return list(product(*map(range, self.kernel_size)))

    @property
    def effective_size(self):
        """The positions that the window covers, gaps included: $F_{eff} = (F - 1) d + 1$."""
        return tuple((F - 1) * d + 1 for F, d in zip(self.kernel_size, self.dilation_rate))


def seen_by(k, window, x):
    """Gather what tap $k$ sees at every position of the window: $x_k[b, i] = x[b, i s + k d]$.

    Args:
        k: The tap.
        window: A `Window`.
        x: Tensor (B, spatial…, C), padded.

    Returns:
        Tensor (B, positions…, C).

    Example:
        >>> x = ops.reshape(ops.arange(7), (1, 7, 1))
        >>> [int(v) for v in seen_by((1,), Window((3,), (2,), (2,)), x)[0, :, 0]]
        [2, 4]
    """
    along = []
    for k_a, F_eff, s, d in zip(k, window.effective_size, window.strides, window.dilation_rate):
        # The end is counted from behind, so that the size need not be known.
        behind = F_eff - 1 - k_a * d
        along.append(slice(k_a * d, -behind if behind else None, s))
    return x[(slice(None), *along)]


def put_back(k, window, z):
    """Lay $z$ where tap $k$ had looked, zeros elsewhere: $x[b, i s + k d] = z[b, i]$.

    The adjoint of `seen_by`: both move the same numbers between the same places.

    Args:
        k: The tap.
        window: A `Window`.
        z: Tensor (B, positions…, C).

    Returns:
        Tensor (B, spatial…, C) with $(n - 1) s + F_{eff}$ places along an axis of $n$ positions.

    Example:
        >>> z = ops.reshape(ops.arange(1, 3), (1, 2, 1))
        >>> [int(v) for v in put_back((1,), Window((3,), (2,), (2,)), z)[0, :, 0]]
        [0, 0, 1, 0, 2, 0, 0]
    """
    around = [
        (k_a * d, F_eff - 1 - k_a * d)
        for k_a, F_eff, d in zip(k, window.effective_size, window.dilation_rate)
    ]
    return pad_or_crop(spread(z, window.strides), around)


def spread(z, strides):
    """Put $s - 1$ zeros between the positions of each axis.

    Args:
        z: Tensor (B, positions…, C).
        strides: $s$ of each axis.

    Returns:
        Tensor (B, places…, C), $(n - 1) s + 1$ places along an axis of $n$ positions.

    Example:
        >>> z = ops.reshape(ops.arange(1, 4), (1, 3, 1))
        >>> [int(v) for v in spread(z, (2,))[0, :, 0]]
        [1, 0, 2, 0, 3]
    """
    for axis, s in enumerate(strides, start=1):
        if s > 1:
            shape = ops.shape(z)
            z = ops.expand_dims(z, axis + 1)
            z = ops.pad(z, [[0, s - 1 if a == axis + 1 else 0] for a in range(len(z.shape))])
            z = ops.reshape(z, (*shape[:axis], shape[axis] * s, *shape[axis + 1 :]))
            z = z[(slice(None),) * axis + (slice(None, 1 - s),)]  # none behind the last
    return z


def pad_or_crop(x, amounts):
    """Add zeros at the ends of the spatial axes, or take places away.

    Args:
        x: Tensor (B, spatial…, C).
        amounts: Pairs (before, behind), one an axis: zeros to add, or negative, places to drop.
            Integers, or scalar tensors where sizes are known only at run time.

    Returns:
        The tensor, padded and cropped.

    Example:
        >>> x = ops.reshape(ops.arange(3), (1, 3, 1))
        >>> [int(v) for v in pad_or_crop(x, [(-1, 2)])[0, :, 0]]
        [1, 2, 0, 0]
    """
    known = all(isinstance(a, int) for pair in amounts for a in pair)
    maximum = max if known else ops.maximum
    zeros = [[maximum(before, 0), maximum(behind, 0)] for before, behind in amounts]
    if not known or any(map(any, zeros)):
        x = ops.pad(x, [[0, 0], *zeros, [0, 0]])
    if not known or any(a < 0 for pair in amounts for a in pair):
        ends = [
            slice(maximum(-before, 0), size - maximum(-behind, 0))
            for size, (before, behind) in zip(ops.shape(x)[1:-1], amounts)
        ]
        x = x[(slice(None), *ends)]
    return x
