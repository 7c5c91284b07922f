"""The Vision Transformers that say what lies where."""

import keras
import numpy as np
import pytest

from kerasdl import models
from kerasdl.models.vit_detector import patch_boxes
from kerasdl.parity import relative_error, scramble

SMALL = dict(num_classes=3, num_layers=1, num_heads=2, hidden_dim=8)
NETWORKS = {
    "segmenter": (models.ViTSegmenter, (8, 12, 3)),
    "detector": (models.ViTDetector, (6, 1 + 3 + 4)),
}


@pytest.mark.parametrize("stem", ["patches", "convolutions"])
@pytest.mark.parametrize("name", NETWORKS)
def test_shapes_files_and_larger_pictures(tmp_path, rng, name, stem):
    network, shape = NETWORKS[name]
    model = network((8, 12, 1), patch_size=4, stem=stem, **SMALL)
    scramble(model)
    x = rng.uniform(size=(2, 8, 12, 1)).astype("float32")
    assert tuple(model(x).shape) == (2, *shape)
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    assert type(again) is network
    assert again.get_config() == model.get_config()
    assert relative_error(again(x), model(x)) == 0
    assert relative_error(model.resized((8, 12, 1))(x), model(x)) < 1e-5
    larger = model.resized((16, 12, 1))
    assert larger.grid == (4, 3)
    larger(rng.uniform(size=(1, 16, 12, 1)).astype("float32"))
    assert [a.shape for a in map(np.array, model.attend(x))] == [(2, 2, 6, 6)]


def test_each_patch_speaks_of_its_own_pixels(rng):
    """With one layer that hands its tokens on, pixels far away change nothing."""
    model = models.ViTSegmenter((8, 8, 1), patch_size=4, **SMALL)
    for weight in model.get_layer("encoder_0").weights:
        if "kernel" in weight.path and ("output" in weight.path or "dense_1" in weight.path):
            weight.assign(keras.ops.zeros(weight.shape))
    x = rng.uniform(size=(1, 8, 8, 1)).astype("float32")
    moved = x.copy()
    moved[0, :4, 4:] += 1  # the patch at the upper right
    same = np.array(model(moved) == model(x))[0].all(axis=-1)
    changed = ~same
    assert changed[:4, 4:].all() or not changed[:, :4].any()
    assert not changed[4:].any()
    assert not changed[:4, :4].any()


def test_boxes_follow_their_equation(rng):
    t = rng.normal(size=(2, 6, 4)).astype("float32")
    measured = np.array(patch_boxes(keras.ops.convert_to_tensor(t), (8, 12), (4, 4)))
    for b, n in np.ndindex(2, 6):
        s = 1 / (1 + np.exp(-t[b, n]))
        y, x = 4 * (n // 3 + s[0]), 4 * (n % 3 + s[1])
        h, w = 8 * s[2], 12 * s[3]
        expected = [y - h / 2, x - w / 2, y + h / 2, x + w / 2]
        np.testing.assert_allclose(measured[b, n], expected, rtol=1e-5)


def test_objects_are_found_once_the_most_probable_first():
    model = models.ViTDetector((8, 12, 1), patch_size=4, **SMALL)
    logits = np.zeros((1, 6, 4), "float32")
    logits[..., 0] = 9  # nothing
    boxes = np.tile(np.array([0, 0, 4, 4], "float32"), (1, 6, 1))
    for patch, k, box in [(1, 2, (0, 0, 8, 4)), (4, 2, (0, 0, 8, 5)), (5, 0, (4, 8, 8, 12))]:
        logits[0, patch] = 0
        logits[0, patch, 1 + k] = 3 + patch
        boxes[0, patch] = box
    model.call = lambda *_, **__: keras.ops.concatenate([logits, boxes], axis=-1)
    found, classes, scores = map(np.array, model.detect(np.zeros((1, 8, 12, 1), "float32"), most=3))
    assert found.shape == (1, 3, 4)
    assert classes[0, :2].tolist() == [0, 2]
    np.testing.assert_array_equal(found[0, :2], [(4, 8, 8, 12), (0, 0, 8, 5)])
    expected = [np.exp(v) / (3 + np.exp(v)) for v in (8.0, 7.0)]
    np.testing.assert_allclose(scores[0, :2], expected, rtol=1e-5)
    assert scores[0, 2] == 0  # the twin has gone


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (dict(stem="waves"), "`stem` must be 'patches' or 'convolutions', received 'waves'"),
        (dict(stem="convolutions", patch_size=3), "power of 2"),
        (dict(patch_size=5), "`patch_size` must divide"),
        (dict(num_classes=0), "`num_classes`"),
        (dict(pooling="mean"), "pooling"),
    ],
)
@pytest.mark.parametrize("name", NETWORKS)
def test_bad_arguments(name, arguments, words):
    with pytest.raises((ValueError, TypeError)) as error:
        NETWORKS[name][0]((9, 12, 1), **SMALL | dict(patch_size=3) | arguments)
    assert words in str(error.value)
