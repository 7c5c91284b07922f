"""Attention that remembers the keys and values it has seen."""

from keras import ops

from kerasdl.layers.multi_head_attention import MultiHeadAttention
from kerasdl.ops.attention import causal_mask
from kerasdl.ops.rotary import rotary_embedding


class CachedAttention(MultiHeadAttention):
    r"""Multi-head attention for a decoder: over whole sequences, or step by step.

    Keys and values of a position do not depend on later ones. Step by step they are computed once
    and kept: step t costs t scores instead of t².

    Args:
        num_heads: As in `MultiHeadAttention`.
        key_dim: As in `MultiHeadAttention`.
        rotary: Whether queries and keys are turned by their positions.
        **kwargs: Those of `MultiHeadAttention`.
    """

    def __init__(self, num_heads, key_dim, rotary=False, **kwargs):
        super().__init__(num_heads, key_dim, **kwargs)
        self.rotary = rotary

    def _with_positions(self, Q, K):
        return (rotary_embedding(Q), rotary_embedding(K)) if self.rotary else (Q, K)

    def empty_cache(self, batch_size, length):
        """Return room for keys (B, L, N, d) and values (B, L, N, d_v)."""
        return [
            ops.zeros((batch_size, length, self.num_heads, size), self.compute_dtype)
            for size in (self.key_dim, self.value_dim)
        ]

    def keys_and_values(self, x):
        """Project what is to be looked at, (B, S, D), once for all steps."""
        return [self.key_dense(x), self.value_dense(x)]

    def look_at(self, query, keys_and_values, mask=None):
        """Attend to keys and values that are projected already.

        Args:
            query: (B, T, D).
            keys_and_values: Of `keys_and_values`, (B, S, N, d) and (B, S, N, d_v).
            mask: Booleans (B, S), or None.

        Returns:
            (B, T, D).
        """
        mask = None if mask is None else ops.expand_dims(mask, 1)  # (B, 1, S)
        context, _ = self._compute_attention(self.query_dense(query), *keys_and_values, mask)
        return self.output_dense(context)

    def step(self, x, cache, position, window=None):
        """Attend to all positions so far, the new ones included.

        Args:
            x: The new positions (B, T, D), usually T = 1.
            cache: Keys and values so far, of length L.
            position: (B,): where the first of the new ones stands, at most L − T.
            window: How many positions back each one looks, its own included; `None` for all.

        Returns:
            (B, T, D), and the cache with the new keys and values in it.
        """
        T, L = ops.shape(x)[1], ops.shape(cache[0])[1]
        first = ops.reshape(position, (-1, 1))
        Q, K, V = self.query_dense(x), self.key_dense(x), self.value_dense(x)
        if self.rotary:
            positions = first + ops.arange(T, dtype="int32")  # (B, T)
            Q, K = rotary_embedding(Q, positions), rotary_embedding(K, positions)
        cache = [write(old, new, first) for old, new in zip(cache, (K, V), strict=True)]
        mask = causal_mask(T, L, first[..., None])  # (B, T, L)
        if window is not None:
            too_far = causal_mask(T, L, first[..., None] - window)
            mask = ops.logical_and(mask, ops.logical_not(too_far))
        context, _ = self._compute_attention(Q, *cache, mask)
        return self.output_dense(context), cache


def write(cache, new, first):
    """Write new entries over those of a cache.

    Args:
        cache: (B, L, N, d).
        new: (B, T, N, d).
        first: (B, 1): where the first of the new ones goes.

    Returns:
        A cache of the same shape.

    Example:
        >>> cache, new = ops.zeros((1, 4, 1, 1)), ops.ones((1, 2, 1, 1))
        >>> [float(v) for v in write(cache, new, ops.array([[1]]))[0, :, 0, 0]]
        [0.0, 1.0, 1.0, 0.0]
    """
    T = ops.shape(new)[1]
    which = ops.arange(ops.shape(cache)[1], dtype="int32") - first  # (B, L)
    if isinstance(T, int) and T == 1:
        return ops.where(ops.equal(which, 0)[..., None, None], new, cache)
    inside = ops.logical_and(which >= 0, which < T)[..., None, None]
    spread = ops.take_along_axis(new, ops.clip(which, 0, T - 1)[..., None, None], axis=1)
    return ops.where(inside, spread, cache)
