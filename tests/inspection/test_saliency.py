import keras
import numpy as np
import pytest
from keras import ops

from kerasdl import models
from kerasdl.backend import value_and_grad
from kerasdl.errors import InputError
from kerasdl.inspection import grad_cam, saliency
from kerasdl.inspection.attention import attention_maps

CLASSES = [2, 0, 4]
# The maps lie in 0 … 1 after a division by their range; float32 gradients carry 4 to 5 digits.
TOLERANCE = 1e-4


@pytest.fixture
def model():
    return vit()


def vit(**arguments):
    """A small network on pictures that are not square, in colour."""
    keras.utils.set_random_seed(1)
    defaults = {"patch_size": (2, 3), "num_layers": 2, "num_heads": 2, "hidden_dim": 8}
    return models.ViT((4, 9, 3), 5, **(defaults | arguments))


@pytest.fixture
def images(rng):
    return rng.random((3, 4, 9, 3), dtype="float32")


def scaled(maps):
    low = maps.min(axis=(1, 2), keepdims=True)
    high = maps.max(axis=(1, 2), keepdims=True)
    return (maps - low) / (high - low + keras.config.epsilon())  # as tf-keras-vis does it


def score(logits, classes):
    return ops.sum(logits * ops.one_hot(np.array(classes), logits.shape[-1]))


def test_saliency_is_the_absolute_gradient(model, images):
    _, (gradient,) = value_and_grad(lambda x: score(model(x), CLASSES), [images])
    expected = scaled(np.abs(ops.convert_to_numpy(gradient)).max(axis=-1))
    measured = saliency(model, images, CLASSES)
    assert measured.shape == (3, 4, 9)
    np.testing.assert_allclose(measured, expected, atol=TOLERANCE)


def test_saliency_of_one_picture_does_not_depend_on_its_neighbours(model, images):
    together = saliency(model, images, CLASSES)
    alone = saliency(model, images[1:2], CLASSES[1])
    np.testing.assert_allclose(together[1:2], alone, atol=TOLERANCE)


def test_one_class_stands_for_all(model, images):
    np.testing.assert_array_equal(saliency(model, images, 3), saliency(model, images, [3, 3, 3]))
    assert not np.allclose(saliency(model, images, 3), saliency(model, images, 1))


def test_smooth_saliency_without_noise_is_the_plain_one(model, images):
    smooth = saliency(model, images, CLASSES, smooth_samples=3, smooth_noise=0.0)
    np.testing.assert_allclose(smooth, saliency(model, images, CLASSES), atol=TOLERANCE)


def test_smooth_saliency_follows_the_seed(model, images):
    def smooth():
        keras.utils.set_random_seed(5)
        return saliency(model, images, CLASSES, smooth_samples=2)

    first = smooth()
    np.testing.assert_array_equal(first, smooth())
    assert not np.allclose(first, saliency(model, images, CLASSES), atol=TOLERANCE)


@pytest.mark.parametrize("pooling", ["token", "mean"])
@pytest.mark.parametrize("layer", [0, -1])
def test_grad_cam_is_its_equation(images, pooling, layer):
    model = vit(pooling=pooling)
    encoders = model.encoders[layer:] if layer else model.encoders
    tokens = keras.Model(model.input, encoders[0].input)(images)  # (B, T, D)

    def rest_of_network(z):
        for encoder in encoders:
            z = encoder(z)
        z = model.get_layer("norm")(z)
        y = z[:, 0] if pooling == "token" else ops.mean(z, axis=1)
        return score(model.get_layer("head")(y), CLASSES)

    _, (gradient,) = value_and_grad(rest_of_network, [tokens])
    first = 1 if pooling == "token" else 0
    A = ops.convert_to_numpy(tokens)[:, first:]  # (B, N, D)
    alpha = ops.convert_to_numpy(gradient)[:, first:].mean(axis=1, keepdims=True)
    cam = np.maximum((alpha * A).sum(axis=-1), 0).reshape(3, 2, 3)  # 4 / 2 rows, 9 / 3 columns
    # Some pictures may have nothing that speaks for the class; not most of them.
    assert np.count_nonzero(cam.max(axis=(1, 2))) >= 2
    np.testing.assert_allclose(
        grad_cam(model, images, CLASSES, layer=layer), scaled(cam), atol=TOLERANCE
    )


def test_the_network_stays_as_it_was(model, images):
    before = ops.convert_to_numpy(model(images))
    names = [layer.name for layer in model.layers]
    weights = [w.copy() for w in model.get_weights()]
    maps = attention_maps(model, images)
    saliency(model, images, CLASSES)
    grad_cam(model, images, CLASSES)
    np.testing.assert_array_equal(ops.convert_to_numpy(model(images)), before)
    assert [layer.name for layer in model.layers] == names
    for old, new in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    for old, new in zip(maps, attention_maps(model, images), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("function", [saliency, grad_cam])
@pytest.mark.parametrize(
    ("shape", "classes", "message"),
    [
        ((3, 4, 9, 1), 0, r"`images` must have the shape \(B, 4, 9, 3\), received \(3, 4, 9, 1\)"),
        ((4, 9, 3), 0, "`images` must have the shape"),
        ((0, 4, 9, 3), 0, "`images` must have the shape"),
        ((3, 4, 9, 3), [0, 1], "one for each of the 3 images"),
        ((3, 4, 9, 3), 1.5, "`classes` must be one integer"),
        ((3, 4, 9, 3), [0, 1, 5], "`classes` must lie between 0 and 4"),
        ((3, 4, 9, 3), -1, "`classes` must lie between 0 and 4"),
    ],
)
def test_bad_arguments(model, function, shape, classes, message):
    with pytest.raises(InputError, match=message):
        function(model, np.zeros(shape, "float32"), classes)


@pytest.mark.parametrize("layer", [0, -1])
def test_grad_cam_of_a_cnn_is_its_equation(images, layer):
    cnn = models.CNN((4, 9, 3), 5, filters=(4, 6), dense_units=7)
    maps_of = keras.Model(cnn.input, cnn.blocks[layer].output)
    rest = keras.Model(cnn.blocks[layer].output, cnn.output)
    A = ops.convert_to_numpy(maps_of(images))  # (B, rows, columns, D)
    _, (gradient,) = value_and_grad(lambda a: score(rest(a), CLASSES), [A])
    alpha = ops.convert_to_numpy(gradient).mean(axis=(1, 2), keepdims=True)
    expected = scaled(np.maximum((alpha * A).sum(axis=-1), 0))
    measured = grad_cam(cnn, images, CLASSES, layer)
    assert measured.shape == ((3, 4, 9) if layer == 0 else (3, 2, 4))
    np.testing.assert_allclose(measured, expected, atol=TOLERANCE)


def test_a_network_without_feature_maps_is_named(images):
    mlp = models.MLP((4, 9, 3), 5, hidden_units=(4,), name="small")
    assert saliency(mlp, images, CLASSES).shape == (3, 4, 9)
    with pytest.raises(InputError, match="'small' is of the class MLP"):
        grad_cam(mlp, images, CLASSES)
