"""Windows that slide along one axis: the quick way to pool, and its way back.

A maximum or a sum over a box is the maximum or sum over its columns, then over its rows: with $F$
taps an axis, $F + F$ operations instead of $F F$. So everything here works on tensors (N, L, M)
whose middle axis is pooled; what stands before and behind it is one long axis each. Strided slices
are avoided: in a TensorFlow graph they copy number by number, ten times slower than `take`, which
copies whole rows, or a reduction.
"""

import functools
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from kerasdl.ops.limits import maximum
from kerasdl.ops.shapes import conv_output_size, conv_padding


class Slide(NamedTuple):
    """A window of `F` taps that moves by `s` along an axis of `L` numbers, `n` times.

    Tap $k$ of window $i$ lies at $i s + k - p$. `L`, `n` and `p` are integers, or scalar tensors
    where the size is known only at run time.
    """

    F: int
    s: int
    p: Any
    L: Any
    n: Any

    @classmethod
    def over(cls, L, F, s, padding):
        """Work out the padding and the number of windows.

        Example:
            >>> Slide.over(5, 3, 2, "same")
            Slide(F=3, s=2, p=1, L=5, n=3)
        """
        return cls(F, s, conv_padding(L, F, s, padding)[0], L, conv_output_size(L, F, s, padding))

    @property
    def known(self):
        """Whether all sizes are known beforehand."""
        return isinstance(self.L, int)

    @property
    def tiles(self):
        """Whether every number is in one window."""
        return self.known and self.F == self.s and self.p == 0 and self.n * self.s == self.L

    @property
    def span(self):
        """The taps, rounded up to whole strides."""
        return -(-self.F // self.s) * self.s

    def sees(self, k):
        """Return where tap `k` lies for each window, (n,), before 0 and behind L - 1 included."""
        positions = np.arange(self.n) if self.known else ops.arange(self.n, dtype="int32")
        return positions * self.s + (k - self.p)

    def inside(self, k):
        """Return for which windows tap `k` lies within the axis, (n,)."""
        at = self.sees(k)
        return (at >= 0) & (at < self.L)

    def regions(self):
        """Return ranges of windows: those that reach over a border one by one, the others as one.

        Example:
            >>> Slide.over(7, 3, 2, "same").regions()
            [(0, 1), (1, 3), (3, 4)]
        """
        within = self.inside(0) & self.inside(self.F - 1)
        if not within.any():
            return [(i, i + 1) for i in range(self.n)]
        first, behind = int(within.argmax()), self.n - int(within[::-1].argmax())
        return [
            *((i, i + 1) for i in range(first)),
            (first, behind),
            *((i, i + 1) for i in range(behind, self.n)),
        ]


# LLVM writes a loop of known length out if that makes fewer instructions than these, and then XLA's
# code takes one number at a time. A loop that is too long for it takes eight.
_WRITTEN_OUT = 300


def maximum_over(channels, taps):
    """Return the maximum of two tensors in the form whose loop over the channels XLA makes faster.

    `maximum`, but where its loop would be written out and one with two comparisons would not, the
    latter: 32 pictures of 64 × 64 with 16 channels take 0.27 ms in place of 0.44.

    Args:
        channels: Length of the innermost loop.
        taps: How many numbers a window sees.

    Example:
        >>> maximum_over(16, 4) is maximum, maximum_over(64, 4) is maximum
        (False, True)
    """
    # Each tap is loaded, each but the first joined by three instructions (`maximum`) or four
    # (`_larger`); a store and three of the loop's own make four more.
    short, long = channels * (4 * taps + 1), channels * 5 * taps
    return _larger if channels % 8 == 0 and short < _WRITTEN_OUT <= long else maximum


def _larger(a, b):
    """Take the larger of two numbers; NaN if one is."""
    return ops.where(ops.logical_or(ops.greater(a, b), ops.not_equal(a, a)), a, b)


def mean_in_float64(channels, taps):
    """Whether XLA makes a faster loop of a mean if each tap is divided, and in float64.

    That is more to do, but without it the loop would be written out: 32 pictures of 64 × 64 with 16
    channels take 0.58 ms in place of 0.70.

    Args:
        channels: Length of the innermost loop.
        taps: How many numbers a window sees.

    Example:
        >>> mean_in_float64(16, 4), mean_in_float64(32, 4), mean_in_float64(8, 4)
        (True, False, False)
    """
    # Each tap is loaded and added, or loaded, widened, multiplied and added.
    short, long = channels * (2 * taps + 3), channels * 4 * (taps + 1)
    return channels % 8 == 0 and short < _WRITTEN_OUT <= long


def tap(x, slide, k, fill=None):
    """Return what tap `k` sees in each window, (N, n, M).

    Where a tap lies outside, it sees the nearest number of the axis, which is in the window too (a
    maximum is not changed by seeing a number twice), or `fill`.
    """
    at, last = slide.sees(k), slide.L - 1
    if not slide.known:
        seen = ops.take(x, ops.clip(at, 0, last), axis=1)
        if fill is None:
            return seen
        return ops.where(slide.inside(k)[:, None], seen, ops.cast(fill, x.dtype))
    inside = slice(None) if fill is None else (at >= 0) & (at <= last)
    before, behind = 0, 0
    if fill is not None and not inside.all():
        before, behind = int((at < 0).sum()), int((at > last).sum())
    at = np.clip(at[inside], 0, last).astype("int32")
    seen = x if np.array_equal(at, range(slide.L)) else ops.take(x, at, axis=1)
    return _pad(seen, before, behind, fill)


def pool_axis(x, slide, combine, reduce, fill=None):
    r"""Combine what the taps of each window see.

    $$y_i = \bigoplus_{k=0}^{F-1} x_{i s + k - p}$$

    Where the windows move by 1, all taps are the same list of numbers, shifted. Where they move
    further, blocks of $s$ numbers are reduced once: a window is some blocks, and some taps of the
    next one.

    Args:
        x: Tensor (N, L, M).
        slide: The `Slide`.
        combine: $\oplus$ of two tensors.
        reduce: The same over an axis.
        fill: What taps outside see; $x \oplus$ `fill` is $x$.

    Returns:
        Tensor (N, n, M).
    """
    F, s, p, L, n = slide
    if s == 1:
        return _pool_shifted(_pad(x, p, n - 1 + F - p - L, fill), F, n, combine)
    parts, done = [], 0
    # A maximum may see a number twice; then nothing need be padded.
    outside = None if combine is maximum else fill
    if slide.known and p == 0 and F >= s:
        if F == s and L >= n * s:
            L = n * s
            x = x if L == slide.L else x[:, :L]
        if L % s == 0:
            M = ops.shape(x)[2]
            blocks = reduce(ops.reshape(x, (-1, s, M)), axis=1)
            blocks = ops.reshape(blocks, (-1, L // s, M))
            done = F // s
            by_blocks = Slide(done, 1, 0, L // s, n)
            parts = [tap(blocks, by_blocks, q, outside) for q in range(done)]
    parts += [tap(x, slide, k, outside) for k in range(done * s, F)]
    return functools.reduce(combine, parts)


def pool_tiles(x, slides, reduce):
    """Combine what the taps of each window see along several axes, where the windows are tiles.

    Example:
        >>> x = ops.reshape(ops.arange(6.0), (1, 6, 1))
        >>> y = pool_tiles(x, [(1, Slide.over(6, 2, 2, "valid"))], ops.max)
        >>> [float(v) for v in y[0, :, 0]]
        [1.0, 3.0, 5.0]
    """
    split = dict(slides)
    shape, taps = [], []
    for axis, size in enumerate(ops.shape(x)):
        if axis in split:
            taps.append(len(shape) + 1)
            shape += [split[axis].n, split[axis].s]
        else:
            shape.append(-1 if axis == 0 else size)
    return reduce(ops.reshape(x, shape), axis=taps)


def pool_regions(x, slides, combine):
    r"""Combine what the taps of each window see along several axes, as XLA likes it.

    $$y_i = \bigoplus_{k} x_{i s + k - p} \quad \text{over all } k \text{ that lie within}$$

    Windows within the input are all alike: their taps are strided slices, which XLA joins in one
    loop over memory. The few that reach over a border are combined one by one. (With padding, the
    loop would have to ask of every number whether it exists.)

    Args:
        x: Tensor of any rank.
        slides: Pairs of an axis and its `Slide`, all sizes known.
        combine: $\oplus$ of two tensors.

    Returns:
        Tensor with $n$ windows along each axis.

    Example:
        >>> x = ops.reshape(ops.arange(5.0), (1, 5, 1))
        >>> y = pool_regions(x, [(1, Slide.over(5, 3, 2, "same"))], maximum)
        >>> [float(v) for v in y[0, :, 0]]
        [1.0, 3.0, 4.0]
    """
    if not slides:
        return x
    (axis, slide), *others = slides
    regions = [
        pool_regions(_pool_alike(x, axis, slide, first, behind, combine), others, combine)
        for first, behind in slide.regions()
    ]
    return regions[0] if len(regions) == 1 else ops.concatenate(regions, axis)


def _pool_alike(x, axis, slide, first, behind, combine):
    """Combine the taps of the windows from `first` to before `behind`: all see, or one window."""
    taps = []
    for k in range(slide.F):
        at = slide.sees(k)[first:behind]
        if 0 <= at[0] and at[-1] < slide.L:
            where = [slice(None)] * len(x.shape)
            where[axis] = slice(int(at[0]), int(at[-1]) + 1, slide.s)
            taps.append(x[tuple(where)])
    return functools.reduce(combine, taps)


def repeat_tiles(dy, slides):
    """Send each number to all that its window saw, where the windows are tiles: copies of it.

    The adjoint of `pool_tiles` for a sum. (Copies along the other axes one behind the other, too,
    take XLA three times as long.)

    Example:
        >>> dx = repeat_tiles(ops.reshape(ops.arange(2.0), (1, 2, 1)), [(1, Slide(2, 2, 0, 4, 2))])
        >>> [float(v) for v in dx[0, :, 0]]
        [0.0, 0.0, 1.0, 1.0]
    """
    sizes = [slide.L for _, slide in slides]
    dx = ops.concatenate([dy] * slides[-1][1].s, axis=-1)
    for axis, slide in reversed(slides[:-1]):
        dx = ops.stack([dx] * slide.s, axis=axis + 1)
    return ops.reshape(dx, (-1, *sizes, dy.shape[-1]))


def copies_are_quick(channels, slides):
    """Whether XLA makes a faster loop of `repeat_tiles` than of `sum_back_regions`.

    The latter's loop over the channels has nine instructions, and would be written out; over the
    copies along the last axis it would not.

    Example:
        >>> tiles = [(axis, Slide(2, 2, 0, 28, 14)) for axis in (1, 2)]
        >>> copies_are_quick(32, tiles), copies_are_quick(8, tiles), copies_are_quick(64, tiles)
        (True, False, False)
    """
    tiles = all(slide.tiles for _, slide in slides)
    return tiles and 9 * channels < _WRITTEN_OUT <= 9 * channels * slides[-1][1].s


def sum_back_regions(dy, slides):
    r"""Send each number to all that its window saw, along several axes, as XLA likes it.

    $$dx_j = \sum_{i:\, j \in \text{window } i} dy_i$$

    The adjoint of `pool_regions` for a sum. With $j + p = q s + r$, the windows that saw $j$ are
    $q, q - 1, \dots$ as far as their taps reach: sums of shifted slices, one for each block $q$ of
    $s$ numbers.

    Args:
        dy: Tensor with $n$ windows along each axis.
        slides: As for `pool_regions`.

    Returns:
        Tensor with $L$ numbers along each axis.

    Example:
        >>> dx = sum_back_regions(ops.ones((1, 3, 1)), [(1, Slide.over(5, 3, 2, "same"))])
        >>> [float(v) for v in dx[0, :, 0]]
        [1.0, 2.0, 1.0, 2.0, 1.0]
    """
    if not slides:
        return dy
    (axis, slide), *others = slides
    blocks = -(-(slide.p + slide.L) // slide.s)
    reach = min((slide.F - 1) // slide.s, blocks)
    regions = [(q, q + 1) for q in range(blocks)]
    if reach < slide.n:  # in between, all blocks are alike
        regions[reach : slide.n] = [(reach, slide.n)]
    parts = [
        sum_back_regions(_send_alike(dy, axis, slide, first, behind), others)
        for first, behind in regions
    ]
    dx = parts[0] if len(parts) == 1 else ops.concatenate(parts, axis)
    if blocks * slide.s == slide.L:
        return dx
    where = [slice(None)] * len(dx.shape)
    where[axis] = slice(slide.p, slide.p + slide.L)
    return dx[tuple(where)]


def _send_alike(dy, axis, slide, first, behind):
    """Sum what reaches the blocks from `first` to before `behind`: all alike, or one block."""
    parts = []
    for t in range((slide.F - 1) // slide.s + 1):
        if first < t or behind - t > slide.n:
            continue
        where = [slice(None)] * len(dy.shape)
        where[axis] = slice(first - t, behind - t)
        reached = t * slide.s + np.arange(slide.s) < slide.F
        reached = reached.reshape(-1, *[1] * (len(dy.shape) - axis - 1)).astype("int32")
        sent = ops.expand_dims(dy[tuple(where)], axis + 1)  # (…, blocks, 1, …)
        parts.append(sent * ops.cast(reached, dy.dtype))
    shape = [*ops.shape(dy)[:axis], (behind - first) * slide.s, *ops.shape(dy)[axis + 1 :]]
    if not parts:
        return ops.zeros(shape, dtype=dy.dtype)
    return ops.reshape(functools.reduce(ops.add, parts), shape)


def _pool_shifted(x, F, n, combine):
    """Pool (N, n + F - 1, M) with stride 1.

    As one long axis, a tap further is a row further, and a slice from the front of an axis costs
    nothing. Windows that reach over the end of one example into the next are left out at the end.
    """
    N, L, M = ops.shape(x)
    rows = N * L - (F - 1)
    x = ops.reshape(x, (-1, M))
    y = functools.reduce(combine, [x[k : k + rows] for k in range(F)])
    starts = ops.expand_dims(ops.arange(N, dtype="int32") * L, 1)
    return ops.take(y, starts + ops.arange(n, dtype="int32"), axis=0)


def lay_back(parts, slide):
    r"""Add to each number what the taps that saw it send back; the adjoint of the taps.

    $$dx_j = \sum_{k} c_{k, i} \quad \text{over all } (i, k) \text{ with } i s + k - p = j$$

    The positions $j + p = q s + r$ with the same rest $r$ are summed as one tensor, in which tap
    $k = q s + r$ is $q$ steps behind; the $s$ tensors then interleave.

    Args:
        parts: What each tap sends back, $F$ tensors (N, n, M). What taps outside send is dropped.
        slide: The `Slide`.

    Returns:
        Tensor (N, L, M).
    """
    _, s, p, L, n = slide
    blocks = -(-(p + L) // s)
    phases = []
    for r in range(s):
        moved = [_move(c, q, n, blocks) for q, c in enumerate(parts[r::s])]
        phases.append(functools.reduce(ops.add, moved) if moved else ops.zeros_like(phases[0]))
    if s == 1:
        (dx,) = phases
    else:
        M = ops.shape(parts[0])[2]
        dx = ops.reshape(ops.concatenate(phases, axis=2), (-1, blocks * s, M))
    if slide.known and p == 0 and blocks * s == L:
        return dx
    return dx[:, p : p + L]


def sum_back(dy, slide):
    """Send each number to all that its window saw; the adjoint of a sum by `pool_axis`.

    With stride 1 that is again a sum over windows: over those that saw the number.
    """
    F, s, p, L, n = slide
    if s == 1:
        return pool_axis(dy, Slide(F, 1, F - 1 - p, n, L), ops.add, ops.sum, fill=0)
    return lay_back([dy] * F, slide)


def _move(x, q, n, size):
    """Move an axis of `n` by `q` steps on an axis of `size`."""
    if isinstance(size, int):
        if q + n > size:
            x = ops.take(x, np.arange(size - q, dtype="int32"), axis=1)
        return _pad(x, q, max(size - q - n, 0), 0)
    return ops.pad(x, [[0, 0], [q, size], [0, 0]])[:, :size]


def _pad(x, before, behind, fill):
    if isinstance(before, int) and isinstance(behind, int) and before == behind == 0:
        return x
    return ops.pad(x, [[0, 0], [before, behind], [0, 0]], constant_values=fill)
