"""Attention in blocks as kernels of a GPU, written with JAX's Pallas and compiled by Triton.

The same steps as the loops of `kerasdl.ops.block_attention`, which has the equations, in the same
symbols. Here each block of queries, backwards also each block of keys, is a program of its own
whose scores never leave the processor.
"""

import functools
import math
from typing import NamedTuple

import keras

from kerasdl.backend.compilation import is_exporting, is_traced
from kerasdl.backend.devices import accelerators

MASKED, FLOOR = -1e38, -1e30  # as in `kerasdl.ops.block_attention`
_LOG2_E = math.log2(math.e)
# The largest size of a head, in bytes, whose blocks fit beside each other.
LARGEST_HEAD = 256


class Sizes(NamedTuple):
    """`t` queries and `s` keys in a block, and what Triton asks for: warps, stages of loads."""

    t: int
    s: int
    warps: int
    stages: int


def _tuned(q):
    """Return the sizes forwards, for the queries' and for the keys' gradients.

    The fastest of four to nine each on an H200: for heads of 64 bfloat16 at 8,192 queries and keys,
    and for twice as many bytes (64 float32, 128 bfloat16) at 4,096.
    """
    if _power_of_2(q.shape[-1]) * q.dtype.itemsize <= 128:
        return Sizes(128, 64, 8, 3), Sizes(128, 64, 8, 3), Sizes(64, 64, 4, 3)
    return Sizes(128, 64, 8, 2), Sizes(64, 64, 4, 2), Sizes(64, 64, 4, 2)


def has_attention_kernels(*tensors) -> bool:
    """Whether `attention_forwards` and `attention_backwards` take tensors like these.

    They do within `jax.jit` on one NVIDIA GPU of compute capability 8.0 (Ampere) or newer, for
    heads of at most `LARGEST_HEAD` bytes and types of at most 32 bits, unless a model is being
    exported: TensorFlow Serving does not know the kernels.

    Example:
        >>> has_attention_kernels(keras.ops.zeros((1, 2, 1, 4)))
        False
    """
    if keras.backend.backend() != "jax" or not any(map(is_traced, tensors)):
        return False
    for t in tensors:
        if t.dtype.itemsize > 4 or _power_of_2(t.shape[-1]) * t.dtype.itemsize > LARGEST_HEAD:
            return False
    return _one_capable_gpu() and not is_exporting()


@functools.cache
def _one_capable_gpu():
    if len(accelerators()) != 1:
        return False
    import jax

    (device,) = jax.devices()
    capability = getattr(device, "compute_capability", None)
    return device.platform == "gpu" and capability is not None and float(capability) >= 8.0


def attention_forwards(q, k, v, key_mask=None, causal=False, sizes=None, interpret=False):
    """Attend.

    Args:
        q: Queries, scaled, (B, T, N, d).
        k: Keys (B, S, N, d).
        v: Values (B, S, N, d_v).
        key_mask: Booleans (B, S) or (1, S), or `None`.
        causal: Whether no query looks at later keys.
        sizes: Of the blocks; `None` for those that were fastest.
        interpret: Whether to run without a GPU, slowly.

    Returns:
        The context (B, T, N, d_v), and of each query the logarithm of its denominator (B, N, T).
    """
    import jax
    from jax import numpy as jnp
    from jax.experimental import pallas as pl

    grid = _Grid.of(q, k, v, sizes or _tuned(q)[0], causal)
    t, s = grid.t, grid.s
    q, k, v, bias = grid.queries(q), grid.keys(k), grid.keys(v), grid.bias(key_mask)

    def program(Q, K, V, *rest):
        *bias, O, L = rest
        i = grid.block("queries")
        q = Q[...]

        def visit(j, state, diagonal=False):
            m, l, o = state  # (t,), (t,), (t, d_v)
            keys = pl.ds(j * s, s)
            S = _dot(q, K[keys, :].T)  # (t, s)
            S = S + bias[0][keys][None, :] if bias else S
            S = jnp.where(grid.sees(i, j), S, MASKED) if diagonal else S
            larger = jnp.maximum(m, S.max(axis=-1))
            P = _exp(S, larger[:, None])
            shrink = jnp.exp(m - larger)
            l = l * shrink + P.sum(axis=-1)
            o = o * shrink[:, None] + _dot(P.astype(v.dtype), V[keys, :])
            return larger, l, o

        zero = jnp.zeros((t,), "float32")
        state = grid.over_keys(i, visit, (zero + FLOOR, zero, jnp.zeros((t, v.shape[-1]))))
        m, l, o = state
        empty = l == 0
        l = jnp.where(empty, 1.0, l)
        O[...] = (o / l[:, None]).astype(O.dtype)
        # Of an empty row so large that no weight is left of it on the way back.
        L[...] = jnp.where(empty, -FLOOR, m + jnp.log(l))

    o = jax.ShapeDtypeStruct((*q.shape[:3], v.shape[-1]), q.dtype)
    L = jax.ShapeDtypeStruct((grid.B, grid.N, q.shape[1]), "float32")
    o, L = grid.run(program, "queries", (q, k, v, *bias), (o, L), (0, -2, -1), interpret)
    return o[:, : grid.T, :, : grid.d_v], L[..., : grid.T]


