"""Masks: padding, causal, both, and a row that may look at nothing."""

import keras
import numpy as np
import pytest
import tolerances as tol
from keras import ops

from kerasdl import layers
from kerasdl.backend import get_mask, set_mask, value_and_grad
from kerasdl.parity import relative_error, scramble

PADDING = np.array([[1, 1, 1, 0], [1, 0, 0, 0], [0, 1, 1, 0]], dtype="bool")


def attention(rng):
    layer = layers.MultiHeadAttention(num_heads=2, key_dim=4, dtype="float64")  # 1/√4 is exact
    x = rng.normal(size=(3, 4, 6))
    layer(x, x)
    scramble(layer)
    return layer, x


def numpy_attention(layer, x, mask):
    """Attention as a student would write it: loops, in float64, from the layer's weights."""
    W_q, b_q, W_k, b_k, W_v, b_v, W_o, b_o = layer.get_weights()
    B, T, _ = x.shape
    out = np.zeros((B, T, W_o.shape[-1]))
    for b in range(B):
        for t in range(T):
            for n in range(W_q.shape[1]):
                q = x[b, t] @ W_q[:, n] + b_q[n]
                keep = [s for s in range(T) if mask[b, t, s]]
                scores = [q @ (x[b, s] @ W_k[:, n] + b_k[n]) / np.sqrt(len(q)) for s in keep]
                e = np.exp(np.array(scores) - max(scores, default=0))
                context = sum(
                    (w * (x[b, s] @ W_v[:, n] + b_v[n]) for w, s in zip(e / e.sum(), keep)),
                    np.zeros(W_v.shape[-1]),
                )
                out[b, t] += context @ W_o[n]
    return out + b_o


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("padded", [False, True])
def test_attention_equals_the_loop(rng, causal, padded):
    layer, x = attention(rng)
    mask = np.ones((3, 4, 4), dtype="bool")
    if causal:
        mask &= np.tri(4, dtype="bool")
    if padded:
        mask &= PADDING[:, :, None] & PADDING[:, None, :]
    output = layer(
        x,
        x,
        query_mask=PADDING if padded else None,
        value_mask=PADDING if padded else None,
        use_causal_mask=causal,
    )
    assert relative_error(output, numpy_attention(layer, x, mask)) <= tol.FORWARD_64


@pytest.mark.parametrize("scores", [False, True])
def test_a_fully_masked_row_gives_zero_weights_and_finite_gradients(rng, scores):
    layer, x = attention(rng)
    nothing = np.zeros((3, 4, 4), dtype="bool")

    def loss(x):
        out = layer(x, x, attention_mask=nothing, return_attention_scores=scores)
        return ops.sum(ops.square(out[0] if scores else out))

    value, (dx,) = value_and_grad(loss, [x])
    assert np.isfinite(float(value))
    assert np.all(ops.convert_to_numpy(dx) == 0)  # the output is the bias, whatever x is
    out, weights = layer(x, x, attention_mask=nothing, return_attention_scores=True)
    assert np.all(ops.convert_to_numpy(weights) == 0)
    bias = layer.get_weights()[-1]
    assert relative_error(out, np.broadcast_to(bias, out.shape)) == 0


def test_implicit_masks_equal_explicit_ones_and_are_passed_on(rng):
    layer, x = attention(rng)
    tensor = ops.convert_to_tensor(x)
    set_mask(tensor, ops.convert_to_tensor(PADDING))
    implicit = layer(tensor, tensor)
    explicit = layer(x, x, query_mask=PADDING, value_mask=PADDING)
    assert relative_error(implicit, explicit) == 0
    assert np.array_equal(ops.convert_to_numpy(get_mask(implicit)), PADDING)
    assert np.array_equal(ops.convert_to_numpy(get_mask(explicit)), PADDING)
    assert get_mask(tensor) is not None, "the residual connection around the layer needs it"


def test_padding_through_a_model_equals_keras(rng):
    """Masking → encoder-like stack: the same masks reach the attention as in Keras' layers."""
    x = rng.normal(size=(3, 4, 6)).astype("float32")
    x[~PADDING] = 0

    def model(module):
        inputs = keras.Input((None, 6))
        h = keras.layers.Masking()(inputs)
        h = module.Dense(6)(h)
        h = module.LayerNormalization()(h)
        h = module.MultiHeadAttention(2, 3)(h, h, use_causal_mask=True)
        return keras.Model(inputs, keras.layers.GlobalAveragePooling1D()(module.Dropout(0.1)(h)))

    ours, theirs = model(layers), model(keras.layers)
    scramble(theirs)
    ours.set_weights(theirs.get_weights())
    keep = PADDING.any(axis=1)
    assert relative_error(ours(x)[keep], theirs(x)[keep]) <= tol.FORWARD_32


def test_encoder_reads_the_mask_also_beside_an_attention_mask(rng):
    layer = layers.TransformerEncoder(intermediate_dim=8, num_heads=2, dtype="float64")
    x = rng.normal(size=(3, 4, 6))
    layer(x)
    scramble(layer)
    tensor = ops.convert_to_tensor(x)
    set_mask(tensor, ops.convert_to_tensor(PADDING))
    everything = np.ones((3, 4, 4), dtype="bool")
    with_both = layer(tensor, attention_mask=everything)
    assert relative_error(with_both, layer(tensor)) == 0
    assert relative_error(with_both, layer(x, mask=PADDING)) == 0
    assert relative_error(with_both, layer(x)) > 1e-3
    changed = np.where(PADDING[..., None], x, 99.0)  # what is masked must not matter
    kept = PADDING[..., None] * ops.convert_to_numpy(layer(changed, mask=PADDING))
    assert relative_error(kept, PADDING[..., None] * ops.convert_to_numpy(with_both)) <= 1e-12


def test_class_token_is_never_masked(rng):
    tensor = ops.convert_to_tensor(rng.normal(size=(3, 4, 6)))
    set_mask(tensor, ops.convert_to_tensor(PADDING))
    mask = ops.convert_to_numpy(get_mask(layers.ClassToken()(tensor)))
    assert mask[:, 0].all()
    assert np.array_equal(mask[:, 1:], PADDING)


def test_symbolic_scores_have_the_shape_of_the_real_ones():
    layer = layers.MultiHeadAttention(num_heads=2, key_dim=3)
    _, scores = layer(keras.Input((5, 6)), keras.Input((7, 6)), return_attention_scores=True)
    assert scores.shape == (None, 2, 5, 7)


@pytest.mark.parametrize("length", [3, 4])
def test_one_layer_takes_any_length(length, rng):
    layer = layers.MultiHeadAttention(num_heads=2, key_dim=3)
    layer(np.ones((1, 5, 6)), np.ones((1, 5, 6)))
    x = rng.normal(size=(2, length, 6))
    assert tuple(layer(x, x).shape) == (2, length, 6)
