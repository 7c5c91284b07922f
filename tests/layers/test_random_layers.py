"""Layers that draw: what they draw, what they share, and that inference leaves the input alone."""

import keras
import numpy as np
import pytest
import tolerances as tol
from keras import ops
from scipy import stats

from kerasdl import layers
from kerasdl.backend import value_and_grad
from kerasdl.parity import relative_error

# name, arguments, rank of the input (None: any)
DRAWING = [
    ("Dropout", dict(rate=0.3), None),
    ("SpatialDropout1D", dict(rate=0.3), 3),
    ("SpatialDropout2D", dict(rate=0.3), 4),
    ("SpatialDropout3D", dict(rate=0.3), 5),
    ("GaussianNoise", dict(stddev=0.3), None),
    ("GaussianDropout", dict(rate=0.3), None),
    ("AlphaDropout", dict(rate=0.3), None),
]
SHAPES = {None: (3, 4), 3: (3, 2, 4), 4: (3, 2, 2, 4), 5: (3, 2, 2, 2, 4)}
DROPPING = [case for case in DRAWING if case[0] != "GaussianNoise"]


@pytest.mark.parametrize(("name", "arguments", "rank"), DRAWING)
def test_same_seed_same_draws_and_inference_does_nothing(name, arguments, rank, rng):
    x = ops.convert_to_tensor(rng.normal(size=SHAPES[rank]).astype("float32"))
    make = getattr(layers, name)
    layer = make(**arguments, seed=1)
    assert layer.built
    assert relative_error(layer(x), x) == 0
    first, second = layer(x, training=True), layer(x, training=True)
    assert relative_error(first, second) > 0
    assert relative_error(make(**arguments, seed=1)(x, training=True), first) == 0
    again = make.from_config(layer.get_config())
    assert relative_error(again(x, training=True), first) == 0
    assert layer.compute_output_shape(x.shape) == x.shape
    nothing = make(**dict.fromkeys(arguments, 0))
    assert relative_error(nothing(x, training=True), x) == 0


@pytest.mark.parametrize(("name", "arguments", "rank"), DRAWING)
def test_config_and_file_are_keras(name, arguments, rank, tmp_path):
    ours = getattr(layers, name)(**arguments, seed=1, name="noise", dtype="mixed_bfloat16")
    theirs = getattr(keras.layers, name)(**arguments, seed=1, name="noise", dtype="mixed_bfloat16")
    config, expected = ours.get_config(), theirs.get_config()
    if "Spatial" in name:
        # Keras keeps the weights' dtype only: read back, its layer computes in float32.
        assert type(theirs).from_config(expected).compute_dtype == "float32"
        del config["dtype"], expected["dtype"]
    assert config == expected
    assert type(theirs).from_config(ours.get_config()).compute_dtype == "bfloat16"
    model = keras.Sequential([keras.Input(SHAPES[rank][1:]), ours])
    model.save(tmp_path / "noise.keras")
    again = keras.saving.load_model(tmp_path / "noise.keras").layers[-1]
    assert type(again) is type(ours)
    assert again.dtype_policy.name == "mixed_bfloat16"


@pytest.mark.parametrize(("name", "arguments", "rank"), DROPPING)
def test_the_expectation_is_kept(name, arguments, rank):
    """Over 40,000 draws the mean of what comes out is what went in, within six deviations."""
    shape = {None: (200, 200), 3: (400, 1, 100), 4: (400, 1, 1, 100), 5: (400, 1, 1, 1, 100)}[rank]
    x = np.ones(shape, dtype="float32")
    if name == "AlphaDropout":
        x = np.random.default_rng(0).normal(size=shape).astype("float32")
    y = ops.convert_to_numpy(getattr(layers, name)(**arguments, seed=1)(x, training=True))
    deviation = max(y.std(), 0.1) / np.sqrt(y.size)
    assert abs(y.mean() - x.mean()) < 6 * deviation
    if name.endswith("Dropout") or name.startswith("Spatial"):
        expected = 1.0 if name == "AlphaDropout" else np.sqrt(0.3 / 0.7)
        assert abs(y.std() - expected) < 0.03
    if name in ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"):
        low, high = stats.binom.ppf([5e-7, 1 - 5e-7], y.size, 0.3)
        assert low <= (y == 0).sum() <= high
        assert relative_error(y[y != 0], np.full((y != 0).sum(), 1 / 0.7)) <= tol.FORWARD_32


