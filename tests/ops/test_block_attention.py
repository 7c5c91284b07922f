"""Attention in blocks equals the equation: every mask, any length, forwards and backwards."""

import sys

import keras
import numpy as np
import pytest
import tolerances as tol
from keras import ops as K

from kerasdl import ops
from kerasdl.backend import compiled, value_and_grad
from kerasdl.ops import attention_grid
from kerasdl.ops.block_attention import block_attention
from kerasdl.parity import relative_error

B, N, d, d_v = 2, 2, 4, 3


def drawn(T, S, seed=0):
    rng = np.random.default_rng(seed)
    shapes = [(B, T, N, d), (B, S, N, d), (B, S, N, d_v), (B, T, N, d_v)]
    return [rng.normal(size=shape, scale=2) for shape in shapes]


def results(function, q, k, v, dO):
    """The context and the gradients of all three."""
    q, k, v, dO = map(K.convert_to_tensor, (q, k, v, dO))

    def run(q, k, v):
        context = None

        def loss(q, k, v):
            nonlocal context
            context = function(q, k, v)
            return K.sum(context * dO)

        _, gradients = value_and_grad(loss, [q, k, v])
        return [function(q, k, v), *gradients]

    return [K.convert_to_numpy(x) for x in compiled(run)(q, k, v)]


def masks_of(case, T, S):
    rng = np.random.default_rng(7)
    pairs = rng.uniform(size=(B, N, T, S)) < 0.6
    pairs[0, 1, 2] = False  # a query that may look at nothing
    keys = rng.uniform(size=(B, S)) < 0.6
    keys[:, 0] = True
    t, s = np.arange(T)[None], np.arange(S)[None]
    length, start = np.array([[3], [6]]), np.array([[5], [1]])  # of two examples
    behind = {"query_mask": t < length, "key_mask": s < length - 1}
    return {
        "none": {},
        "causal": {"causal": True},
        "keys": {"key_mask": keys},
        "no key at all": {"key_mask": keys & (np.arange(B) == 0)[:, None]},
        "pairs": {"mask": pairs},
        "pairs of all heads": {"mask": pairs[:, :1]},
        "pairs of all examples": {"mask": pairs[0, 0]},
        "padding behind": behind,
        "padding before": {"query_mask": t >= start, "key_mask": s >= start - 1},
        "padding before, causal": {
            "query_mask": t >= start,
            "key_mask": s >= start - 1,
            "causal": True,
        },
        "padding between": {"query_mask": (t < 2) | (t > 5), "key_mask": (s < 1) | (s > 4)},
        "no query and no key": {"query_mask": t < [[0], [9]], "key_mask": s < [[7], [0]]},
        "window": {"window": 3},
        "window of one": {"window": 1, "causal": True},
        "window, padding, causal": {"window": 4, "causal": True, **behind},
        "all": {
            "mask": pairs,
            "key_mask": keys,
            "query_mask": t < length,
            "causal": True,
            "window": 5,
        },
    }[case]


def as_one_mask(T, S, mask=None, key_mask=None, causal=False, query_mask=None, window=None):
    whole = np.ones((B, N, T, S), bool)
    distance = np.abs(np.arange(T)[:, None] - np.arange(S))
    whole = whole if window is None else whole & (distance < window)
    whole = whole if query_mask is None else whole & query_mask[:, None, :, None]
    whole = whole if mask is None else whole & mask
    whole = whole if key_mask is None else whole & key_mask[:, None, None]
    return whole & np.tri(T, S, dtype=bool) if causal else whole


CASES = ("none", "causal", "padding behind", "window, padding, causal", "all")
MORE = (
    "keys",
    "no key at all",
    "pairs",
    "pairs of all heads",
    "pairs of all examples",
    "padding before",
    "padding before, causal",
    "padding between",
    "no query and no key",
    "window",
    "window of one",
)
SIZES = [
    (9, 7),
    pytest.param(8, 8, marks=pytest.mark.slow),
    pytest.param(5, 11, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("T", "S"), SIZES)
@pytest.mark.parametrize(
    "case", [*CASES, *(pytest.param(case, marks=pytest.mark.slow) for case in MORE)]
)
def test_equals_the_equation(case, T, S):
    compare(case, T, S)


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in (*CASES, *MORE) if case != "none"])
def test_equals_the_equation_in_small_blocks(case):
    compare(case, 9, 7, block=2)


