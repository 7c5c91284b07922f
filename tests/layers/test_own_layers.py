"""Layers without a built-in counterpart, against a NumPy loop and finite differences."""

import keras
import numpy as np
import pytest
import tolerances as tol
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from kerasdl import layers
from kerasdl.backend import promotion_keeps_float64, value_and_grad
from kerasdl.parity import finite_difference, relative_error, scramble


def loop_patches(images, P_h, P_w):
    B, H, W, _ = images.shape
    out = []
    for b in range(B):
        rows = range(0, H, P_h)
        columns = range(0, W, P_w)
        out.append([images[b, r : r + P_h, c : c + P_w].reshape(-1) for r in rows for c in columns])
    return np.array(out)


@settings(max_examples=20, deadline=None)
@given(
    P_h=st.integers(1, 4),
    P_w=st.integers(1, 4),
    rows=st.integers(1, 3),
    columns=st.integers(1, 3),
    channels=st.integers(1, 3),
    batch=st.integers(1, 2),
)
def test_patch_embedding_equals_the_loop(P_h, P_w, rows, columns, channels, batch):
    rng = np.random.default_rng(0)
    images = rng.normal(size=(batch, rows * P_h, columns * P_w, channels))
    layer = layers.PatchEmbedding((P_h, P_w), embed_dim=5, dtype="float64")
    layer(images)
    scramble(layer)
    E, b = layer.get_weights()
    assert relative_error(layer(images), loop_patches(images, P_h, P_w) @ E + b) <= tol.FORWARD_64
    assert layer.compute_output_shape(images.shape) == (batch, rows * columns, 5)


def test_patch_embedding_equals_a_convolution_with_stride(rng):
    images = rng.normal(size=(2, 6, 8, 3))
    ours = layers.PatchEmbedding((3, 2), embed_dim=5, dtype="float64")
    theirs = keras.layers.Conv2D(5, (3, 2), strides=(3, 2), dtype="float64")
    ours(images), theirs(images)
    scramble(theirs)
    kernel, bias = theirs.get_weights()
    ours.set_weights([kernel.reshape(-1, 5), bias])
    expected = ops.reshape(theirs(images), (2, 8, 5))
    assert relative_error(ours(images), expected) <= tol.FORWARD_64


def test_positions_and_token_against_numpy(rng):
    x = rng.normal(size=(2, 3, 4))
    positions = layers.PositionEmbedding(5, dtype="float64")
    token = layers.ClassToken(initializer="random_normal", dtype="float64")
    assert relative_error(positions(x), x + positions.get_weights()[0][:3]) == 0
    first = np.broadcast_to(ops.convert_to_numpy(token(x))[:, :1], (2, 1, 4))
    assert relative_error(token(x), np.concatenate([first, x], axis=1)) == 0
    assert np.array_equal(first[0], token.get_weights()[0][0])


@pytest.mark.parametrize("d", [6, 7])
def test_sinusoidal_positions_against_the_paper(d):
    expected = np.zeros((9, d))
    for pos in range(9):
        for k in range(d):
            angle = pos / 10_000 ** ((k - k % 2) / d)
            expected[pos, k] = np.sin(angle) if k % 2 == 0 else np.cos(angle)
    layer = layers.SinusoidalPositionEncoding(dtype="float64")
    assert relative_error(layer(np.zeros((1, 9, d)))[0], expected) <= tol.FORWARD_64
    # A graph whose length is unknown takes the other branch; it computes in float32.
    inputs = keras.Input((None, d))
    model = keras.Model(inputs, layers.SinusoidalPositionEncoding()(inputs))
    assert relative_error(model.predict(np.zeros((1, 9, d)), verbose=0)[0], expected) <= 1e-6


def test_layer_normalization_equals_numpy(rng):
    x = rng.normal(size=(4, 3, 5))
    layer = layers.LayerNormalization(axis=(1, 2), dtype="float64")
    layer(x)
    scramble(layer)
    gamma, beta = layer.get_weights()
    mean, variance = x.mean(axis=(1, 2), keepdims=True), x.var(axis=(1, 2), keepdims=True)
    expected = gamma * (x - mean) / np.sqrt(variance + 1e-3) + beta
    assert relative_error(layer(x), expected) <= tol.FORWARD_64