def attention_backwards(
    q,
    k,
    v,
    o,
    L,
    do,
    key_mask=None,
    causal=False,
    sizes=None,
    interpret=False,
):
    """Return the gradients of queries, keys and values.

    Args:
        q: As for `attention_forwards`, like all that are not named here.
        k: See there.
        v: See there.
        o: The context, as returned.
        L: What was returned beside it.
        do: Gradient of the context.
        key_mask: See there.
        causal: See there.
        sizes: Of the blocks, for the gradients of the queries, and of the keys and values; `None`
            for those that were fastest.
        interpret: See there.
    """
    from jax import numpy as jnp

    D = jnp.einsum("btnd,btnd->bnt", do.astype("float32"), o.astype("float32"))
    arguments = (q, k, v, L, D, do, key_mask, causal)
    of_queries, of_keys = sizes or _tuned(q)[1:]
    return (
        _of_queries(*arguments, of_queries, interpret),
        *_of_keys(*arguments, of_keys, interpret),
    )


def _of_queries(q, k, v, L, D, do, key_mask, causal, sizes, interpret):
    import jax
    from jax import numpy as jnp
    from jax.experimental import pallas as pl

    grid = _Grid.of(q, k, v, sizes, causal)
    s, inputs = grid.s, grid.filled(q, do, L, D, k, v, key_mask)

    def program(Q, dO, L, D, K, V, *rest):
        *bias, dQ = rest
        i = grid.block("queries")
        q, do, L_i, D_i = Q[...], dO[...], L[...][:, None], D[...][:, None]

        def visit(j, dq, diagonal=False):
            keys = pl.ds(j * s, s)
            k = K[keys, :]
            S = _dot(q, k.T)  # (t, s)
            S = S + bias[0][keys][None, :] if bias else S
            S = jnp.where(grid.sees(i, j), S, MASKED) if diagonal else S
            P = _exp(S, L_i)
            dS = P * (_dot(do, V[keys, :].T) - D_i)
            return dq + _dot(dS.astype(k.dtype), k)

        dq = grid.over_keys(i, visit, jnp.zeros(q.shape))  # (t, d)
        dQ[...] = dq.astype(dQ.dtype)

    dq = jax.ShapeDtypeStruct(inputs[0].shape, q.dtype)
    (dq,) = grid.run(program, "queries", inputs, (dq,), (0, 1, 2, 3, -1), interpret)
    return dq[:, : grid.T, :, : grid.d]


