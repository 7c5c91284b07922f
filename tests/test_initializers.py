"""Initialisers: values, variances, fans, seeds, names, configs."""

import itertools

import keras
import numpy as np
import pytest
import tolerances as tol
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from scipy import stats

from kerasdl import initializers, layers
from kerasdl.parity import relative_error

SCALED = [
    "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform",
]  # fmt: skip

# The variance of each law, from its equation.
VARIANCES = {
    "GlorotNormal": lambda n_in, n_out: 2 / (n_in + n_out),
    "GlorotUniform": lambda n_in, n_out: 2 / (n_in + n_out),
    "HeNormal": lambda n_in, n_out: 2 / n_in,
    "HeUniform": lambda n_in, n_out: 2 / n_in,
    "LecunNormal": lambda n_in, n_out: 1 / n_in,
    "LecunUniform": lambda n_in, n_out: 1 / n_in,
    "XavierNormal": lambda n_in, n_out: 1 / n_in,
    "XavierUniform": lambda n_in, n_out: 1 / n_in,
}


def chi_square_bounds(variance, size):
    """Bounds that the sample variance of normal numbers leaves once in a million times.

    The uniform and the truncated normal law scatter less: the bounds are wide for them.
    """
    low, high = stats.chi2.ppf([5e-7, 1 - 5e-7], df=size - 1)
    return variance * low / (size - 1), variance * high / (size - 1)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        *[(name, {}) for name in SCALED],
        *[(name, dict(input_axes=[0], output_axes=[1, 2])) for name in SCALED],
        ("VarianceScaling", {}),
        ("VarianceScaling", dict(scale=3.0, mode="fan_out", distribution="uniform")),
        ("VarianceScaling", dict(mode="fan_avg", distribution="untruncated_normal")),
        ("VarianceScaling", dict(distribution="normal")),
        ("RandomNormal", dict(mean=1.0, stddev=0.5)),
        ("RandomUniform", dict(minval=-1.0, maxval=3.0)),
        ("TruncatedNormal", dict(mean=-1.0, stddev=0.5)),
        ("Orthogonal", dict(gain=2.0)),
        ("Zeros", None),
        ("Ones", None),
        ("Constant", None),
    ],
)
def test_same_seed_same_values_as_keras(name, arguments):
    arguments = {} if arguments is None else {"seed": 7, **arguments}
    ours = getattr(initializers, name)(**arguments)
    theirs = getattr(keras.initializers, name)(**arguments)
    for dtype in ("float64", "float32"):
        a, b = ours((6, 5, 4), dtype=dtype), theirs((6, 5, 4), dtype=dtype)
        assert keras.backend.standardize_dtype(a.dtype) == dtype
        assert np.array_equal(ops.convert_to_numpy(a), ops.convert_to_numpy(b))
    assert ours.get_config() == theirs.get_config()


@pytest.mark.parametrize("shape", [(3, 5), (5, 3)])
def test_identity_and_array_constants(shape):
    for name, argument in [("Identity", 0.3), ("Constant", np.arange(shape[1]))]:
        ours = getattr(initializers, name)(argument)
        theirs = getattr(keras.initializers, name)(argument)
        a, b = ours(shape, dtype="float64"), theirs(shape, dtype="float64")
        assert np.array_equal(ops.convert_to_numpy(a), ops.convert_to_numpy(b))
    expected = np.broadcast_to(np.arange(shape[1]), shape)
    assert np.array_equal(ops.convert_to_numpy(a), expected)


