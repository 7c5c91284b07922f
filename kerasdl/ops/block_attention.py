"""Attention in blocks: the numbers of the equation, in memory that grows with the length.

A block of scores of one example is made, used and forgotten. What is kept of a query for the way
back is one number, the logarithm of its denominator, from which a block of weights is made again.

Symbols as in `kerasdl.ops.attention`; i counts blocks of t queries, j blocks of s keys.
"""

import functools
import itertools
import math
from collections.abc import Callable
from typing import NamedTuple

from keras import ops
from keras.utils import standardize_dtype

from kerasdl.backend import (
    attention_backwards,
    attention_forwards,
    fuse,
    has_attention_kernels,
    runs_side_by_side,
    with_gradient,
)
from kerasdl.ops.attention_grid import MASKED, Grid, by_heads
from kerasdl.ops.limits import maximum
from kerasdl.ops.linear import product

# Queries and keys in a block: the scores of a head are then a quarter of a MiB in float32.
BLOCK = 256
# What the largest score is at least: e^(MASKED - FLOOR) is 0, so that masked keys weigh nothing
# even where there are no others.
FLOOR = -1e30


def block_attention(
    query,
    key,
    value,
    mask=None,
    key_mask=None,
    causal=False,
    scale=None,
    block=BLOCK,
    query_mask=None,
    window=None,
):
    r"""Compute attention block by block; see `kerasdl.ops.scaled_dot_product_attention`.

    Forwards, for the queries of block i, over the blocks j of keys, with the largest score so far
    $m$, the denominator so far $l$ and the numerator so far $O$:

    $$\begin{aligned}
      S_{ij} &= Q_i K_j^\top / \sqrt d, \qquad m' = \max(m, \max_s S_{ij}), \qquad
      P_{ij} = e^{S_{ij} - m'} \\
      l &\leftarrow l\, e^{m - m'} + \textstyle\sum_s P_{ij}, \qquad
      O \leftarrow O\, e^{m - m'} + P_{ij} V_j, \qquad m \leftarrow m'
    \end{aligned}$$

    and at the end $O_i = O / l$ and $L_i = m + \log l$. Backwards, with
    $D_i = \sum_d dO_i \odot O_i$:

    $$\begin{aligned}
      P_{ij} &= e^{S_{ij} - L_i}, \qquad dV_j \mathrel{+}= P_{ij}^\top dO_i, \qquad
      dS_{ij} = P_{ij} \odot (dO_i V_j^\top - D_i) \\
      dQ_i &\mathrel{+}= dS_{ij} K_j / \sqrt d, \qquad
      dK_j \mathrel{+}= dS_{ij}^\top Q_i / \sqrt d
    \end{aligned}$$

    Blocks above the diagonal of a causal mask are not visited, nor those beyond the window, nor
    those of padding before the first or behind the last query or key. Where `has_attention_kernels`
    says so and `mask` and `window` are `None`, the loops are kernels of the GPU.

    Args:
        query: Tensor (B, T, N, d); all sizes but B must be known, as for all that follow.
        key: Tensor (B, S, N, d).
        value: Tensor (B, S, N, d_v).
        mask: Booleans that broadcast to (B, N, T, S); True where a query may look at a key.
        key_mask: Booleans (B, S); True for keys that may be looked at.
        causal: Whether no query may look at later keys.
        scale: Factor on the scores; default $1/\sqrt{d}$.
        block: Queries and keys in a block.
        query_mask: Booleans (B, T); False for those that are no queries and look at nothing.
        window: Number of positions $w$; a query $t$ looks at keys $s$ with $|t - s| < w$ only.

    Returns:
        The context (B, T, N, d_v). A query that may look at nothing gets context 0.

    Source:
        Milakov and Gimelshein, 2018, Online normalizer calculation for softmax, algorithm 3. Dao et
        al., 2022, FlashAttention, algorithms 1 and 4 (appendix B).

    Example:
        >>> q = k = v = ops.ones((1, 5, 1, 4))
        >>> tuple(block_attention(q, k, v, causal=True, block=2).shape)
        (1, 5, 1, 4)
    """
    T, N, d = query.shape[1:]
    if causal and key.shape[1] > T:  # keys behind the last query are seen by none
        key, value = key[:, :T], value[:, :T]
        key_mask = key_mask if key_mask is None else key_mask[:, :T]
        mask = mask if mask is None or mask.shape[-1] == 1 else mask[..., :T]
    scale = 1 / math.sqrt(d) if scale is None else scale
    query_mask, key_mask, mask = (
        m if m is None else ops.cast(m, "bool") for m in (query_mask, key_mask, mask)
    )
    if mask is None and window is None and has_attention_kernels(query, key, value):
        q = query * ops.cast(scale, query.dtype)
        context = _attend_by_kernels(causal, q, key, value, *_given(key_mask))
    else:
        # Half of the heads on a core each, where two loops run at once.
        parts = 2 if N % 2 == 0 and runs_side_by_side(query, key, value) else 1
        grid = Grid.over(T, key.shape[1], block, causal, parts, window)
        masks = query_mask, key_mask, mask
        one_mask = mask is None or len(mask.shape) < 3 or mask.shape[-3] == 1  # for all heads
        # Parts with the same masks, and layers of the same sizes, are compiled once.
        mask_of = (0,) * parts if one_mask else tuple(range(parts))
        loops = _loops(grid, scale, mask_of, *(m is not None for m in masks))
        context = _attend(grid, loops, query, key, value, *_given(*masks))
    if query_mask is None:
        return context
    return ops.where(query_mask[..., None, None], context, ops.zeros_like(context))