def _of_keys(q, k, v, L, D, do, key_mask, causal, sizes, interpret):
    import jax
    from jax import numpy as jnp
    from jax.experimental import pallas as pl

    grid = _Grid.of(q, k, v, sizes, causal)
    t, s, inputs = grid.t, grid.s, grid.filled(q, do, L, D, k, v, key_mask)

    def program(Q, dO, L, D, K, V, *rest):
        *bias, dK, dV = rest
        j = grid.block("keys")
        k, v = K[...], V[...]
        own_keys = pl.ds(j * s, s)

        def visit(i, sums, diagonal=False):
            dk, dv = sums  # (s, d), (s, d_v)
            at = pl.ds(i * t, t)
            q, do = Q[at, :], dO[at, :]
            S_T = _dot(k, q.T)  # (s, t)
            S_T = S_T + bias[0][own_keys][:, None] if bias else S_T
            S_T = jnp.where(grid.sees(i, j, turned=True), S_T, MASKED) if diagonal else S_T
            P_T = _exp(S_T, L[at][None, :])
            dv = dv + _dot(P_T.astype(do.dtype), do)
            dS_T = P_T * (_dot(v, do.T) - D[at][None, :])
            dk = dk + _dot(dS_T.astype(q.dtype), q)
            return dk, dv

        dk, dv = grid.over_queries(j, visit, (jnp.zeros(k.shape), jnp.zeros(v.shape)))
        dK[...] = dk.astype(dK.dtype)
        dV[...] = dv.astype(dV.dtype)

    dk, dv = (jax.ShapeDtypeStruct(x.shape, x.dtype) for x in inputs[4:6])
    dk, dv = grid.run(program, "keys", inputs, (dk, dv), (4, 5, -2, -1), interpret)
    return dk[:, : grid.S, :, : grid.d], dv[:, : grid.S, :, : grid.d_v]


