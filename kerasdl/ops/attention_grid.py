"""How attention in blocks is cut, laid out and put together again."""

from typing import NamedTuple

from keras import ops

# Keys in a strip of a block on the diagonal of a causal mask.
STRIP = 64
# A score that is masked.
MASKED = -1e38


class Grid(NamedTuple):
    """How T queries and S keys are cut: `ni` blocks of `t` queries, `nj` blocks of `s` keys.

    The heads are cut into as many parts `p` as there are loops side by side.

    Example:
        >>> grid = Grid.over(T=5, S=6, block=2, causal=False)
        >>> tuple(grid.queries(ops.ones((1, 5, 3, 7))).shape)  # B i, t, p, N/p, d
        (3, 2, 1, 3, 7)
    """

    T: int
    S: int
    t: int
    s: int
    ni: int
    nj: int
    causal: bool
    parts: int
    window: int | None

    @classmethod
    def over(cls, T, S, block, causal, parts=1, window=None):
        """Cut T queries and S keys; of a causal mask each block has its diagonal."""
        if causal:
            block = min(block, T)
            return cls(T, S, block, block, -(-T // block), -(-T // block), True, parts, window)
        t, s = min(block, T), min(block, S)
        return cls(T, S, t, s, -(-T // t), -(-S // s), False, parts, window)

    def keys_seen(self, i, queries=None, keys=None):
        """Return the blocks of keys that the queries of block i may look at: first, end.

        Without the one on the diagonal of a causal mask, which is visited in a way of its own.

        Args:
            i: Number of the block, a tensor.
            queries: First and end of the blocks that hold queries at all; `None` for all.
            keys: The same for keys.
        """
        first, end = 0, i if self.causal else self.nj
        if self.window is not None:  # |row - column| < w, for rows from i t on
            w = self.window
            first = ops.maximum(first, (i * self.t - w + 1) // self.s)
            end = ops.minimum(end, ((i + 1) * self.t + w - 2) // self.s + 1)
        return _within(first, end, keys, i, queries)

    def queries_seeing(self, j, queries=None, keys=None):
        """Return the blocks of queries that may look at the keys of block j; see `keys_seen`."""
        first, end = j + 1 if self.causal else 0, self.ni
        if self.window is not None:
            w = self.window
            first = ops.maximum(first, (j * self.s - w + 1) // self.t)
            end = ops.minimum(end, ((j + 1) * self.s + w - 2) // self.t + 1)
        return _within(first, end, queries, j, keys)

    def strips(self):
        """Cut a block on the diagonal: pairs of queries (from one on) and of keys.

        What lies above the diagonal of a strip's first keys is masked, what lies above the strip
        is not computed.
        """
        starts = range(0, self.t, STRIP)
        return [(slice(r, self.t), slice(r, min(r + STRIP, self.t))) for r in starts]

    @property
    def pads_keys(self):
        """Whether keys that do not exist must be masked."""
        hidden = self.causal and self.S >= self.T  # behind all queries
        return self.nj * self.s > self.S and not hidden

    def queries(self, x):
        """Cut (B, T, N, d) into (B i, t, p, N/p, d)."""
        return _cut(x, self.ni, self.t, self.parts)

    def keys(self, x):
        """Cut (B, S, N, d) into (B j, s, p, N/p, d)."""
        return _cut(x, self.nj, self.s, self.parts)

    def queries_of(self, *blocks):
        """Put parts (B i, N/p, t, d) together again to (B, T, N, d)."""
        return _joined(blocks, self.ni)[:, : self.T]

    def keys_of(self, *blocks):
        """Put parts (B j, N/p, s, d) together again to (B, S, N, d)."""
        return _joined(blocks, self.nj)[:, : self.S]

    def key_mask(self, mask):
        """Return what is added to the scores (…, s) of the keys, (B, j, 1, 1, s)."""
        kept = ops.ones((1, self.S), "bool") if mask is None else mask
        kept = ops.pad(kept, [[0, 0], [0, self.nj * self.s - self.S]])
        return ops.reshape(ops.where(kept, 0.0, MASKED), (-1, self.nj, 1, 1, self.s))

    def blocks_of_queries(self, mask):
        """Return the first block that holds any query of a mask (B, T), and the end, (B,) each."""
        return _held(mask, self.T, self.ni, self.t)

    def blocks_of_keys(self, mask):
        """Return the first block that holds any key of a mask (B, S), and the end, (B,) each.

        Example:
            >>> grid = Grid.over(T=6, S=6, block=2, causal=False)
            >>> first, end = grid.blocks_of_keys(ops.array([[False] * 2 + [True] + [False] * 3]))
            >>> int(first[0]), int(end[0])
            (1, 2)
        """
        return _held(mask, self.S, self.nj, self.s)

    def near(self, i, j, rows, columns):
        """Return which pairs of a block the window lets see, (t, s)."""
        distance = (i * self.t + rows)[:, None] - (j * self.s + columns)[None, :]
        return ops.abs(distance) < self.window

    def pairs(self, mask, part):
        """Cut a mask that broadcasts to (B, N, T, S) into (B, i, j, N/p, t, s)."""
        while len(mask.shape) < 4:
            mask = ops.expand_dims(mask, 0)
        if mask.shape[1] != 1:
            N = mask.shape[1] // self.parts
            mask = mask[:, part * N : (part + 1) * N]
        B, N = ops.shape(mask)[:2]
        mask = ops.broadcast_to(mask, (B, N, self.T, self.S))
        behind = self.ni * self.t - self.T, self.nj * self.s - self.S
        mask = ops.pad(mask, [[0, 0], [0, 0], [0, behind[0]], [0, behind[1]]])
        mask = ops.reshape(mask, (-1, N, self.ni, self.t, self.nj, self.s))
        return ops.transpose(mask, (0, 2, 4, 1, 3, 5))


def _held(mask, length, n, size):
    mask = ops.pad(mask, [[0, 0], [0, n * size - length]])
    holds = ops.any(ops.reshape(mask, (-1, n, size)), axis=-1)
    numbers = ops.arange(n, dtype="int32")
    first = ops.min(ops.where(holds, numbers, n), axis=-1)
    return first, ops.max(ops.where(holds, numbers + 1, 0), axis=-1)


def _within(first, end, others, own, among):
    """Narrow a range of blocks to those that hold something; to none if one's own does not."""
    if others is not None:
        first, end = ops.maximum(first, others[0]), ops.minimum(end, others[1])
    if among is not None:
        end = ops.where(ops.logical_and(among[0] <= own, own < among[1]), end, first)
    return first, end


def by_heads(x):
    """Transpose (B n, size, p, N/p, d) to (p, B n, N/p, size, d): a product for each head.

    Example:
        >>> tuple(by_heads(ops.ones((6, 4, 2, 3, 5))).shape)
        (2, 6, 3, 4, 5)
    """
    return ops.transpose(x, (2, 0, 3, 1, 4))


def _cut(x, n, size, parts):
    L, N, d = x.shape[1:]
    x = ops.pad(x, [[0, 0], [0, n * size - L], [0, 0], [0, 0]]) if n * size > L else x
    return ops.reshape(x, (-1, size, parts, N // parts, d))


def _joined(parts, n):
    N, size, d = parts[0].shape[1:]
    x = [ops.transpose(ops.reshape(x, (-1, n, N, size, d)), (0, 1, 3, 2, 4)) for x in parts]
    x = x[0] if len(x) == 1 else ops.concatenate(x, axis=3)
    return ops.reshape(x, (-1, n * size, len(parts) * N, d))