@pytest.mark.parametrize("strip", [2, pytest.param(3, marks=pytest.mark.slow)])
@pytest.mark.parametrize("case", ["causal", "all"])
def test_blocks_on_the_diagonal_are_cut_into_strips(case, strip, monkeypatch):
    monkeypatch.setattr(attention_grid, "STRIP", strip)
    compare(case, 9, 7)


@pytest.mark.parametrize("causal", [False, True])
def test_blocks_of_padding_are_not_visited(causal):
    """What stands there is not read: 0 times NaN would be NaN."""
    q, k, v, dO = drawn(12, 12)
    kept = np.arange(12)[None] < [[7], [12]]
    for x in (q, k, v):
        x[0, 8:] = np.nan
    masks = {"query_mask": kept, "key_mask": kept, "causal": causal}
    found = results(lambda q, k, v: block_attention(q, k, v, block=4, **masks), q, k, v, dO)
    if causal:  # there the block on the diagonal is visited, for what is no query
        found = [x[:, :8] for x in found]
    for x in found:
        assert np.isfinite(x).all()


def test_blocks_beyond_the_window_are_not_visited():
    q, k, v, _ = drawn(16, 16)
    k[:, 12:] = v[:, 12:] = np.nan
    found = block_attention(*map(K.convert_to_tensor, (q, k, v)), block=4, window=4)
    found = K.convert_to_numpy(found)
    assert np.isfinite(found[:, :8]).all()
    assert np.isnan(found[:, 12:]).all()


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's graphs share")
def test_layers_alike_are_compiled_once(monkeypatch):
    module = sys.modules["kerasdl.ops.block_attention"]
    taken, loops_of = [], module._loops

    def noting(*arguments):
        taken.append(loops_of(*arguments))
        return taken[-1]

    monkeypatch.setattr(module, "_loops", noting)
    loops_of.cache_clear()
    q, k, v, _ = (K.convert_to_tensor(x[..., :d_v]) for x in drawn(8, 8))

    def two_layers(q, k, v):
        first = block_attention(q, k, v, block=4)
        return block_attention(2 * q, k, first, block=4)

    found = compiled(two_layers)(q, k, v)
    (loops, again) = taken
    assert loops is again
    assert {id(f) for f in loops.forwards} == {id(loops.forwards[0])}  # both halves of the heads
    assert loops.forwards[0].fused.experimental_get_tracing_count() == 1
    np.testing.assert_allclose(found, two_layers(q, k, v), rtol=1e-10)


def compare(case, T, S, block=4):
    masks = masks_of(case, T, S)
    tensors = drawn(T, S)
    whole = as_one_mask(T, S, **masks)
    expected = results(
        lambda q, k, v: ops.scaled_dot_product_attention(q, k, v, whole)[0], *tensors
    )
    found = results(lambda q, k, v: block_attention(q, k, v, block=block, **masks), *tensors)
    assert relative_error(found[0], expected[0]) <= tol.FORWARD_64
    for ours, theirs in zip(found[1:], expected[1:], strict=True):
        assert relative_error(ours, theirs) <= tol.GRADIENT_64


def test_scores_of_any_size_stay_finite():
    q, k, v, dO = drawn(6, 6)
    for x in results(
        lambda q, k, v: block_attention(1e4 * q, 1e4 * k, v, causal=True, block=4), q, k, v, dO
    ):
        assert np.isfinite(x).all()


def test_scale():
    q, k, v, _ = drawn(6, 6)
    ours = block_attention(*map(K.convert_to_tensor, (q, k, v)), scale=0.1, block=4)
    expected, _ = ops.scaled_dot_product_attention(*map(K.convert_to_tensor, (q, k, v)), scale=0.1)
    assert relative_error(ours, expected) <= tol.FORWARD_64