class _Grid(NamedTuple):
    """How the tensors are cut: `ni` blocks of `t` queries, `nj` blocks of `s` keys."""

    B: int
    T: int
    S: int
    N: int
    d: int
    d_v: int
    t: int
    s: int
    ni: int
    nj: int
    causal: bool
    sizes: Sizes

    @classmethod
    def of(cls, q, k, v, sizes, causal):
        (B, T, N, d), S, d_v = q.shape, k.shape[1], v.shape[-1]
        t, s = min(sizes.t, _power_of_2(T)), min(sizes.s, _power_of_2(S))
        return cls(B, T, S, N, d, d_v, t, s, -(-T // t), -(-S // s), causal, sizes)

    def queries(self, x):
        """Fill a tensor (B, T, N, d) up to whole blocks, and d to a power of 2."""
        return _filled(x, {1: self.ni * self.t, 3: _power_of_2(x.shape[3])}, 0)

    def keys(self, x):
        """Fill a tensor (B, S, N, d) up, likewise."""
        return _filled(x, {1: self.nj * self.s, 3: _power_of_2(x.shape[3])}, 0)

    def rows(self, x):
        """Fill (B, N, T) up, so that nothing comes of queries that do not exist."""
        return _filled(x, {2: self.ni * self.t}, -FLOOR)

    def filled(self, q, do, L, D, k, v, key_mask):
        """Fill up all that the way back reads."""
        of_queries = self.queries(q), self.queries(do), self.rows(L), self.rows(D)
        return (*of_queries, self.keys(k), self.keys(v), *self.bias(key_mask))

    def bias(self, key_mask):
        """Return a list of what is added to all scores of a key, (B, S); or an empty one."""
        from jax import numpy as jnp

        hidden = self.causal and self.S >= self.T  # behind all queries
        if key_mask is None and (self.nj * self.s == self.S or hidden):
            return []
        kept = jnp.ones((1, self.S), bool) if key_mask is None else key_mask
        kept = jnp.broadcast_to(kept, (self.B, self.S))
        bias = jnp.where(kept, jnp.float32(0), jnp.float32(MASKED))
        return [_filled(bias, {1: self.nj * self.s}, MASKED)]

    def over_keys(self, i, visit, state):
        """Visit the blocks of keys that queries of block `i` look at."""
        from jax import lax
        from jax import numpy as jnp

        if not self.causal:
            return lax.fori_loop(0, self.nj, visit, state)
        all_see = jnp.minimum((i * self.t + 1) // self.s, self.nj)
        some_see = jnp.minimum(((i + 1) * self.t + self.s - 1) // self.s, self.nj)
        state = lax.fori_loop(0, all_see, visit, state)
        on_diagonal = functools.partial(visit, diagonal=True)
        return lax.fori_loop(all_see, some_see, on_diagonal, state)

    def over_queries(self, j, visit, state):
        """Visit the blocks of queries that look at keys of block `j`."""
        from jax import lax
        from jax import numpy as jnp

        if not self.causal:
            return lax.fori_loop(0, self.ni, visit, state)
        some_see = jnp.minimum(j * self.s // self.t, self.ni)
        all_see = jnp.minimum(((j + 1) * self.s + self.t - 2) // self.t, self.ni)
        on_diagonal = functools.partial(visit, diagonal=True)
        state = lax.fori_loop(some_see, all_see, on_diagonal, state)
        return lax.fori_loop(all_see, self.ni, visit, state)

    def sees(self, i, j, turned=False):
        """Which queries of block `i` may look at which keys of block `j`, (t, s) or (s, t)."""
        from jax import lax

        shape, of_queries = ((self.s, self.t), 1) if turned else ((self.t, self.s), 0)
        queries = i * self.t + lax.broadcasted_iota("int32", shape, of_queries)
        keys = j * self.s + lax.broadcasted_iota("int32", shape, 1 - of_queries)
        return keys <= queries

    def place(self, program, cut):
        """Return a program's example, head and block; `cut` says of what, queries or keys.

        Programs start in their order. Of a causal mask those come first that have most to do, of
        the last queries or the first keys, so that no processor is left with one at the end.
        """
        n, heads = self.number(cut), self.B * self.N
        if not self.causal:
            head, block = program // n, program % n
        elif cut == "queries":
            head, block = program % heads, n - 1 - program // heads
        else:
            head, block = program % heads, program // heads
        return head // self.N, head % self.N, block

    def number(self, cut):
        """Return how many blocks of queries or keys a head has."""
        return {"queries": self.ni, "keys": self.nj}[cut]

    def block(self, cut):
        """Return which block of queries or keys is this program's."""
        from jax.experimental import pallas as pl

        return self.place(pl.program_id(0), cut)[2]

    def run(self, program, cut, inputs, outputs, own, interpret):
        """Run a program for each block of each head of each example.

        Args:
            program: Takes references to inputs and outputs.
            cut: Of what the blocks are, "queries" or "keys".
            inputs: Arrays (B, L, N, d), (B, N, L) or (B, L).
            outputs: Their shapes and types, likewise.
            own: The places of those of which a program sees its block alone, the last of all
                being -1. Of the others it sees the whole L.
            interpret: Whether to run without a GPU.
        """
        from jax.experimental import pallas as pl
        from jax.experimental.pallas import triton

        arrays = (*inputs, *outputs)
        own = [place % len(arrays) for place in own]
        specs = [self._view(x.shape, cut, place in own) for place, x in enumerate(arrays)]
        return pl.pallas_call(
            program,
            grid=(self.B * self.N * self.number(cut),),
            in_specs=specs[: len(inputs)],
            out_specs=specs[len(inputs) :],
            out_shape=list(outputs),
            compiler_params=triton.CompilerParams(
                num_warps=self.sizes.warps, num_stages=self.sizes.stages
            ),
            interpret=interpret,
        )(*inputs)

    def _view(self, shape, cut, own):
        """Let a program see its example and head of an array, and its block of L or all of it."""
        from jax.experimental import pallas as pl

        axis = 2 if len(shape) == 3 else 1  # of L
        block = [None] * len(shape)
        block[axis] = {"queries": self.t, "keys": self.s}[cut] if own else shape[axis]
        if len(shape) == 4:
            block[3] = shape[3]

        def where(program):
            b, h, i = self.place(program, cut)
            i = i if own else 0
            return {4: (b, i, h, 0), 3: (b, h, i), 2: (b, i)}[len(shape)]

        return pl.BlockSpec(tuple(block), where)


def _dot(a, b):
    from jax import numpy as jnp

    return jnp.dot(a, b, preferred_element_type="float32")


def _exp(x, minus):
    r"""Compute $e^{x - m}$, as a GPU does it: $2^{x c - m c}$ with $c = \log_2 e$."""
    from jax import numpy as jnp

    return jnp.exp2(x * _LOG2_E - minus * _LOG2_E)


def _filled(x, sizes, value):
    from jax import numpy as jnp

    behind = [(0, sizes.get(axis, n) - n) for axis, n in enumerate(x.shape)]
    if not any(n for _, n in behind):
        return x
    return jnp.pad(x, behind, constant_values=value)


def _power_of_2(n):
    return max(16, 1 << (n - 1).bit_length())  # what the matrix units take at least
