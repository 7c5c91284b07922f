"""How attention in blocks is cut, laid out and put together again."""

from typing import NamedTuple

from keras import ops

# Keys in a strip of a block on the diagonal of a causal mask.
STRIP = 128
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

    @classmethod
    def over(cls, T, S, block, causal, parts=1):
        """Cut T queries and S keys; of a causal mask each block has its diagonal."""
        if causal:
            block = min(block, T)
            return cls(T, S, block, block, -(-T // block), -(-T // block), True, parts)
        t, s = min(block, T), min(block, S)
        return cls(T, S, t, s, -(-T // t), -(-S // s), False, parts)

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
