"""Attention in blocks: the numbers of the equation, in memory that grows with the length.

A block of scores of one example is made, used and forgotten. What is kept of a query for the way
back is one number, the logarithm of its denominator, from which a block of weights is made again.

Symbols as in `kerasdl.ops.attention`; i counts blocks of t queries, j blocks of s keys.
"""

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

    Blocks above the diagonal of a causal mask are not visited. Where `has_attention_kernels` says
    so and `mask` is `None`, the loops are kernels of the GPU.

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
    q = query * ops.cast(1 / math.sqrt(d) if scale is None else scale, query.dtype)
    masks = [ops.cast(m, "bool") for m in (key_mask, mask) if m is not None]
    if mask is None and has_attention_kernels(q, key, value):
        return _attend_by_kernels(causal, q, key, value, *masks)
    grid = Grid.over(T, key.shape[1], block, causal)
    parts = [slice(0, N)]
    if N % 2 == 0 and runs_side_by_side(q, key, value):  # half of the heads on a core each
        parts = [slice(0, N // 2), slice(N // 2, N)]
    loops = [_loops(grid, heads, key_mask is not None, mask is not None) for heads in parts]
    return _attend(loops, q, key, value, *masks)


class Grid(NamedTuple):
    """How T queries and S keys are cut: `ni` blocks of `t` queries, `nj` blocks of `s` keys."""

    T: int
    S: int
    t: int
    s: int
    ni: int
    nj: int
    causal: bool

    @classmethod
    def over(cls, T, S, block, causal):
        """Cut T queries and S keys; of a causal mask each block has its diagonal."""
        if causal:
            block = min(block, T)
            return cls(T, S, block, block, -(-T // block), -(-T // block), True)
        t, s = min(block, T), min(block, S)
        return cls(T, S, t, s, -(-T // t), -(-S // s), False)

    @property
    def pads_keys(self):
        """Whether keys that do not exist must be masked."""
        hidden = self.causal and self.S >= self.T  # behind all queries
        return self.nj * self.s > self.S and not hidden

    def queries(self, x):
        """Cut (B, T, N, d) into (B i, N, t, d)."""
        return _cut(x, self.ni, self.t)

    def keys(self, x):
        """Cut (B, S, N, d) into (B j, N, s, d)."""
        return _cut(x, self.nj, self.s)

    def queries_of(self, blocks):
        """Put (B i, N, t, d) together again to (B, T, N, d)."""
        return _joined(blocks, self.ni)[:, : self.T]

    def keys_of(self, blocks):
        """Put (B j, N, s, d) together again to (B, S, N, d)."""
        return _joined(blocks, self.nj)[:, : self.S]

    def key_mask(self, mask):
        """Return what is added to the scores (…, s) of the keys, (B, j, 1, 1, s)."""
        kept = ops.ones((1, self.S), "bool") if mask is None else mask
        kept = ops.pad(kept, [[0, 0], [0, self.nj * self.s - self.S]])
        return ops.reshape(ops.where(kept, 0.0, MASKED), (-1, self.nj, 1, 1, self.s))

    def pairs(self, mask):
        """Cut a mask that broadcasts to (B, N, T, S) into (B, i, j, N, t, s)."""
        while len(mask.shape) < 4:
            mask = ops.expand_dims(mask, 0)
        B, N = ops.shape(mask)[:2]
        mask = ops.broadcast_to(mask, (B, N, self.T, self.S))
        behind = self.ni * self.t - self.T, self.nj * self.s - self.S
        mask = ops.pad(mask, [[0, 0], [0, 0], [0, behind[0]], [0, behind[1]]])
        mask = ops.reshape(mask, (-1, N, self.ni, self.t, self.nj, self.s))
        return ops.transpose(mask, (0, 2, 4, 1, 3, 5))


class _Loops(NamedTuple):
    forwards: Callable
    backwards: Callable


def _loops(grid, heads, masks_keys, masks_pairs):
    """Write the loops over examples and blocks as functions of tensors alone, for some heads.

    No product takes a transposed block of weights or scores: XLA would write the transpose out,
    which takes longer than the product. So the way back computes the blocks transposed,
    $S_{ij}^T = K_j Q_i^T$, and $dQ_i^T$.
    """
    ni, nj = grid.ni, grid.nj

    def cut_masks(masks):
        masks = list(masks)
        keys = masks.pop(0) if masks_keys else None
        keys = grid.key_mask(keys) if masks_keys or grid.pads_keys else None
        if not masks_pairs:
            return keys, None
        pairs = masks[0]
        has_heads = len(pairs.shape) > 2 and pairs.shape[-3] != 1
        return keys, grid.pairs(pairs[..., heads, :, :] if has_heads else pairs)

    def masked(S_ij, b, i, j, masks, diagonal, turn=lambda x: x):
        S_ij = ops.cast(S_ij, _wide(S_ij.dtype))  # (N, t, s), or turned (N, s, t)
        keys, pairs = masks
        never = ops.cast(MASKED, S_ij.dtype)
        if keys is not None:
            S_ij = S_ij + ops.cast(turn(keys[_of_example(keys, b), j]), S_ij.dtype)
        if pairs is not None:
            S_ij = ops.where(turn(pairs[_of_example(pairs, b), i, j]), S_ij, never)
        if diagonal:
            at = ops.arange(grid.t, dtype="int32")
            S_ij = ops.where(turn(at[None, :] <= at[:, None]), S_ij, never)
        return S_ij

    def forwards(q, k, v, *masks):
        q, k, v = (x[:, :, heads] for x in (q, k, v))
        masks = cut_masks(masks)
        Q, K_T, V = grid.queries(q), _transposed(grid.keys(k)), grid.keys(v)

        def of_queries(b, i):
            Q_i = Q[b * ni + i]

            def visit(j, m, l, O, diagonal=False):
                S_ij = masked(product(Q_i, K_T[b * nj + j]), b, i, j, masks, diagonal)
                larger = maximum(m, ops.max(S_ij, axis=-1, keepdims=True))
                P_ij = ops.exp(S_ij - larger)
                shrink = ops.exp(m - larger)
                l = l * shrink + ops.sum(P_ij, axis=-1, keepdims=True)
                PV = product(ops.cast(P_ij, V.dtype), V[b * nj + j])
                return larger, l, O * shrink + ops.cast(PV, O.dtype)

            zero = ops.zeros_like(ops.cast(Q_i[..., :1], _wide(Q.dtype)))  # (N, t, 1)
            nothing = zero + ops.zeros((V.shape[-1],), zero.dtype)
            m, l, O = _loop(0, i if grid.causal else nj, visit, zero + FLOOR, zero, nothing)
            if grid.causal:
                m, l, O = visit(i, m, l, O, diagonal=True)
            empty = l == 0
            l = ops.where(empty, ops.ones_like(l), l)
            # Of an empty row so large that no weight is left of it on the way back.
            return ops.cast(O / l, Q.dtype), ops.where(empty, -FLOOR, m + ops.log(l))

        def write(n, O, L):
            O_i, L_i = of_queries(n // ni, n % ni)
            return _put(O, n, O_i), _put(L, n, L_i)

        L = ops.zeros_like(ops.cast(Q[..., :1], _wide(Q.dtype)))
        O = ops.cast(L, Q.dtype) + ops.zeros((V.shape[-1],), Q.dtype)
        O, L = _loop(0, ops.shape(Q)[0], write, O, L)
        return grid.queries_of(O), L

    def backwards(q, k, v, o, L, do, *masks):
        q, k, v, do = (x[:, :, heads] for x in (q, k, v, do))
        masks = cut_masks(masks)
        D = ops.sum(ops.cast(do, L.dtype) * ops.cast(o, L.dtype), axis=-1, keepdims=True)
        L_T, D_T = _transposed(L), _transposed(grid.queries(D))  # (B i, N, 1, t)
        Q, dO, K, V = grid.queries(q), grid.queries(do), grid.keys(k), grid.keys(v)
        Q_T, dO_T, K_T = map(_transposed, (Q, dO, K))

        def of_keys(b, j, dQ_T):
            K_j, K_j_T, V_j = (x[b * nj + j] for x in (K, K_T, V))

            def visit(i, dQ_T, dK_j, dV_j, diagonal=False):
                n = b * ni + i
                S_T = masked(product(K_j, Q_T[n]), b, i, j, masks, diagonal, _transposed)
                P_T = ops.exp(S_T - L_T[n])  # (N, s, t)
                dV_j = dV_j + product(ops.cast(P_T, dO.dtype), dO[n])
                dP_T = ops.cast(product(V_j, dO_T[n]), L.dtype)
                dS_T = ops.cast(P_T * (dP_T - D_T[n]), Q.dtype)
                dK_j = dK_j + product(dS_T, Q[n])
                return _put(dQ_T, n, dQ_T[n] + product(K_j_T, dS_T)), dK_j, dV_j

            start, sums = 0, (dQ_T, ops.zeros_like(K_j), ops.zeros_like(V_j))
            if grid.causal:
                start, sums = j + 1, visit(j, *sums, diagonal=True)
            return _loop(start, ni, visit, *sums)

        def write(n, dQ_T, dK, dV):
            dQ_T, dK_j, dV_j = of_keys(n // nj, n % nj, dQ_T)
            return dQ_T, _put(dK, n, dK_j), _put(dV, n, dV_j)

        zeros = map(ops.zeros_like, (Q_T, K, V))
        dQ_T, dK, dV = _loop(0, ops.shape(K)[0], write, *zeros)
        return grid.queries_of(_transposed(dQ_T)), grid.keys_of(dK), grid.keys_of(dV)

    return _Loops(forwards, backwards)


def _attend(loops, *tensors):
    """Run the loops of each part of the heads and put the heads together again."""

    @with_gradient
    def attend(q, k, v, *masks):
        done = [fuse(part.forwards, q, k, v, *masks) for part in loops]

        def backward(do):
            parts = [
                fuse(part.backwards, q, k, v, o, L, do, *masks)
                for part, (o, L) in zip(loops, done, strict=True)
            ]
            return (*map(_all_heads, zip(*parts, strict=True)), *[None] * len(masks))

        return _all_heads([o for o, _ in done]), backward

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


def _all_heads(parts):
    return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=2)


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


def _of_example(mask, b):
    return b if mask.shape[0] != 1 else 0 * b


def _cut(x, n, size):
    L, N, d = x.shape[1:]
    x = ops.pad(x, [[0, 0], [0, n * size - L], [0, 0], [0, 0]]) if n * size > L else x
    x = ops.transpose(ops.reshape(x, (-1, n, size, N, d)), (0, 1, 3, 2, 4))
    return ops.reshape(x, (-1, N, size, d))


def _joined(blocks, n):
    N, size, d = blocks.shape[1:]
    x = ops.transpose(ops.reshape(blocks, (-1, n, N, size, d)), (0, 1, 3, 2, 4))
    return ops.reshape(x, (-1, n * size, N, d))


def _transposed(x):
    return ops.swapaxes(x, -1, -2)


def _wide(dtype):
    return "float32" if standardize_dtype(dtype) in ("bfloat16", "float16") else dtype