@pytest.mark.parametrize("name", VARIANCES)
@pytest.mark.parametrize("shape", [(400, 300), (3, 3, 32, 64)])
def test_variance_is_that_of_the_equation(name, shape):
    w = ops.convert_to_numpy(getattr(initializers, name)(seed=1)(shape)).astype("float64")
    n_in, n_out = initializers.compute_fans(shape)
    assert n_in == np.prod(shape[:-1])
    variance = VARIANCES[name](n_in, n_out)
    low, high = chi_square_bounds(variance, w.size)
    assert low < w.var(ddof=1) < high
    assert abs(w.mean()) < 6 * np.sqrt(variance / w.size)
    if name.endswith("Uniform"):
        assert 0.99 * np.sqrt(3 * variance) < np.abs(w).max() <= np.sqrt(3 * variance)
    else:
        # Truncated at two of the wider normal's deviations, except where it is not truncated.
        limit = 2 * np.sqrt(variance) / 0.87962566103423978
        assert (np.abs(w).max() <= limit * (1 + 1e-6)) == (name != "XavierNormal")


def test_the_truncated_deviation_is_where_the_constant_comes_from():
    from kerasdl.initializers.scaling import _TRUNCATED_STDDEV

    assert abs(stats.truncnorm(-2, 2).std() - _TRUNCATED_STDDEV) < 1e-14


def test_xavier_keeps_the_variance_of_the_signal_and_glorot_compromises():
    """Ten linear layers from 512 to 512 and back to 128: 1/n keeps, 2/(n + m) does not."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 512))
    sizes = [512, 128] * 5
    for name, keeps in [("XavierNormal", True), ("XavierUniform", True), ("GlorotUniform", False)]:
        h = x
        for i, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
            h = h @ ops.convert_to_numpy(getattr(initializers, name)(seed=i)((n_in, n_out)))
        # From 512 to 128 Glorot multiplies by 512 · 2/640 = 1.6, back by 0.4: together 0.64.
        assert (0.5 < h.var() < 2) == keeps
    normal = initializers.XavierNormal(seed=3)((9, 8))
    law = keras.initializers.VarianceScaling(1.0, "fan_in", "untruncated_normal", seed=3)((9, 8))
    assert np.array_equal(ops.convert_to_numpy(normal), ops.convert_to_numpy(law))
    uniform = initializers.XavierUniform(seed=3)((9, 8))
    lecun = keras.initializers.LecunUniform(seed=3)((9, 8))
    assert np.array_equal(ops.convert_to_numpy(uniform), ops.convert_to_numpy(lecun))


# A few shapes: JAX compiles for each.
@settings(max_examples=20, deadline=None)
@given(
    shape=st.sampled_from([(5, 5), (7, 3), (1, 6)]),
    gain=st.floats(0.1, 10),
    seed=st.integers(0, 99),
)
def test_orthogonal(shape, gain, seed):
    rows, columns = shape
    W = ops.convert_to_numpy(initializers.Orthogonal(gain, seed=seed)(shape, dtype="float64"))
    product = W.T @ W if rows >= columns else W @ W.T
    expected = gain**2 * np.eye(min(rows, columns))
    assert relative_error(product, expected) <= tol.FORWARD_64


def test_heads_of_an_attention_kernel_are_outputs():
    """A (features, heads, size) kernel is no convolution: its fans are features and heads·size."""
    layer = layers.MultiHeadAttention(num_heads=8, key_dim=16)
    layer.build((None, 5, 64), (None, 5, 64))
    query, output = layer.get_weights()[0], layer.get_weights()[6]
    for w in (query, output):
        limit = np.sqrt(6 / (64 + 128))
        assert 0.98 * limit < np.abs(w).max() <= limit
    assert not np.array_equal(layer.get_weights()[0], layer.get_weights()[2]), "own draws each"


@pytest.mark.parametrize("name", ["HeNormal", "XavierUniform", "VarianceScaling"])
def test_every_initialiser_with_fans_can_be_given_axes(name):
    initializer = getattr(initializers, name)(seed=1)
    aware = initializers.with_axes(initializer, [0], [1, 2])
    assert type(aware) is type(initializer)
    assert (aware.input_axes, aware.output_axes) == ([0], [1, 2])
    assert aware.seed == 1
    assert initializers.with_axes(aware, [1], [0]) is aware
    plain = initializers.get("zeros")
    assert initializers.with_axes(plain, [0], [1]) is plain


@pytest.mark.parametrize("name", ["GlorotUniform", "RandomNormal", "Orthogonal"])
def test_every_weight_is_drawn_anew_and_a_seed_repeats(name):
    make = getattr(initializers, name)
    a, b = make(), make()
    assert not np.array_equal(a((3, 3)), b((3, 3)))
    assert np.array_equal(a((3, 3)), a((3, 3)))
    fresh = initializers.fresh_copy(a)
    assert not np.array_equal(a((3, 3)), fresh((3, 3)))
    generator = make(seed=keras.random.SeedGenerator(3))
    assert not np.array_equal(generator((3, 3)), generator((3, 3)))
    again = initializers.deserialize(initializers.serialize(generator))
    assert again.get_config() == generator.get_config()
    keras.utils.set_random_seed(3)
    first = ops.convert_to_numpy(make()((3, 3)))
    keras.utils.set_random_seed(3)
    assert np.array_equal(first, ops.convert_to_numpy(make()((3, 3))))
    keras.utils.set_random_seed(3)
    theirs = getattr(keras.initializers, name)()((3, 3))
    assert np.array_equal(first, ops.convert_to_numpy(theirs))


def test_every_name_of_keras_is_ours_but_the_fourier_transform():
    """Keras' module and its lookup by name know nothing that ours does not."""
    for name in dir(keras.initializers):
        if name.startswith("_") or name in ("get", "serialize", "deserialize"):
            continue
        ours = getattr(initializers, name)
        if "STFT" in name.upper() or name == "Initializer":
            assert ours is getattr(keras.initializers, name)
        else:
            assert ours.__module__.startswith("kerasdl.")
            assert ours.__name__ == getattr(keras.initializers, name).__name__
    for name in ("normal", "uniform", "one", "zero", "IdentityInitializer", "xavier_normal"):
        assert type(initializers.get(name)).__module__.startswith("kerasdl.")


