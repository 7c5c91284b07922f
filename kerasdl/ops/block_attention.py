"""Attention in blocks: the numbers of the equation, in memory that grows with the length.

A block of scores is made, used and forgotten. What is kept of a query for the way back is one
number, the logarithm of its denominator, from which each block of weights is made again.

Symbols as in `kerasdl.ops.attention`; i counts blocks of t queries, j blocks of s keys.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from keras import ops
from keras.utils import standardize_dtype

from kerasdl.backend import fuse, runs_side_by_side, with_gradient
from kerasdl.ops.linear import product
from kerasdl.ops.sliding import maximum

# Queries and keys in a block: the scores of a head are then a quarter of a MiB in float32.
BLOCK = 256
# A score that is masked, and what the largest score is at least: e^(MASKED - FLOOR) is 0, so that
# masked keys weigh nothing even where there are no others.
MASKED, FLOOR = -1e38, -1e30


def block_attention(
    query, key, value, mask=None, key_mask=None, causal=False, scale=None, block=BLOCK
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

    Blocks above the diagonal of a causal mask are not visited.

    Args:
        query: Tensor (B, T, N, d); all sizes but B must be known, as for all that follow.
        key: Tensor (B, S, N, d).
        value: Tensor (B, S, N, d_v).
        mask: Booleans that broadcast to (B, N, T, S); True where a query may look at a key.
        key_mask: Booleans (B, S); True for keys that may be looked at.
        causal: Whether no query may look at later keys.
        scale: Factor on the scores; default $1/\sqrt{d}$.
        block: Queries and keys in a block.

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
    if causal:  # keys behind the last query are seen by none
        key, value = key[:, :T], value[:, :T]
        key_mask = key_mask if key_mask is None else key_mask[:, :T]
        mask = mask if mask is None or mask.shape[-1] == 1 else mask[..., :T]
    S = key.shape[1]
    grid = Grid.over(T, S, block, causal)
    q = query * ops.cast(1 / math.sqrt(d) if scale is None else scale, query.dtype)
    tensors = [grid.queries(q), grid.keys(key), grid.keys(value)]
    tensors += grid.masks(mask, key_mask, T, S)
    loops = _loops(grid, key_mask is not None or grid.pads_keys(T, S), mask is not None)
    if N % 2 == 0 and runs_side_by_side(*tensors[:3]):  # half of the heads on a core each
        halves = [[_heads(x, part) for x in tensors] for part in (0, 1)]
        context = ops.concatenate([_attend(loops, *half) for half in halves], axis=2)
    else:
        context = _attend(loops, *tensors)
    context = ops.transpose(context, (1, 0, 3, 2, 4))  # (B, i, t, N, d_v)
    return ops.reshape(context, (-1, grid.ni * grid.t, N, value.shape[-1]))[:, :T]


class Grid(NamedTuple):
    """How queries and keys are cut: `ni` blocks of `t` queries, `nj` blocks of `s` keys."""

    t: int
    s: int
    ni: int
    nj: int
    causal: bool

    @classmethod
    def over(cls, T, S, block, causal):
        """Cut T queries and S keys; of a causal mask each block has its diagonal."""
        if causal:
            return cls(block, block, -(-T // block), -(-T // block), True)
        t, s = min(block, T), min(block, S)
        return cls(t, s, -(-T // t), -(-S // s), False)

    def pads_keys(self, T, S):
        """Whether keys that do not exist must be masked."""
        hidden = self.causal and S >= T  # behind all queries
        return self.nj * self.s > S and not hidden

    def queries(self, x):
        """Cut (B, T, N, d) into (i, B, N, t, d)."""
        return _cut(x, self.ni, self.t)

    def keys(self, x):
        """Cut (B, S, N, d) into (j, B, N, s, d)."""
        return _cut(x, self.nj, self.s)

    def masks(self, mask, key_mask, T, S):
        """Return what is added to the scores for the keys, and the mask, where there are such."""
        found, behind = [], self.nj * self.s - S
        if key_mask is not None or self.pads_keys(T, S):
            kept = ops.ones((1, S), "bool") if key_mask is None else ops.cast(key_mask, "bool")
            kept = ops.pad(kept, [[0, 0], [0, behind]])
            added = ops.where(kept, 0.0, MASKED)
            added = ops.reshape(added, (-1, self.nj, 1, 1, self.s))
            found.append(ops.transpose(added, (1, 0, 2, 3, 4)))  # (j, B, 1, 1, s)
        if mask is not None:
            mask = ops.cast(mask, "bool")
            while len(mask.shape) < 4:
                mask = ops.expand_dims(mask, 0)
            B, N = ops.shape(mask)[:2]
            mask = ops.broadcast_to(mask, (B, N, T, S))
            mask = ops.pad(mask, [[0, 0], [0, 0], [0, self.ni * self.t - T], [0, behind]])
            mask = ops.reshape(mask, (-1, N, self.ni, self.t, self.nj, self.s))
            found.append(ops.transpose(mask, (2, 4, 0, 1, 3, 5)))  # (i, j, B, N, t, s)
        return found


class _Loops(NamedTuple):
    forwards: Callable
    backwards: Callable


def _loops(grid, masks_keys, masks_pairs):
    """Write the loops over the blocks as functions of tensors alone."""

    def scores(i, j, q_i, k_j, masks, diagonal):
        S_ij = product(q_i, ops.swapaxes(k_j, -1, -2))  # (B, N, t, s)
        S_ij = ops.cast(S_ij, _wide(S_ij.dtype))
        masked = ops.cast(MASKED, S_ij.dtype)
        if masks_keys:
            S_ij = S_ij + ops.cast(masks[0][j], S_ij.dtype)
        if masks_pairs:
            S_ij = ops.where(masks[-1][i, j], S_ij, masked)
        if diagonal:
            at = ops.arange(grid.t, dtype="int32")
            S_ij = ops.where(at[None, :] <= at[:, None], S_ij, masked)
        return S_ij

    def forwards(Q, K, V, *masks):
        def of_queries(i):
            def visit(j, m, l, O, diagonal=False):
                S_ij = scores(i, j, Q[i], K[j], masks, diagonal)
                larger = maximum(m, ops.max(S_ij, axis=-1, keepdims=True))
                P_ij = ops.exp(S_ij - larger)
                shrink = ops.exp(m - larger)
                l = l * shrink + ops.sum(P_ij, axis=-1, keepdims=True)
                O = O * shrink + ops.cast(product(ops.cast(P_ij, V.dtype), V[j]), O.dtype)
                return larger, l, O

            zero = ops.zeros_like(ops.cast(Q[0, ..., :1], _wide(Q.dtype)))  # (B, N, t, 1)
            nothing = zero + ops.zeros((V.shape[-1],), zero.dtype)
            seen = i if grid.causal else grid.nj
            m, l, O = _loop(0, seen, visit, zero + FLOOR, zero, nothing)
            if grid.causal:
                m, l, O = visit(i, m, l, O, diagonal=True)
            empty = l == 0
            l = ops.where(empty, ops.ones_like(l), l)
            # Of an empty row so large that no weight is left of it on the way back.
            return ops.cast(O / l, Q.dtype), ops.where(empty, -FLOOR, m + ops.log(l))

        def write(i, O, L):
            O_i, L_i = of_queries(i)
            return _put(O, i, O_i), _put(L, i, L_i)

        L = ops.zeros_like(ops.cast(Q[..., :1], _wide(Q.dtype)))
        O = ops.cast(L, Q.dtype) + ops.zeros((V.shape[-1],), Q.dtype)
        return _loop(0, grid.ni, write, O, L)

    def backwards(Q, K, V, O, L, dO, *masks):
        D = ops.sum(ops.cast(dO, L.dtype) * ops.cast(O, L.dtype), axis=-1, keepdims=True)

        def of_keys(j, dQ):
            def visit(i, dQ, dK_j, dV_j, diagonal=False):
                S_ij = scores(i, j, Q[i], K[j], masks, diagonal)
                P_ij = ops.exp(S_ij - L[i])
                dV_j = dV_j + product(ops.swapaxes(ops.cast(P_ij, dO.dtype), -1, -2), dO[i])
                dP_ij = product(dO[i], ops.swapaxes(V[j], -1, -2))
                dS_ij = ops.cast(P_ij * (ops.cast(dP_ij, L.dtype) - D[i]), Q.dtype)
                dK_j = dK_j + product(ops.swapaxes(dS_ij, -1, -2), Q[i])
                return _put(dQ, i, dQ[i] + product(dS_ij, K[j])), dK_j, dV_j

            start, sums = 0, (dQ, ops.zeros_like(K[0]), ops.zeros_like(V[0]))
            if grid.causal:
                start, sums = j + 1, visit(j, *sums, diagonal=True)
            return _loop(start, grid.ni, visit, *sums)

        def write(j, dQ, dK, dV):
            dQ, dK_j, dV_j = of_keys(j, dQ)
            return dQ, _put(dK, j, dK_j), _put(dV, j, dV_j)

        return _loop(0, grid.nj, write, *map(ops.zeros_like, (Q, K, V)))

    return _Loops(forwards, backwards)


def _attend(loops, *tensors):
    @with_gradient
    def attend(Q, K, V, *masks):
        O, L = fuse(loops.forwards, Q, K, V, *masks)

        def backward(dO):
            d = fuse(loops.backwards, Q, K, V, O, L, dO, *masks)
            return (*d, *[None] * len(masks))

        return O, backward

    return attend(*tensors)


def _loop(start, stop, body, *state):
    first = ops.convert_to_tensor(start, "int32")
    return ops.while_loop(
        lambda k, *_: k < stop, lambda k, *state: (k + 1, *body(k, *state)), (first, *state)
    )[1:]


def _put(x, i, block):
    zeros = [ops.zeros_like(i)] * (len(x.shape) - 1)  # JAX takes indices of one type only
    return ops.slice_update(x, [i, *zeros], block[None])


def _cut(x, n, size):
    L, N, d = x.shape[1:]
    x = ops.pad(x, [[0, 0], [0, n * size - L], [0, 0], [0, 0]]) if n * size > L else x
    return ops.transpose(ops.reshape(x, (-1, n, size, N, d)), (1, 0, 3, 2, 4))


def _heads(x, part):
    """Return the first or the second half of the heads, which stand third from the end."""
    N = x.shape[-3]
    if N == 1:
        return x
    return x[..., : N // 2, :, :] if part == 0 else x[..., N // 2 :, :, :]


def _wide(dtype):
    return "float32" if standardize_dtype(dtype) in ("bfloat16", "float16") else dtype
