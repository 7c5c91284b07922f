"""Attention of several heads: the two forms agree, and each is taken where it should be."""

import keras
import numpy as np
import pytest
import tolerances as tol
from keras import ops

from kerasdl import layers
from kerasdl.backend import compiled, value_and_grad
from kerasdl.layers import base_multi_head_attention as base
from kerasdl.parity import relative_error, scramble

B, T, S = 2, 6, 5
QUERY_MASK = np.array([[1, 1, 0, 1, 1, 1], [1, 0, 0, 1, 1, 0]], dtype="bool")
VALUE_MASK = np.array([[1, 1, 0, 1, 0], [0, 0, 0, 0, 0]], dtype="bool")  # one without any
PAIRS = np.random.default_rng(3).uniform(size=(B, T, S)) < 0.6
MASKS = {
    "none": {},
    "causal": {"use_causal_mask": True},
    "padded": {"value_mask": VALUE_MASK, "query_mask": QUERY_MASK, "key_mask": ~PAIRS[:, 0]},
    "pairs": {"attention_mask": PAIRS},
    "all": {
        "attention_mask": np.stack([PAIRS, ~PAIRS, PAIRS, PAIRS], axis=1),
        "value_mask": VALUE_MASK,
        "query_mask": QUERY_MASK,
        "use_causal_mask": True,
    },
}
KINDS = {
    "MultiHeadAttention": {"num_heads": 4, "key_dim": 3, "value_dim": 2},
    "GroupQueryAttention": {"num_query_heads": 4, "num_key_value_heads": 2, "head_dim": 3},
}
TAKES_BLOCKS = keras.backend.backend() in ("tensorflow", "jax")


@pytest.fixture
def blocks_taken(monkeypatch):
    """Collect a call a time when blocks are taken."""
    calls = []

    def noting(*args, **kwargs):
        calls.append(kwargs)
        return block_attention(*args, **kwargs)

    block_attention = base.block_attention
    monkeypatch.setattr(base, "block_attention", noting)
    return calls


def built(kind, **arguments):
    layer = getattr(layers, kind)(**KINDS[kind], **arguments, dtype="float64")
    layer.build((B, T, 4), (B, S, 4))
    return layer


def output_and_gradients(layer, query, value, dy, **call):
    def run(query, value):
        def loss(query, value):
            return ops.sum(layer(query, value, **call) * ops.convert_to_tensor(dy))

        _, gradients = value_and_grad(loss, [query, value])
        return [layer(query, value, **call), *gradients]

    return compiled(run)(*map(ops.convert_to_tensor, (query, value)))


@pytest.mark.parametrize(
    ("kind", "masks", "window"),
    [
        *(("MultiHeadAttention", masks, None) for masks in MASKS),
        ("MultiHeadAttention", "causal", 2),
        ("GroupQueryAttention", "all", None),
    ],
)
def test_blocks_equal_the_equation(kind, masks, window, rng, blocks_taken):
    x, y = rng.normal(size=(B, T, 4)), rng.normal(size=(B, S, 4))
    dy = rng.normal(size=(B, T, 4))
    plain = built(kind, sliding_window=window, flash_attention=False)
    scramble(plain)
    blocks = built(kind, sliding_window=window, flash_attention=True)
    blocks.set_weights(plain.get_weights())
    expected = output_and_gradients(plain, x, y, dy, **MASKS[masks])
    assert not blocks_taken
    found = output_and_gradients(blocks, x, y, dy, **MASKS[masks])
    assert bool(blocks_taken) == TAKES_BLOCKS
    assert relative_error(found[0], expected[0]) <= tol.FORWARD_64
    for ours, theirs in zip(found[1:], expected[1:], strict=True):
        assert np.isfinite(ops.convert_to_numpy(ours)).all()
        assert relative_error(ours, theirs) <= tol.GRADIENT_64


@pytest.mark.skipif(not TAKES_BLOCKS, reason="PyTorch compiles no loops")
def test_the_form_is_chosen_by_size_dropout_and_what_is_asked_for(monkeypatch, blocks_taken):
    monkeypatch.setattr(base, "BLOCKS_FROM", T * T)

    def takes_blocks(length=T, training=None, **arguments):
        blocks_taken.clear()
        call = {k: arguments.pop(k) for k in ("return_attention_scores",) if k in arguments}
        layer = layers.MultiHeadAttention(2, 3, **arguments)
        layer.build((B, length, 4), (B, length, 4))
        x = ops.ones((B, length, 4))
        result = compiled(lambda x: layer(x, x, training=training, **call))(x)
        assert len(result) == (2 if call else B)
        return bool(blocks_taken)

    assert takes_blocks()
    assert takes_blocks(dropout=0.5, training=False)
    assert not takes_blocks(dropout=0.5, training=True)
    assert not takes_blocks(length=T - 1)
    assert not takes_blocks(flash_attention=False)
    assert not takes_blocks(return_attention_scores=True)


def test_an_overridden_attention_is_called(blocks_taken):
    class Doubled(layers.MultiHeadAttention):
        def _compute_attention(self, query, key, value, *args, **kwargs):
            context, weights = super()._compute_attention(query, key, value, *args, **kwargs)
            return 2 * context, weights

    layer = Doubled(2, 3, use_bias=False, flash_attention=True)
    x = ops.convert_to_tensor(np.random.default_rng(0).normal(size=(B, T, 4)).astype("float32"))
    layer.build(x.shape, x.shape)
    doubled = compiled(lambda x: layer(x, x))(x)
    plain = layers.MultiHeadAttention(2, 3, use_bias=False)
    plain.build(x.shape, x.shape)
    plain.set_weights(layer.get_weights())
    assert not blocks_taken
    assert relative_error(doubled, 2 * plain(x, x)) <= tol.FORWARD_32


def test_an_override_of_group_query_attention_is_called_as_by_keras():
    class Seen(layers.GroupQueryAttention):
        def _compute_attention(self, query, key, value, attention_mask=None, training=None):
            assert attention_mask is not None
            return super()._compute_attention(query, key, value, attention_mask, training)

    x = ops.convert_to_tensor(np.random.default_rng(0).normal(size=(B, T, 4)).astype("float32"))
    layer = Seen(head_dim=3, num_query_heads=2, num_key_value_heads=1)
    _, weights = layer(x, x, use_causal_mask=True, return_attention_scores=True)
    assert weights.shape == (B, 2, T, T)