def test_gaussian_noise_has_its_deviation():
    y = ops.convert_to_numpy(layers.GaussianNoise(0.3, seed=1)(np.zeros((200, 200)), training=True))
    low, high = stats.chi2.ppf([5e-7, 1 - 5e-7], df=y.size - 1)
    assert 0.09 * low < (y**2).sum() < 0.09 * high
    assert stats.kstest(y.ravel() / 0.3, "norm").pvalue > 1e-6


@pytest.mark.parametrize("name", ["GaussianNoise", "GaussianDropout", "AlphaDropout"])
def test_same_draws_as_keras(name, rng):
    x = rng.normal(size=(5, 6)).astype("float32")
    ours = getattr(layers, name)(0.3, seed=4)(x, training=True)
    theirs = getattr(keras.layers, name)(0.3, seed=4)(x, training=True)
    assert relative_error(ours, theirs) <= tol.FORWARD_32


@pytest.mark.parametrize("name", ["Dropout", "SpatialDropout1D"])
def test_same_draws_as_keras_on_tensorflow(name, rng):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("Keras draws booleans by another function of the backend")
    x = rng.normal(size=(5, 6, 7)).astype("float32")
    ours = getattr(layers, name)(0.3, seed=4)(x, training=True)
    theirs = getattr(keras.layers, name)(0.3, seed=4)(x, training=True)
    assert relative_error(ours, theirs) == 0


@pytest.mark.parametrize("name", ["SpatialDropout2D", "SpatialDropout3D"])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_a_feature_map_goes_as_a_whole(name, data_format):
    rank = 4 if name.endswith("2D") else 5
    x = np.ones((20, 4, *[3] * (rank - 3), 5), dtype="float32")
    y = getattr(layers, name)(0.5, data_format=data_format, seed=1)(x, training=True)
    y = ops.convert_to_numpy(y)
    y = y if data_format == "channels_last" else np.moveaxis(y, 1, -1)
    y = y.reshape(20, -1, y.shape[-1])
    assert (y == y[:, :1]).all()
    assert 0.2 < (y[:, 0] == 0).mean() < 0.8


def test_noise_shape_is_shared():
    x = np.ones((6, 5, 40), dtype="float32")
    for name in ("Dropout", "AlphaDropout"):
        y = getattr(layers, name)(0.5, noise_shape=(None, 1, None), seed=1)(x, training=True)
        y = ops.convert_to_numpy(y)
        assert (y == y[:, :1]).all()
        assert len(np.unique(y)) == 2


def test_alpha_dropout_is_its_equation_in_float64(rng):
    """Both values that a unit can take, against NumPy, and the gradient a·r."""
    x = rng.normal(size=(40, 50))
    alpha, scale, p = 1.6732632423543772, 1.0507009873554805, 0.3
    lower = -alpha * scale
    a = 1 / np.sqrt((1 - p) * (1 + p * lower**2))
    b = -a * p * lower
    layer = layers.AlphaDropout(p, seed=3, dtype="float64")
    y, (gradient,) = value_and_grad(lambda x: ops.sum(layer(x, training=True)), [x])
    gradient = ops.convert_to_numpy(gradient)
    kept = gradient != 0
    y = ops.convert_to_numpy(layers.AlphaDropout(p, seed=3, dtype="float64")(x, training=True))
    expected = a * np.where(kept, x, lower) + b
    assert 0.6 < kept.mean() < 0.8
    assert relative_error(y, expected) <= tol.FORWARD_64
    assert relative_error(gradient, a * kept) <= tol.GRADIENT_64


@pytest.mark.parametrize("name", ["Dropout", "GaussianDropout"])
def test_the_gradient_is_the_noise(name, rng):
    x = rng.normal(size=(6, 7)) + 3
    make = getattr(layers, name)

    def loss(x):
        return ops.sum(make(0.4, seed=2, dtype="float64")(x, training=True))

    _, (gradient,) = value_and_grad(loss, [x])
    y = make(0.4, seed=2, dtype="float64")(x, training=True)
    assert relative_error(gradient, ops.convert_to_numpy(y) / x) <= tol.GRADIENT_64


