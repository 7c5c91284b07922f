"""The kernels of a GPU, interpreted on a CPU: equal to the equation, taken where they can be."""

import os
import subprocess
import sys

import jax
import numpy as np
import pytest
from jax import numpy as jnp

from kerasdl.backend import attention_backwards, attention_forwards
from kerasdl.backend.attention_kernels import Sizes

# Sums of up to 300 products in float32, in another order.
TOLERANCE = 2e-5
# Lengths that blocks do not divide, blocks of more queries than keys and the other way round, and
# blocks larger than a length; heads that are filled up to a power of 2.
CASES = {
    "32x16": ((2, 70, 70, 2, 16, 16), Sizes(32, 16, 4, 2)),
    "16x32": ((2, 40, 70, 1, 20, 32), Sizes(16, 32, 4, 2)),
    "64x64": ((2, 100, 40, 2, 8, 5), Sizes(64, 64, 4, 2)),
    "16x16": ((2, 3, 3, 1, 16, 16), Sizes(64, 64, 4, 2)),
}


def equation(q, k, v, key_mask, causal):
    T, S = q.shape[1], k.shape[1]
    sees = jnp.ones((1, 1, T, S), bool)
    if key_mask is not None:
        sees &= key_mask[:, None, None]
    if causal:
        sees &= jnp.arange(S) <= jnp.arange(T)[:, None]
    scores = jnp.einsum("btnd,bsnd->bnts", q, k)
    largest = jnp.max(jnp.where(sees, scores, -1e30), axis=-1, keepdims=True)
    e = jnp.where(sees, jnp.exp(jnp.where(sees, scores - largest, 0)), 0)
    weights = e / jnp.maximum(e.sum(axis=-1, keepdims=True), 1e-30)
    return jnp.einsum("bnts,bsnd->btnd", weights, v)


def drawn(B, T, S, N, d, d_v):
    rng = np.random.default_rng(T)
    shapes = [(B, T, N, d), (B, S, N, d), (B, S, N, d_v), (B, T, N, d_v)]
    q, k, v, do = (jnp.asarray(rng.normal(size=shape), "float32") for shape in shapes)
    key_mask = rng.random((B, S)) < 0.7
    key_mask[0] = False  # an example without any key
    return q / d**0.5, k, v, do, jnp.asarray(key_mask)


@pytest.mark.parametrize("masked", [False, True], ids=["", "masked"])
@pytest.mark.parametrize("causal", [False, True], ids=["", "causal"])
@pytest.mark.parametrize("case", CASES)
def test_the_kernels_equal_the_equation(case, causal, masked):
    (B, T, S, N, d, d_v), sizes = CASES[case]
    S = min(S, T) if causal else S  # keys behind the last query never arrive here
    q, k, v, do, key_mask = drawn(B, T, S, N, d, d_v)
    key_mask = key_mask if masked else None
    expected, pull_back = jax.vjp(lambda q, k, v: equation(q, k, v, key_mask, causal), q, k, v)
    o, L = attention_forwards(q, k, v, key_mask, causal, sizes, interpret=True)
    backwards = attention_backwards(
        q, k, v, o, L, do, key_mask, causal, (sizes, sizes), interpret=True
    )
    for name, ours, theirs in zip(
        ("o", "dq", "dk", "dv"), (o, *backwards), (expected, *pull_back(do)), strict=True
    ):
        assert ours.shape == theirs.shape, name
        assert np.abs(ours - theirs).max() <= TOLERANCE * max(1, np.abs(theirs).max()), name
    if masked:
        assert not np.any(o[0]), "an example without any key gets 0"


def test_large_scores_do_not_overflow():
    q, k, v, do, _ = drawn(1, 33, 33, 1, 16, 16)
    q = 1e4 * q
    o, L = attention_forwards(q, k, v, interpret=True)
    assert np.abs(o - equation(q, k, v, None, False)).max() <= 1e-3  # of scores around 1e4
    for gradient in attention_backwards(q, k, v, o, L, do, interpret=True):
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_triton_takes_the_kernels(dtype, causal):
    """What is written is what Triton's dialect has; only its compiler needs a GPU."""

    def step(q, k, v, do, key_mask):
        o, L = attention_forwards(q, k, v, key_mask, causal)
        return attention_backwards(q, k, v, o, L, do, key_mask, causal)

    x, mask = jax.ShapeDtypeStruct((2, 300, 4, 64), dtype), jax.ShapeDtypeStruct((2, 300), bool)
    lowered = jax.jit(step).trace(x, x, x, x, mask).lower(lowering_platforms=("cuda",))
    assert lowered.as_text().count("triton") >= 3


ON_JAX = """
import functools, os
import jax, keras, numpy as np
from kerasdl import layers
from kerasdl.backend import attention_kernels, devices
from kerasdl.ops import block_attention
from kerasdl.layers import base_multi_head_attention

taken = []
def forwards(*arguments, **kwargs):
    taken.append(kwargs["causal"])
    return attention_kernels.attention_forwards(*arguments, **kwargs, interpret=True)
block_attention.attention_forwards = forwards
block_attention.attention_backwards = functools.partial(
    attention_kernels.attention_backwards, interpret=True)
attention_kernels._one_capable_gpu = lambda: True
base_multi_head_attention.has_accelerator = lambda: True

rng = np.random.default_rng(0)
x = rng.normal(size=(2, 80, 32)).astype("float32")
keep = np.arange(80)[None] < np.array([[60], [80]])
pairs = rng.random((2, 80, 80)) < 0.7

def results(flash, dtype="float32", x=x, **how):
    keras.utils.set_random_seed(0)
    layer = layers.MultiHeadAttention(2, 16, flash_attention=flash, dtype=dtype)
    layer.build(x.shape, x.shape)
    def loss(weights, x):
        y, _ = layer.stateless_call(weights, [], x, x, **how)
        return (y * y).sum()
    weights = [v.value for v in layer.trainable_variables]
    taken.clear()
    return jax.tree.leaves(jax.jit(jax.value_and_grad(loss, (0, 1)))(weights, x)), bool(taken)

for how in ({}, {"use_causal_mask": True}, {"value_mask": keep},
            {"query_mask": keep, "value_mask": keep, "use_causal_mask": True}):
    expected, by_kernels = results(False, **how)
    assert not by_kernels
    found, by_kernels = results(None, **how)
    assert by_kernels, how
    for a, b in zip(found, expected, strict=True):
        assert np.abs(a - b).max() <= 2e-5 * max(1, np.abs(b).max()), how  # float32 sums
assert not results(None, attention_mask=pairs)[1]  # masks of pairs are the equation's
assert not results(None, x=x[:, :40])[1]  # short ones too
assert not results(None, dtype="float64")[1]
keras.config.disable_flash_attention()
assert not results(None)[1]
"""


def test_a_layer_takes_the_kernels_on_a_gpu():
    done = subprocess.run(
        [sys.executable, "-c", ON_JAX],
        env=os.environ | {"KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
