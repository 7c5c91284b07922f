"""The CNN and the MLP as models: shapes, files, options, bad input, and their built-in twins."""

import keras
import numpy as np
import pytest
from keras import ops
from tolerances import FORWARD_64, GRADIENT_64

from kerasdl import layers, losses, models, optimizers
from kerasdl.backend import value_and_grad
from kerasdl.parity import relative_error, scramble

SHAPE = (8, 6, 3)
NETWORKS = {
    "cnn": lambda **k: models.CNN(SHAPE, 5, **dict(filters=(4, 6), dense_units=7) | k),
    "linear cnn": lambda **k: models.CNN(SHAPE, 5, **dict(filters=[4], dense_units=0) | k),
    "mlp": lambda **k: models.MLP(SHAPE, 5, **dict(hidden_units=(9, 7), batch_norm=True) | k),
    "linear mlp": lambda **k: models.MLP(SHAPE, 5, **dict(hidden_units=()) | k),
}
every_network = pytest.mark.parametrize("name", NETWORKS)


def pictures(rng, dtype="float32"):
    return rng.uniform(size=(4, *SHAPE)).astype(dtype)


@every_network
def test_keras_file_round_trip(tmp_path, rng, name):
    model = NETWORKS[name](l2=1e-3, dropout=0.2)
    scramble(model)
    x = pictures(rng)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded) is type(model)
    assert loaded.get_config() == model.get_config()
    np.testing.assert_array_equal(ops.convert_to_numpy(loaded(x)), ops.convert_to_numpy(model(x)))
    assert model.output_shape == (None, 5)


@every_network
def test_equals_its_twin_from_built_ins_in_float64(rng, name):
    """Logits, loss with penalties and the gradients of all weights, in training mode."""
    model = NETWORKS[name](l2=1e-2, dropout=0.0, dtype="float64")
    scramble(model)
    twin = model.from_builtins()
    x, y = pictures(rng, "float64"), np.array([0, 1, 2, 4])
    assert relative_error(model(x), twin(x)) <= FORWARD_64

    def loss_and_gradients(network, criterion):
        return value_and_grad(
            lambda *_: sum(network.losses, ops.mean(criterion(y, network(x, training=True)))),
            network.trainable_variables,
        )

    from_logits = dict(from_logits=True, dtype="float64")
    ours = loss_and_gradients(model, losses.SparseCategoricalCrossentropy(**from_logits))
    built_in = keras.losses.SparseCategoricalCrossentropy(**from_logits)
    theirs = loss_and_gradients(twin, built_in)
    assert relative_error(ours[0], theirs[0]) <= FORWARD_64
    scale = max(float(ops.max(ops.abs(g))) for g in theirs[1])
    for a, b in zip(ours[1], theirs[1], strict=True):
        # A bias in front of a normalisation has gradient 0 but for rounding: measured on the scale
        # of all.
        difference = np.abs(ops.convert_to_numpy(a) - ops.convert_to_numpy(b)).max()
        assert difference <= GRADIENT_64 * scale


@every_network
def test_the_twin_is_of_built_ins_and_ours_is_not(name):
    model = NETWORKS[name](dropout=0.1)
    twin = model.from_builtins()
    assert not {type(layer) for layer in twin.layers} & set(layers.OURS)
    structure = (keras.layers.InputLayer, layers.Flatten)
    computing = {type(a) for a in model.layers if not isinstance(a, structure)}
    assert computing <= set(layers.OURS)
    for ours, theirs in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@every_network
def test_penalty_is_the_sum_of_squared_kernels(name):
    model = NETWORKS[name](l2=0.5)
    kernels = [w for w in model.trainable_weights if "kernel" in w.path]
    expected = 0.5 * sum(float(ops.sum(ops.square(w))) for w in kernels)
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)
    assert NETWORKS[name]().losses == []


@every_network
def test_trains(rng, name):
    model = NETWORKS[name]()
    model.compile(optimizers.Adam(0.01), losses.SparseCategoricalCrossentropy(from_logits=True))
    x, y = rng.uniform(size=(32, *SHAPE)).astype("float32"), np.arange(32) % 5
    history = model.fit(x, y, epochs=4, batch_size=16, verbose=0).history["loss"]
    assert history[-1] < history[0]


def test_mixed_precision_keeps_logits_in_float32(rng):
    for name in ("cnn", "mlp"):
        model = NETWORKS[name](dtype="mixed_bfloat16")
        assert keras.backend.standardize_dtype(model(pictures(rng)).dtype) == "float32"
        assert model.layers[1].compute_dtype == "bfloat16"
        assert type(model).from_config(model.get_config()).get_config() == model.get_config()


def test_blocks_of_a_cnn_are_its_feature_maps():
    model = NETWORKS["cnn"]()
    assert [tuple(b.output.shape) for b in model.blocks] == [(None, 8, 6, 4), (None, 4, 3, 6)]


@pytest.mark.parametrize(
    ("network", "arguments", "words"),
    [
        (models.CNN, dict(filters=()), "`filters` must name 1 to 2 blocks"),
        (models.CNN, dict(filters=(4, 4, 4)), "1 to 2 blocks for pictures of 8 × 6"),
        (models.CNN, dict(filters=(4, 0)), "`filters` must be a list of positive integers"),
        (models.CNN, dict(kernel_size=0), "`kernel_size`"),
        (models.CNN, dict(l2=-1), "`l2` must be a number of at least 0"),
        (models.CNN, dict(depth=3), "depth"),
        (models.MLP, dict(hidden_units=8), "`hidden_units`"),
        (models.MLP, dict(dropout=1.5), "rate"),
        (models.MLP, dict(units=3), "units"),
    ],
)
def test_bad_arguments(network, arguments, words):
    with pytest.raises((ValueError, TypeError)) as error:
        network(SHAPE, 5, **arguments)
    assert words in str(error.value)