@pytest.mark.parametrize(("name", "arguments", "rank"), DRAWING)
@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision(name, arguments, rank, dtype):
    shape = {None: (100, 100), 3: (100, 1, 100), 4: (100, 1, 1, 100), 5: (100, 1, 1, 1, 100)}[rank]
    y = getattr(layers, name)(**arguments, seed=1, dtype=dtype)(np.ones(shape), training=True)
    assert keras.backend.standardize_dtype(y.dtype) == dtype.removeprefix("mixed_")
    y = ops.convert_to_numpy(ops.cast(y, "float32"))
    assert np.isfinite(y).all()
    if name == "Dropout":
        low, high = stats.binom.ppf([5e-7, 1 - 5e-7], y.size, 0.3)
        assert low <= (y == 0).sum() <= high, "the probability is not rounded"


def test_a_dropped_unit_leaves_nothing_behind():
    """Infinity or NaN in a unit that is dropped does not reach the next layer."""
    x = np.full((1000,), np.inf, dtype="float32")
    y = ops.convert_to_numpy(layers.Dropout(0.5, seed=1)(x, training=True))
    assert set(np.unique(y)) == {0.0, np.inf}


def test_masks_and_unknown_sizes_pass(rng):
    inputs = keras.Input((None, 3))
    x = keras.layers.Masking()(inputs)
    for name, arguments, rank in DRAWING:
        if rank in (None, 3):
            x = getattr(layers, name)(**arguments, seed=1)(x)
    x = layers.ActivityRegularization(l2=0.1)(x)
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling1D()(x))
    model.compile(loss="mse")
    for length in (4, 6):
        model.train_on_batch(rng.normal(size=(2, length, 3)), np.zeros((2, 3)))
    padded = np.concatenate([np.ones((1, 3, 3)), np.zeros((1, 2, 3))], axis=1)
    # The mask arrived: what is padded does not change the answer.
    assert relative_error(model(padded), model(padded[:, :3])) <= tol.FORWARD_32


def test_activity_regularization_is_keras(rng):
    x = rng.normal(size=(4, 3))
    ours = layers.ActivityRegularization(l1=0.2, l2=0.3, dtype="float64")
    theirs = keras.layers.ActivityRegularization(l1=0.2, l2=0.3, dtype="float64")
    assert relative_error(ours(x), theirs(x)) == 0
    assert relative_error(ours.losses[0], theirs.losses[0]) <= tol.FORWARD_64
    # Its factors pass through float32 on TensorFlow.
    by_hand = (0.2 * np.abs(x).sum() + 0.3 * (x**2).sum()) / 4
    assert relative_error(ours.losses[0], by_hand) <= 1e-7
    again = layers.ActivityRegularization.from_config(ours.get_config())
    assert (again.l1, again.l2) == (0.2, 0.3)
    with pytest.raises(ValueError, match="argument l1"):
        layers.ActivityRegularization(l1=-1)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: layers.GaussianNoise(2), "`stddev`. Expected a float value between 0 and 1"),
        (lambda: layers.GaussianDropout(-0.1), "`rate`. Expected a float"),
        (lambda: layers.GaussianDropout(1.0)(np.ones(2), training=True), "must be less than 1"),
        (lambda: layers.AlphaDropout(1)(np.ones(2), training=True), "must be less than 1"),
        (lambda: layers.AlphaDropout(0.1, noise_shape=(0,)), "`noise_shape`"),
        (lambda: layers.Dropout(0.1, noise_shape=7), "`noise_shape`"),
        (lambda: layers.SpatialDropout1D(1.2), "`rate`"),
        (lambda: layers.SpatialDropout2D(0.1, data_format="last"), "`data_format`"),
        (lambda: layers.SpatialDropout2D(0.1)(np.ones((2, 3, 4))), "expected ndim=4"),
    ],
)
def test_bad_arguments_are_named(make, words):
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the words are checked below
        make()
    assert words in str(error.value)