def test_lookup_and_config():
    initializer = initializers.get("glorot_uniform")
    assert type(initializer) is initializers.GlorotUniform
    assert type(initializers.get("zeros")) is initializers.Zeros
    assert type(initializers.get(initializers.HeNormal)) is initializers.HeNormal
    assert initializers.get(None) is None
    array = np.arange(6.0).reshape(2, 3)
    assert relative_error(initializers.get(array)((2, 3), dtype="float64"), array) == 0
    seeded = initializers.GlorotUniform(seed=3, input_axes=[0], output_axes=[1, 2])
    again = initializers.deserialize(initializers.serialize(seeded))
    assert type(again) is initializers.GlorotUniform
    assert again.get_config() == seeded.get_config()
    constant = initializers.Constant(np.arange(3.0))
    again = initializers.deserialize(initializers.serialize(constant))
    assert relative_error(again((2, 3)), constant((2, 3))) == 0


def test_a_config_of_keras_gives_ours():
    theirs = keras.initializers.HeNormal(seed=5)
    ours = initializers.get(keras.initializers.serialize(theirs))
    assert type(ours) is initializers.HeNormal
    assert ours.seed == 5
    dense = layers.Dense.from_config(
        {"units": 2, "kernel_initializer": {"class_name": "Ones", "config": {}}}
    )
    assert type(dense.kernel_initializer) is initializers.Ones


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: initializers.GlorotUniform(seed="x"), "`seed` must be"),
        (lambda: initializers.VarianceScaling(scale=0), "`scale` must be positive"),
        (lambda: initializers.VarianceScaling(mode="fan"), "`mode` argument: 'fan'"),
        (lambda: initializers.VarianceScaling(distribution=3), "`distribution` argument: 3"),
        (lambda: initializers.Orthogonal()((3,)), "shape=(3,) of rank 1"),
        (lambda: initializers.Identity()((3, 3, 3)), "of rank 3"),
        (lambda: initializers.get("glorot"), "glorot"),
    ],
)
def test_bad_arguments_are_named(make, words):
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the words are checked below
        make()
    assert words in str(error.value)
