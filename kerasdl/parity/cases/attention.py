"""Cases of attention."""

import numpy as np

import kerasdl
from kerasdl.parity.case import FunctionCase, Input, LayerCase

ROUNDS = {"jax:float64": "the fused attention computes float64 in float32"}


def softmax(x, keep=True):
    """Softmax over the last axis of the kept entries; a row that keeps none is 0."""
    e = np.where(keep, np.exp(x - x.max(axis=-1, keepdims=True)), 0)
    total = e.sum(axis=-1, keepdims=True)
    return e / np.where(total == 0, 1, total)


def attend(q, k, v, keep=True):
    """One head: softmax(q kᵀ / √d) v, for (B, T, d), (B, S, d) and (B, S, d_v)."""
    return softmax(q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1]), keep) @ v


def multi_head(causal=False):
    """Return the loop over the heads."""

    def reference(weights, query, value, training):
        T, S = query.shape[1], value.shape[1]
        keep = np.tril(np.ones((T, S), bool)) if causal else True
        y = 0
        heads, shared = (weights[f"{name}/kernel"].shape[1] for name in ("query", "key"))
        for h in range(heads):
            g = h * shared // heads  # where heads of queries share one of keys and values
            q, k, v = (
                x @ weights[f"{name}/kernel"][:, n] + weights[f"{name}/bias"][n]
                for name, x, n in (("query", query, h), ("key", value, g), ("value", value, g))
            )
            y = y + attend(q, k, v, keep) @ weights["attention_output/kernel"][h]
        return y + weights["attention_output/bias"]

    return reference


def dot_product(q, k, v):
    """Each head on its own."""
    return np.stack([attend(q[:, :, n], k[:, :, n], v[:, :, n]) for n in range(q.shape[2])], 2)


QUERY, VALUE = Input((2, 5, 6), free=(0, 1)), Input((2, 7, 3), free=(0, 1))
# Key size 4: its root is exact in every precision (other scales are rounded as Keras rounds them).
HEADS = {"num_heads": 2, "key_dim": 4}
GROUPS = {"head_dim": 4, "num_query_heads": 6, "num_key_value_heads": 2}
SAME_SIZE = Input((2, 7, 6), free=(0, 1))  # Keras asks values of grouped attention to be as wide

CASES = [
    LayerCase(
        symbol="layers.MultiHeadAttention",
        kwargs=HEADS,
        inputs=(QUERY, VALUE),
        # No mask of the query: a masked query looks at nothing, where ours is 0 and Keras' the mean
        # of the values (docs/architecture.md; tests/layers/test_masks.py).
        masks=(None, (2, 7)),
        builtin_is_wrong=ROUNDS,
        reference=multi_head(),
    ),
    LayerCase(
        symbol="layers.MultiHeadAttention",
        label="causal",
        kwargs=HEADS,
        call={"use_causal_mask": True},
        inputs=(QUERY, Input((2, 5, 3), free=(0, 1))),
        builtin_is_wrong=ROUNDS,
        reference=multi_head(causal=True),
    ),
    LayerCase(
        symbol="layers.MultiHeadAttention",
        label="value and output sizes, key of its own, no bias",
        kwargs={"num_heads": 3, "key_dim": 4, "value_dim": 2, "output_shape": 5, "use_bias": False},
        inputs=(QUERY, VALUE, Input((2, 7, 4), free=(0, 1))),
        builtin_is_wrong={"jax": "the fused attention refuses value_dim unlike key_dim"},
    ),
    LayerCase(
        symbol="layers.MultiHeadAttention",
        label="scores, two attention axes",
        kwargs={"num_heads": 2, "key_dim": 4, "attention_axes": (1, 2)},
        call={"return_attention_scores": True},
        inputs=(Input((2, 3, 2, 5)), Input((2, 3, 2, 6))),
        builtin_is_wrong={"jax:float64": "the softmax computes float64 in float32"},
    ),
    LayerCase(
        symbol="layers.GroupQueryAttention",
        kwargs=GROUPS,
        inputs=(QUERY, SAME_SIZE),
        masks=(None, (2, 7)),
        builtin_is_wrong=ROUNDS,
        reference=multi_head(),
    ),
    LayerCase(
        symbol="layers.GroupQueryAttention",
        label="causal, gate",
        kwargs={**GROUPS, "use_gate": True, "use_bias": False},
        call={"use_causal_mask": True},
        inputs=(QUERY, SAME_SIZE),
        builtin_is_wrong={"jax:float64": "the softmax computes float64 in float32"},
    ),
    LayerCase(
        symbol="layers.GroupQueryAttention",
        # Not causal too: Keras' softmax leaves its mask on the scores, and a loss of them fails.
        label="scores",
        kwargs=GROUPS,
        call={"return_attention_scores": True},
        inputs=(QUERY, SAME_SIZE),
        builtin_is_wrong={"jax:float64": "the softmax computes float64 in float32"},
    ),
    FunctionCase(
        symbol="ops.scaled_dot_product_attention",
        make=lambda k: lambda *qkv: k.ops.scaled_dot_product_attention(*qkv)[0],
        inputs=(Input((2, 5, 2, 4)), Input((2, 7, 2, 4)), Input((2, 7, 2, 3))),
        reference=dot_product,
    ),
    FunctionCase(
        symbol="ops.masked_softmax",
        inputs=(
            Input((2, 5, 7)),
            Input((2, 5, 7), lambda rng, shape: rng.uniform(size=shape) < 0.4),
        ),
        reference=softmax,
    ),
    FunctionCase(
        symbol="ops.causal_mask",
        make=lambda k: lambda x: kerasdl.ops.cast(k.ops.causal_mask(*x.shape), x.dtype) + 0 * x,
        inputs=(Input((5, 7), free=()),),
        reference=lambda x: np.tril(np.ones((5, 7))),
    ),
    FunctionCase(
        symbol="ops.sliding_window_mask",
        make=lambda k: (
            lambda x: kerasdl.ops.cast(k.ops.sliding_window_mask(*x.shape, 2), x.dtype) + 0 * x
        ),
        inputs=(Input((5, 7), free=()),),
        reference=lambda x: np.array([[abs(t - s) < 2 for s in range(7)] for t in range(5)]) + 0.0,
    ),
    FunctionCase(
        symbol="ops.extract_patches",
        make=lambda k: lambda x: kerasdl.ops.extract_patches(x, (2, 3)),
        builtin_is_wrong={"all": "keras.ops.image has a function of that name with other axes"},
        inputs=(Input((2, 4, 6, 3)),),
        reference=lambda x: np.array(
            [
                [
                    p[i : i + 2, j : j + 3].reshape(-1)
                    for i in range(0, 4, 2)
                    for j in range(0, 6, 3)
                ]
                for p in x
            ]
        ),
    ),
    FunctionCase(
        symbol="ops.sinusoidal_encoding",
        make=lambda k: lambda x: kerasdl.ops.cast(k.ops.sinusoidal_encoding(5, 6), x.dtype) + 0 * x,
        inputs=(Input((5, 6), free=()),),
        reference=lambda x: np.array(
            [
                [(np.sin, np.cos)[i % 2](t / 10_000 ** ((i - i % 2) / 6)) for i in range(6)]
                for t in range(5)
            ]
        ),
    ),
    FunctionCase(
        symbol="ops.affine",
        inputs=(Input((2, 5, 4)), Input((4, 3), free=()), Input((3,), free=())),
        reference=lambda x, W, b: np.einsum("bti,ij->btj", x, W) + b,
    ),
]
