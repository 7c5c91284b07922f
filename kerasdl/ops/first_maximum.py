"""Where the maximum of each window lies, and the way back to there: the gradient of max pooling.

Written for XLA, which joins slices, comparisons and selections in one loop over memory: one loop
finds the maxima, a second one sends the gradient, and nothing else is written in between.
"""

import functools

import numpy as np
from keras import ops
from keras.utils import standardize_dtype


def first_maximum(x, slides):
    r"""Return which tap of each window saw the maximum; of several equal ones the first.

    $$k_i = \min\, \arg\max_k \; x_{i s + k - p} \quad \text{over all } k \text{ that lie within}$$

    Args:
        x: Tensor (B, spatial…, C).
        slides: Pairs of an axis and its `kerasdl.ops.sliding.Slide`, all sizes known.

    Returns:
        Integers, with $n$ windows along each axis. Of two axes $k = k_1 w_1 + k_2 w_2$, with the
        weights of `weights`.

    Example:
        >>> from kerasdl.ops.sliding import Slide
        >>> x = ops.array([[[1.0], [5.0], [7.0], [7.0]]])
        >>> [int(k) for k in first_maximum(x, [(1, Slide.over(4, 2, 2, "valid"))])[0, :, 0]]
        [1, 0]
    """
    # Columns before rows: then the first maximum of all is the first row's first.
    slides = list(zip(slides, weights(slides), strict=True))[::-1]
    return _first(x, None, slides, _dtype_of_taps(slides))


def _dtype_of_taps(weighted):
    """Return the smallest integers that tell all taps: less to write, and to read on the way back.

    Args:
        weighted: Pairs of a slide with its axis, and its weight; that of the first axis last.
    """
    (_, slide), weight = weighted[-1]
    return "uint8" if weight * slide.span <= 256 else "int32"


def _first(x, found, slides, dtype):
    if not slides:
        return found
    ((axis, slide), weight), *others = slides
    regions = []
    for first, behind in slide.regions():
        best, which = None, None
        for k in range(slide.F):
            at = slide.sees(k)[first:behind]
            if at[0] < 0 or at[-1] >= slide.L:
                continue
            where = _range(x, axis, int(at[0]), int(at[-1]) + 1, slide.s)
            seen, code = x[where], k * weight
            if found is not None:
                code = found[where] + code
            if best is None:
                best = seen
                which = ops.full_like(seen, code, dtype=dtype) if found is None else code
            else:
                larger = seen > best
                best, which = ops.where(larger, seen, best), ops.where(larger, code, which)
        regions.append(_first(best, which, others, dtype))
    return _joined(regions, axis)


def send_back(dy, which, slides):
    r"""Send what each window got to the tap that saw its maximum.

    $$dx_j = \sum_i dy_i \, [\, i s + k_i - p = j \,]$$

    With $j + p = q s + r$, the windows that saw $j$ are $q, q - 1, \dots, q - t, \dots$ as far as
    their taps reach, and $j$ is their tap $k = t s + r$.

    Args:
        dy: Tensor with $n$ windows along each axis.
        which: $k$, as `first_maximum` returns it.
        slides: As there.

    Returns:
        Tensor with $L$ numbers along each axis.

    Example:
        >>> from kerasdl.ops.sliding import Slide
        >>> dy, which = ops.array([[[2.0], [3.0]]]), ops.array([[[1], [0]]])
        >>> dx = send_back(dy, which, [(1, Slide.over(4, 2, 2, "valid"))])
        >>> [float(v) for v in dx[0, :, 0]]
        [0.0, 2.0, 3.0, 0.0]
    """
    # (B, q₁, r₁, q₂, r₂, …, C): the blocks q and rests r of each axis side by side.
    k = np.zeros((), standardize_dtype(which.dtype))
    dx = _sent([(dy, which, k)], slides, weights(slides), 0)
    blocks = [-(-(slide.p + slide.L) // slide.s) * slide.s for _, slide in slides]
    dx = ops.reshape(dx, (-1, *blocks, dy.shape[-1]))
    for axis, slide in slides:
        dx = dx[_range(dx, axis, slide.p, slide.p + slide.L)]
    return dx


def _sent(terms, slides, tap_weights, nth):
    """Sum `dy` where `which` is the tap, over the windows that are left to choose along `slides`.

    A term is dy, which, and the tap k of each of its numbers so far; `nth` axes are split.
    """
    if not slides:
        parts = [ops.where(ops.equal(which, k), dy, ops.zeros_like(dy)) for dy, which, k in terms]
        return functools.reduce(ops.add, parts)
    (axis, slide), *others = slides
    axis, reach = axis + nth, (slide.F - 1) // slide.s
    blocks = -(-(slide.p + slide.L) // slide.s)
    edge = min(reach, blocks)
    regions = [(q, q + 1) for q in range(blocks)]
    if edge < slide.n:  # in between, all blocks are alike
        regions[edge : slide.n] = [(edge, slide.n)]
    results = []
    for first, behind in regions:
        chosen = []
        for t in range(reach + 1):
            if first < t or behind - t > slide.n:
                continue
            # A tap behind the last does not exist, and no window has found it.
            k_t = (t * slide.s + np.arange(slide.s)) * tap_weights[0]
            for dy, which, k in terms:
                where = _range(dy, axis, first - t, behind - t)
                k_t = k_t.reshape(-1, *[1] * (len(dy.shape) - axis - 1)).astype(k.dtype)
                apart = [ops.expand_dims(x[where], axis + 1) for x in (dy, which)]
                chosen.append((*apart, k[..., None] + k_t))
        if chosen:
            results.append(_sent(chosen, others, tap_weights[1:], nth + 1))
        else:  # numbers behind the last window
            results.append(None)
    like = next(x for x in results if x is not None)
    results = [_nothing(like, axis, regions, i) if x is None else x for i, x in enumerate(results)]
    return _joined(results, axis)


def weights(slides):
    """Return what the tap of each axis is multiplied with, so that one number tells all taps.

    Example:
        >>> from kerasdl.ops.sliding import Slide
        >>> weights([(1, Slide.over(9, 3, 2, "valid")), (2, Slide.over(9, 3, 2, "valid"))])
        [4, 1]
    """
    found, weight = [], 1
    for _, slide in reversed(slides):
        found.insert(0, weight)
        weight *= slide.span
    return found


def _range(x, axis, start, stop, step=1):
    where = [slice(None)] * len(x.shape)
    where[axis] = slice(start, stop, step)
    return tuple(where)


def _nothing(like, axis, regions, i):
    """Return zeros for the blocks of a region that no window saw."""
    first, behind = regions[i]
    one = ops.zeros_like(like[_range(like, axis, 0, 1)])
    return ops.concatenate([one] * (behind - first), axis)


def _joined(parts, axis):
    return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis)