def _given(*masks):
    return [m for m in masks if m is not None]


class _Masks(NamedTuple):
    """What a loop needs to know of the masks; `None` where there is none."""

    queries: tuple | None  # first and end of the blocks that hold any, (B,) each
    keys: tuple | None
    of_keys: object  # what is added to the scores of a block's keys, (B, j, 1, 1, s)
    of_pairs: object  # (B, i, j, N/p, t, s)

    def of_example(self, b):
        """Return the first and end of the blocks of queries, and of keys, of an example."""
        return [
            blocks and tuple(x[_of_example(x, b)] for x in blocks)
            for blocks in (self.queries, self.keys)
        ]


class _Loops(NamedTuple):
    """The steps as functions of tensors alone; the loops for each part of the heads."""

    lay_out: Callable
    forwards: list[Callable]
    put_together: Callable
    lay_out_backwards: Callable
    backwards: list[Callable]
    put_together_backwards: Callable


@functools.cache
def _loops(grid, scale, mask_of, masks_queries, masks_keys, masks_pairs):
    """Write the loops over examples and blocks, for a part of the heads each.

    `mask_of` tells for each part, to which of them the masks belong.

    All tensors are laid out beforehand as the products read them, so that what is read of them is
    one piece of memory. No product takes a transposed block of weights or scores: XLA would write
    the transpose out, which takes longer than the product. So the way back computes the blocks
    transposed, $S_{ij}^T = K_j Q_i^T$, and $dQ_i^T$.
    """
    ni, nj = grid.ni, grid.nj

    def cut_masks(masks, part):
        masks = list(masks)
        of_queries = masks.pop(0) if masks_queries else None
        of_keys = masks.pop(0) if masks_keys else None
        return _Masks(
            grid.blocks_of_queries(of_queries) if masks_queries else None,
            grid.blocks_of_keys(of_keys) if masks_keys else None,
            grid.key_mask(of_keys) if masks_keys or grid.pads_keys else None,
            grid.pairs(masks[0], part) if masks_pairs else None,
        )

    def masked(S_ij, b, i, j, masks, strip=None, turn=lambda x: x):
        """Mask a block of scores, or a strip of it on the diagonal."""
        S_ij = ops.cast(S_ij, _wide(S_ij.dtype))  # (N, t, s), or turned (N, s, t)
        never = ops.cast(MASKED, S_ij.dtype)
        rows, columns = strip or (slice(None), slice(None))
        row, column = (ops.arange(n, dtype="int32") for n in (grid.t, grid.s))
        if masks.of_keys is not None:
            of_keys = masks.of_keys[_of_example(masks.of_keys, b), j][..., columns]
            S_ij = S_ij + ops.cast(turn(of_keys), S_ij.dtype)
        if masks.of_pairs is not None:
            of_pairs = masks.of_pairs[_of_example(masks.of_pairs, b), i, j][..., rows, columns]
            S_ij = ops.where(turn(of_pairs), S_ij, never)
        if grid.window is not None:
            S_ij = ops.where(turn(grid.near(i, j, row[rows], column[columns])), S_ij, never)
        if strip:
            S_ij = ops.where(turn(column[columns][None, :] <= row[rows][:, None]), S_ij, never)
        return S_ij

    def lay_out(q, k, v):
        Q, K, V = map(by_heads, (q, k, v))
        # Scaling Q costs T·d products, scaling the scores would cost T·S.
        return Q * ops.cast(scale, Q.dtype), _transposed(K), V

    def forwards(part, Q, K_T, V, *masks):
        masks = cut_masks(masks, part)

        def attend_to(V, S, m, l, O):
            larger = maximum(m, ops.max(S, axis=-1, keepdims=True))
            P = ops.exp(S - larger)
            shrink = ops.exp(m - larger)
            l = l * shrink + ops.sum(P, axis=-1, keepdims=True)
            PV = product(ops.cast(P, V.dtype), V)
            return larger, l, O * shrink + ops.cast(PV, O.dtype)

        def of_queries(b, i):
            Q_i = Q[b * ni + i]

            def visit(j, *state):
                S_ij = masked(product(Q_i, K_T[b * nj + j]), b, i, j, masks)
                return attend_to(V[b * nj + j], S_ij, *state)

            def visit_diagonal(*state):
                K_T_i, V_i = K_T[b * nj + i], V[b * nj + i]
                for rows, columns in grid.strips():
                    S_ii = product(Q_i[:, rows], K_T_i[:, :, columns])
                    S_ii = masked(S_ii, b, i, i, masks, (rows, columns))
                    seen = attend_to(V_i[:, columns], S_ii, *(x[:, rows] for x in state))
                    state = [_from(rows, x, y, 1) for x, y in zip(state, seen, strict=True)]
                return state

            zero = ops.zeros_like(ops.cast(Q_i[..., :1], _wide(Q.dtype)))  # (N, t, 1)
            nothing = zero + ops.zeros((V.shape[-1],), zero.dtype)
            first, end = grid.keys_seen(i, *masks.of_example(b))
            m, l, O = _loop(first, end, visit, zero + FLOOR, zero, nothing)
            if grid.causal:
                m, l, O = visit_diagonal(m, l, O)
            empty = l == 0
            l = ops.where(empty, ops.ones_like(l), l)
            # Of an empty row so large that no weight is left of it on the way back.
            return ops.cast(O / l, Q.dtype), ops.where(empty, -FLOOR, m + ops.log(l))

        def write(n, O, L):
            O_i, L_i = of_queries(n // ni, n % ni)
            return _put(O, n, O_i), _put(L, n, L_i)

        L = ops.zeros_like(ops.cast(Q[..., :1], _wide(Q.dtype)))
        O = ops.cast(L, Q.dtype) + ops.zeros((V.shape[-1],), Q.dtype)
        return _loop(0, ops.shape(Q)[0], write, O, L)

    def lay_out_backwards(Q, K_T, o, do):
        do_wide, o = (ops.cast(x, _wide(Q.dtype)) for x in (do, o))
        D = ops.sum(do_wide * o, axis=-1, keepdims=True)
        dO, D = map(by_heads, (do, D))
        return (dO, *map(_transposed, (Q, K_T, dO, D)))

    def backwards(part, L, Q, K_T, V, dO, Q_T, K, dO_T, D_T, *masks):
        masks = cut_masks(masks, part)
        L_T = _transposed(L)  # (B i, N, 1, t), as D_T

        def of_keys(b, j, dQ_T):
            K_j, K_j_T, V_j = (x[b * nj + j] for x in (K, K_T, V))

            def of_scores(S_T, n, rows, columns):
                """Return what a block or strip of scores adds to dQ_T, dK and dV."""
                P_T = ops.exp(S_T - L_T[n][..., rows])  # (N, s, t)
                dV = product(ops.cast(P_T, dO.dtype), dO[n][:, rows])
                dP_T = ops.cast(product(V_j[:, columns], dO_T[n][..., rows]), L.dtype)
                dS_T = ops.cast(P_T * (dP_T - D_T[n][..., rows]), Q.dtype)
                return product(K_j_T[..., columns], dS_T), product(dS_T, Q[n][:, rows]), dV

            def visit(i, dQ_T, dK_j, dV_j):
                n, all_ = b * ni + i, slice(None)
                S_T = masked(product(K_j, Q_T[n]), b, i, j, masks, turn=_transposed)
                dQ_T_i, dK, dV = of_scores(S_T, n, all_, all_)
                return _put(dQ_T, n, dQ_T[n] + dQ_T_i), dK_j + dK, dV_j + dV

            def visit_diagonal(dQ_T):
                n = b * ni + j
                dQ_T_j, dK_j, dV_j = dQ_T[n], [], []
                for rows, columns in grid.strips():
                    S_T = product(K_j[:, columns], Q_T[n][..., rows])
                    S_T = masked(S_T, b, j, j, masks, (rows, columns), _transposed)
                    dQ_T_strip, dK, dV = of_scores(S_T, n, rows, columns)
                    dQ_T_j = _from(rows, dQ_T_j, dQ_T_j[..., rows] + dQ_T_strip, 2)
                    dK_j, dV_j = [*dK_j, dK], [*dV_j, dV]
                return (_put(dQ_T, n, dQ_T_j), *(ops.concatenate(x, axis=1) for x in (dK_j, dV_j)))

            first, end = grid.queries_seeing(j, *masks.of_example(b))
            if grid.causal:
                return _loop(first, end, visit, *visit_diagonal(dQ_T))
            return _loop(first, end, visit, dQ_T, ops.zeros_like(K_j), ops.zeros_like(V_j))

        def write(n, dQ_T, dK, dV):
            dQ_T, dK_j, dV_j = of_keys(n // nj, n % nj, dQ_T)
            return dQ_T, _put(dK, n, dK_j), _put(dV, n, dV_j)

        zeros = map(ops.zeros_like, (Q_T, K, V))
        return _loop(0, ops.shape(K)[0], write, *zeros)

    def put_together(*O):
        return grid.queries_of(*O)

    def put_together_backwards(*gradients):
        """Put dQ_T, dK and dV together, which stand part by part."""
        dQ_T, dK, dV = (gradients[k::3] for k in range(3))
        dQ = grid.queries_of(*map(_transposed, dQ_T))
        return dQ * ops.cast(scale, dQ.dtype), grid.keys_of(*dK), grid.keys_of(*dV)

    there = {p: functools.partial(forwards, p) for p in mask_of}
    back = {p: functools.partial(backwards, p) for p in mask_of}
    return _Loops(
        lay_out,
        [there[p] for p in mask_of],
        put_together,
        lay_out_backwards,
        [back[p] for p in mask_of],
        put_together_backwards,
    )


def _attend(grid, loops, *tensors):
    """Run the loops over each part of the heads and put the heads together again.

    Args:
        grid: How queries and keys are cut.
        loops: What `_loops` returned.
        *tensors: Queries, keys, values and masks.
    """

    @with_gradient
    def attend(q, k, v, *masks):
        # Cut outside of the kernels, where that is free: within, XLA copies before it transposes.
        q, k, v = grid.queries(q), grid.keys(k), grid.keys(v)
        kept = fuse(loops.lay_out, q, k, v)  # in place of q, k and v, for the way back
        done = [fuse(f, *(x[p] for x in kept), *masks) for p, f in enumerate(loops.forwards)]
        o = fuse(loops.put_together, *(O for O, _ in done))

        def backward(do):
            Q, K_T, _ = kept
            more = fuse(loops.lay_out_backwards, Q, K_T, grid.queries(o), grid.queries(do))
            gradients = [
                fuse(f, done[p][1], *(x[p] for x in (*kept, *more)), *masks)
                for p, f in enumerate(loops.backwards)
            ]
            gradients = fuse(loops.put_together_backwards, *itertools.chain(*gradients))
            return (*gradients, *[None] * len(masks))

        return o, backward

    return attend(*tensors)


def _attend_by_kernels(causal, *tensors):
    """Run the same steps as kernels of a GPU."""

    @with_gradient
    def attend(q, k, v, *key_mask):
        o, L = attention_forwards(q, k, v, *key_mask, causal=causal)

        def backward(do):
            gradients = attention_backwards(q, k, v, o, L, do, *key_mask, causal=causal)
            return (*gradients, *[None] * len(key_mask))

        return o, backward

    return attend(*tensors)


def _loop(start, stop, body, *state):
    if isinstance(start, int) and isinstance(stop, int) and stop - start == 1:
        return body(ops.convert_to_tensor(start, "int32"), *state)
    first = ops.convert_to_tensor(start, "int32")
    return ops.while_loop(
        lambda k, *_: k < stop, lambda k, *state: (k + 1, *body(k, *state)), (first, *state)
    )[1:]


def _put(x, i, block):
    zeros = [ops.zeros_like(i)] * (len(x.shape) - 1)  # JAX takes indices of one type only
    return ops.slice_update(x, [i, *zeros], block[None])


def _from(rows, x, y, axis):
    """Put `y` in place of what `x` has in these rows, which reach to its end."""
    if not rows.start:
        return y
    return ops.concatenate([x[:, : rows.start] if axis == 1 else x[..., : rows.start], y], axis)


def _of_example(mask, b):
    return b if mask.shape[0] != 1 else 0 * b


def _transposed(x):
    return ops.swapaxes(x, -1, -2)


def _wide(dtype):
    return "float32" if standardize_dtype(dtype) in ("bfloat16", "float16") else dtype