@pytest.mark.parametrize("first", [False, True])
def test_encoder_equals_its_equations_in_keras_layers(first, rng):
    x = ops.convert_to_tensor(rng.normal(size=(2, 5, 6)))
    ours = layers.TransformerEncoder(
        8, 2, activation="relu", normalize_first=first, dtype="float64"
    )
    ours(x)
    scramble(ours)
    # Dropout, idle here, keeps the built-in off its fused path, which on JAX rounds to float32.
    attention = keras.layers.MultiHeadAttention(2, 3, dropout=0.1, dtype="float64")
    dense = [keras.layers.Dense(8, "relu", dtype="float64"), keras.layers.Dense(6, dtype="float64")]
    norms = [layers.LayerNormalization(epsilon=1e-5, dtype="float64") for _ in range(2)]
    attention(x, x), dense[1](dense[0](x)), norms[0](x), norms[1](x)
    pairs = [
        (attention, ours.self_attention),
        (dense[0], ours.feed_forward.hidden_dense),
        (dense[1], ours.feed_forward.output_dense),
        (norms[0], ours.attention_norm),
        (norms[1], ours.feed_forward_norm),
    ]
    for theirs, mine in pairs:
        theirs.set_weights(mine.get_weights())
    with promotion_keeps_float64():  # else Keras' layers round on PyTorch
        if first:
            h = norms[0](x)
            y = x + attention(h, h)
            z = y + dense[1](dense[0](norms[1](y)))
        else:
            y = norms[0](x + attention(x, x))
            z = norms[1](y + dense[1](dense[0](y)))
    assert relative_error(ours(x), z) <= tol.FORWARD_64


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (lambda: layers.PatchEmbedding(2, 3, dtype="float64"), (1, 4, 2, 2)),
        (lambda: layers.ClassToken("random_normal", dtype="float64"), (2, 3, 4)),
        (lambda: layers.PositionEmbedding(3, dtype="float64"), (2, 3, 4)),
        (lambda: layers.FeedForward(5, "gelu", dtype="float64"), (2, 3, 4)),
        (lambda: layers.LayerNormalization(dtype="float64"), (2, 4)),
        (lambda: layers.TransformerEncoder(5, 2, "gelu", dtype="float64"), (1, 3, 4)),
        (lambda: layers.Dense(3, "softmax", dtype="float64"), (2, 4)),
    ],
)
def test_gradients_equal_finite_differences(layer, shape, rng):
    x = rng.normal(size=shape)
    layer = layer() if shape != (1, 3, 4) else layers.TransformerEncoder(5, 2, dtype="float64")
    w = ops.convert_to_tensor(rng.normal(size=layer(x).shape))
    scramble(layer)

    def loss(x, *_):
        return ops.sum(layer(x) * w)

    def loss_of_weights(values, index):
        original = layer.trainable_variables[index].numpy()
        layer.trainable_variables[index].assign(values)
        result = loss(x)
        layer.trainable_variables[index].assign(original)
        return result

    _, (dx, *dw) = value_and_grad(loss, [x, *layer.trainable_variables])
    assert relative_error(dx, finite_difference(loss, x)) <= tol.FINITE_DIFFERENCE
    for i, gradient in enumerate(dw):
        values = ops.convert_to_numpy(layer.trainable_variables[i])
        estimate = finite_difference(lambda v, i=i: loss_of_weights(v, i), values)
        assert relative_error(gradient, estimate) <= tol.FINITE_DIFFERENCE


def test_dropout_keeps_the_share_the_scale_and_the_seed():
    x = ops.ones((200, 500))
    y = ops.convert_to_numpy(layers.Dropout(0.3, seed=1)(x, training=True))
    dropped = (y == 0).mean()
    # 100,000 draws: the standard deviation of the share is 0.0015.
    assert abs(dropped - 0.3) < 6 * 0.0015
    assert np.allclose(y[y != 0], 1 / 0.7)
    assert np.array_equal(y, ops.convert_to_numpy(layers.Dropout(0.3, seed=1)(x, training=True)))
    layer = layers.Dropout(0.3, seed=1)
    assert not np.array_equal(layer(x, training=True), layer(x, training=True))
    shared = ops.convert_to_numpy(
        layers.Dropout(0.5, noise_shape=(None, 1), seed=1)(x, training=True)
    )
    assert (shared == shared[:, :1]).all()
    assert np.all(ops.convert_to_numpy(layers.Dropout(1.0)(x, training=True)) == 0)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: layers.Dense(0), "`units` must be a positive integer, received 0"),
        (lambda: layers.Dense(2.5), "`units`"),
        (lambda: layers.Dropout(1.2), "`rate`. Expected a float value between 0 and 1"),
        (lambda: layers.Dropout(0.1, noise_shape="ab"), "`noise_shape`"),
        (lambda: layers.MultiHeadAttention(0, 2), "`num_heads`"),
        (lambda: layers.MultiHeadAttention(2, 2, dropout=-1), "`dropout`"),
        (lambda: layers.PatchEmbedding((1, 2, 3), 4), "`patch_size`"),
        (lambda: layers.PatchEmbedding(3, 4)(np.ones((1, 8, 9, 1))), "received patch_size=(3, 3)"),
        (lambda: layers.PatchEmbedding(2, 4)(np.ones((1, 8, 8))), "expected ndim=4, found ndim=3"),
        (lambda: layers.PositionEmbedding(3)(np.ones((1, 4, 2))), "`sequence_length` is 3"),
        (lambda: layers.TransformerEncoder(8, 4)(np.ones((1, 3, 6))), "`num_heads` must divide"),
        (lambda: layers.LayerNormalization(axis="x"), "`axis`"),
        (lambda: layers.LayerNormalization(axis=5)(np.ones((1, 3))), "`axis`"),
        (lambda: layers.EinsumDense("ab,cd", 3)(np.ones((1, 3))), "`equation`"),
        (lambda: layers.EinsumDense("ab,bc->ad", 3)(np.ones((1, 3))), "Axis 'c'"),
        (lambda: layers.EinsumDense("ab,bc->ac", 3, bias_axes="z")(np.ones((1, 3))), "`bias_axes`"),
        (
            lambda: layers.MultiHeadAttention(1, 2)(
                np.ones((1, 3, 2)), np.ones((1, 4, 2)), np.ones((1, 5, 2))
            ),
            "`key` and `value` must have the same length",
        ),
    ],
)
def test_bad_arguments_are_named(make, words):
    # The words are checked below. An axis that is no number is a TypeError, as in Keras.
    with pytest.raises((TypeError, ValueError)) as error:
        make()
    assert words in str(error.value)


def test_names_without_an_equation_yet_are_keras_own():
    assert layers.ConvLSTM2D is keras.layers.ConvLSTM2D
    with pytest.raises(AttributeError, match="neither has"):
        _ = layers.Conv17D
