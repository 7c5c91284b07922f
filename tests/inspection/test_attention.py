import math

import keras
import numpy as np
import pytest
from keras import ops
from matplotlib.figure import Figure
from matplotlib.image import imread

from kerasdl import models
from kerasdl.errors import InputError
from kerasdl.inspection import (
    attention_maps,
    class_token_attention,
    draw_attention,
    save_attention,
)

# The scores reach 20, where float32 is exact to 1e-6; the exponential passes that on.
TOLERANCE = 1e-5


def vit(**arguments):
    keras.utils.set_random_seed(2)
    defaults = {"patch_size": (2, 3), "num_layers": 2, "num_heads": 2, "hidden_dim": 8}
    model = models.ViT((4, 9, 1), 5, **(defaults | arguments))
    # Weights as large as a trained network's: with the initial ones attention is nearly uniform.
    model.set_weights([2 * w for w in model.get_weights()])
    return model


@pytest.fixture
def images(rng):
    return rng.random((3, 4, 9, 1), dtype="float32")


def by_hand(encoder, z):
    """Attention weights (B, heads, T, T) of a layer from its weights alone, in NumPy."""
    norm = encoder.attention_norm
    gamma, beta = (ops.convert_to_numpy(w) for w in norm.weights)
    x = (z - z.mean(axis=-1, keepdims=True)) / np.sqrt(z.var(axis=-1, keepdims=True) + 1e-6)
    W_Q, b_Q, W_K, b_K = (ops.convert_to_numpy(w) for w in encoder.self_attention.weights[:4])
    x = x * gamma + beta
    Q = np.einsum("btd,dnh->bnth", x, W_Q) + b_Q[:, np.newaxis]
    K = np.einsum("btd,dnh->bnth", x, W_K) + b_K[:, np.newaxis]
    e = np.exp(Q @ K.swapaxes(-1, -2) / math.sqrt(Q.shape[-1]))
    return e / e.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("pooling", ["token", "mean"])
def test_maps_are_the_softmax_of_the_scores(images, pooling):
    model = vit(pooling=pooling)
    maps = attention_maps(model, images)
    T = 6 + (pooling == "token")
    assert [a.shape for a in maps] == [(3, 2, T, T)] * 2
    z = keras.Model(model.input, model.get_layer("dropout").output)(images)
    for encoder, measured in zip(model.encoders, maps, strict=True):
        np.testing.assert_allclose(
            measured, by_hand(encoder, ops.convert_to_numpy(z)), atol=TOLERANCE
        )
        z = encoder(z)


def test_maps_are_those_of_inference(images):
    model = vit(dropout=0.5, attention_dropout=0.5)
    first, second = attention_maps(model, images), attention_maps(model, images)
    np.testing.assert_array_equal(first[-1], second[-1])
    np.testing.assert_allclose(first[-1].sum(axis=-1), 1, atol=TOLERANCE)


@pytest.mark.parametrize("layer", [0, -1])
def test_class_token_map_is_laid_out_as_the_picture(images, layer):
    model = vit()
    weights = attention_maps(model, images)[layer]
    seen = class_token_attention(model, images, layer)
    assert seen.shape == (3, 2, 3)
    for row in range(2):
        for column in range(3):
            patch = 1 + 3 * row + column
            expected = weights[:, :, 0, patch].mean(axis=1)
            np.testing.assert_allclose(seen[:, row, column], expected, atol=TOLERANCE)
    rest = weights[:, :, 0, 0].mean(axis=1)
    np.testing.assert_allclose(seen.sum(axis=(1, 2)) + rest, 1, atol=TOLERANCE)


def test_a_network_without_class_token_is_refused(images):
    with pytest.raises(ValueError, match=r"class token .* received pooling='mean'"):
        class_token_attention(vit(pooling="mean"), images)


def test_each_patch_is_drawn_in_its_place(images):
    weights = np.zeros((3, 2, 3))
    weights[1, 1, 2] = 1  # bottom right of the second picture
    figure = Figure()
    draw_attention(figure, images, weights + 1e-3, ["a", "b", "c"])
    *_, heat = figure.axes[3 + 1].images  # second row, second picture; the last image is on top
    drawn = np.asarray(heat.get_array())
    assert np.argwhere(drawn > 0.5).tolist() == [[1, 2]]
    H, W = images.shape[1:3]
    assert heat.get_extent() == [-0.5, W - 0.5, H - 0.5, -0.5]  # over the whole picture


@pytest.mark.parametrize("channels", [1, 3])
def test_the_picture_is_saved_whole(tmp_path, rng, channels):
    path = tmp_path / "attention.png"
    pictures = rng.random((2, 4, 9, channels))
    save_attention(path, pictures, rng.random((2, 2, 3)), ["zero", "one"])
    assert imread(path).std() > 0.1  # something is drawn
    assert [p.name for p in tmp_path.iterdir()] == ["attention.png"]
    with pytest.raises(ValueError, match="zip"):
        save_attention(path, pictures, rng.random((2, 2, 3)), ["one title too few"])
    assert [p.name for p in tmp_path.iterdir()] == ["attention.png"]


def test_a_network_without_attention_is_named(images):
    cnn = models.CNN((4, 9, 1), 5, filters=(4,), name="small")
    for function in (attention_maps, class_token_attention):
        with pytest.raises(InputError, match="'small' is of the class CNN and has none"):
            function(cnn, images)
