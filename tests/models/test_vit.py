"""The Vision Transformer as a model: shapes, files, options, bad input."""

import keras
import numpy as np
import pytest

from kerasdl import layers, losses, models, optimizers
from kerasdl.parity import relative_error, scramble

SMALL = dict(num_classes=5, patch_size=(4, 2), num_layers=2, num_heads=2, hidden_dim=8)


@pytest.mark.slow
@pytest.mark.parametrize("pooling", ["token", "mean"])
def test_keras_file_round_trip(tmp_path, rng, pooling):
    model = models.ViT((8, 6, 3), pooling=pooling, **SMALL)
    scramble(model)
    x = rng.uniform(size=(2, 8, 6, 3)).astype("float32")
    model.compile(
        optimizer=optimizers.Adam(1e-3),
        loss=losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(x, np.array([1, 2]), verbose=0)
    model.save(tmp_path / "vit.keras")
    again = keras.saving.load_model(tmp_path / "vit.keras")
    assert type(again) is models.ViT
    assert again.get_config() == model.get_config()
    assert relative_error(again(x), model(x)) == 0
    assert type(again.optimizer) is optimizers.Adam
    state = [np.array(v) for v in model.optimizer.variables]
    assert all(np.array_equal(a, np.array(b)) for a, b in zip(state, again.optimizer.variables))
    # The next step is the same too: loss, moments and schedule position came along.
    for m in (model, again):
        m.train_on_batch(x, np.array([1, 2]))
    assert len(again.get_weights()) == len(model.get_weights())


def test_tokens_and_positions():
    model = models.ViT((8, 6, 3), **SMALL)
    assert model.grid == (2, 3)
    assert model.get_layer("positions").sequence_length == 7
    assert (
        models.ViT((8, 6, 3), pooling="mean", **SMALL).get_layer("positions").sequence_length == 6
    )
    assert model.output_shape == (None, 5)


def test_no_built_in_layer_computes():
    model = models.ViT((8, 6, 3), **SMALL)
    computing = [
        layer
        for layer in model._flatten_layers(include_self=False)
        if layer.weights or isinstance(layer, keras.layers.Dropout)
    ]
    assert computing
    assert {type(layer) for layer in computing} <= set(layers.OURS)


def test_permuting_patches_and_positions_together_changes_nothing(rng):
    """Attention itself has no sense of order: it is all in the position embedding."""
    model = models.ViT((4, 4, 1), 3, patch_size=2, num_layers=1, num_heads=1, hidden_dim=4)
    scramble(model)
    x = rng.uniform(size=(1, 4, 4, 1)).astype("float32")
    before = model(x)
    swapped = np.concatenate([x[:, 2:], x[:, :2]], axis=1)  # upper and lower half
    assert relative_error(model(swapped), before) > 1e-3
    positions = model.get_layer("positions").position_embeddings
    E = keras.ops.convert_to_numpy(positions)
    positions.assign(E[[0, 3, 4, 1, 2]])
    assert relative_error(model(swapped), before) < 1e-5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (dict(pooling="max"), "`pooling` must be 'token' or 'mean', received 'max'"),
        (dict(patch_size=3), "Divisors of the height: [1, 2, 4, 8]"),
        (dict(num_classes=0), "`num_classes`"),
        (dict(num_heads=3), "`num_heads` must divide"),
        (dict(layers=3), "layers"),
    ],
)
def test_bad_arguments(arguments, words):
    with pytest.raises((ValueError, TypeError)) as error:
        models.ViT((8, 6, 3), **SMALL | arguments)
    assert words in str(error.value)


def test_mixed_precision_keeps_logits_in_float32(rng):
    model = models.ViT((8, 6, 3), dtype="mixed_bfloat16", **SMALL)
    logits = model(rng.uniform(size=(2, 8, 6, 3)).astype("float32"))
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"
    assert model.get_layer("encoder_0").compute_dtype == "bfloat16"
    assert type(model).from_config(model.get_config()).get_config() == model.get_config()


@pytest.mark.parametrize("pooling", ["token", "mean"])
def test_resized_for_larger_pictures(rng, pooling):
    model = models.ViT((8, 6, 3), pooling=pooling, **SMALL)
    scramble(model)
    x = rng.uniform(size=(2, 8, 6, 3)).astype("float32")
    assert relative_error(model.resized((8, 6, 3))(x), model(x)) < 1e-5
    larger = model.resized((16, 10, 3))
    assert type(larger) is models.ViT
    assert larger.grid == (4, 5)
    assert tuple(larger(rng.uniform(size=(1, 16, 10, 3)).astype("float32")).shape) == (1, 5)
    for ours, theirs in zip(model.weights, larger.weights, strict=True):
        ours, theirs = np.array(ours), np.array(theirs)
        if ours.shape == theirs.shape:
            np.testing.assert_array_equal(ours, theirs)
        else:  # the positions; the class token keeps its own, if there is one
            assert theirs.shape[0] == 20 + (pooling == "token")
            if pooling == "token":
                np.testing.assert_array_equal(ours[0], theirs[0])


@pytest.mark.parametrize(
    ("shape", "words"), [((9, 6, 3), "`patch_size` must divide"), ((8, 6, 1), "3 channels")]
)
def test_sizes_that_cannot_be(shape, words):
    with pytest.raises(ValueError, match=words):
        models.ViT((8, 6, 3), **SMALL).resized(shape)


def test_arguments_can_be_read():
    sizes = dict(patch_size=2, num_layers=1, num_heads=2, hidden_dim=8, dropout=0.1)
    model = models.ViT((4, 4, 1), 3, **sizes)
    assert (model.num_layers, model.num_heads, model.hidden_dim, model.mlp_dim) == (1, 2, 8, 16)
    assert (model.patch_size, model.grid, model.image_shape) == ((2, 2), (2, 2), (4, 4, 1))
    assert (model.dropout, model.attention_dropout, model.pooling) == (0.1, 0.0, "token")
