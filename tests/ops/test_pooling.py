"""Pooling against loops and definitions; ties, gradients, unknown sizes, and what it is for."""

import itertools
import math

import keras
import numpy as np
import pytest
import tolerances as tol
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops as K

from kerasdl import ops
from kerasdl.backend import compiled, value_and_grad
from kerasdl.ops.first_maximum import first_maximum, send_back
from kerasdl.ops.sliding import (
    Slide,
    copies_are_quick,
    maximum,
    maximum_over,
    mean_in_float64,
    pool_regions,
    repeat_tiles,
    sum_back_regions,
)
from kerasdl.parity import finite_difference, relative_error

FUNCTIONS = {
    "max": (ops.max_pooling, ops.max_pooling_equation, np.max),
    "average": (ops.average_pooling, ops.average_pooling_equation, np.mean),
    "l2_norm": (
        ops.l2_norm_pooling,
        ops.l2_norm_pooling_equation,
        lambda x, axis: np.sqrt((x**2).sum(axis=axis)),
    ),
}
# Shape, F, s: blocks; blocks and a tap more; taps only; stride 1; gaps; odd sizes; three axes.
CASES = [
    ((2, 7, 3), (2,), (2,)),
    ((2, 8, 3), (3,), (2,)),
    ((2, 9, 3), (2,), (3,)),
    ((2, 6, 8, 3), (3, 3), (1, 1)),
    ((2, 6, 7, 3), (3, 2), (2, 3)),
    ((1, 1, 1, 1), (3, 3), (1, 1)),
    ((2, 5, 4, 6, 2), (2, 3, 2), (2, 1, 3)),
]


def loops(join, x, F, s, padding):
    """Join the numbers of each window that lie inside the input, a loop for every window."""
    places = []
    for L, F_a, s_a in zip(x.shape[1:-1], F, s):
        if padding == "valid":
            places.append([(i, i + F_a) for i in range(0, L - F_a + 1, s_a)])
        else:
            rest = L % s_a
            before = max(F_a - (rest or s_a), 0) // 2
            places.append([(max(i - before, 0), i - before + F_a) for i in range(0, L, s_a)])
    y = np.zeros((x.shape[0], *map(len, places), x.shape[-1]))
    for i in itertools.product(*(range(len(p)) for p in places)):
        window = x[(slice(None), *(slice(*p[i_a]) for i_a, p in zip(i, places)))]
        y[(slice(None), *i)] = join(window, axis=tuple(range(1, x.ndim - 1)))
    return y


def first_maxima(x, dy, F, s, padding):
    """Give each dy to the first maximum of its window, row by row."""
    dx = np.zeros(x.size)
    numbers = np.arange(x.size, dtype="float64").reshape(x.shape)

    def first(window, axis):
        inside = window.reshape(-1).astype(int)
        return inside[np.argmax(x.reshape(-1)[inside])]

    for b, c in itertools.product(range(x.shape[0]), range(x.shape[-1])):
        winners = loops(first, numbers[b : b + 1, ..., c : c + 1], F, s, padding)
        np.add.at(dx, winners.reshape(-1).astype(int), dy[b, ..., c].reshape(-1))
    return dx.reshape(x.shape)


def gradient(function, x, dy, *settings):
    dy = K.convert_to_tensor(dy, dtype=x.dtype)
    _, (dx,) = value_and_grad(lambda x: K.sum(function(x, *settings) * dy), [x])
    return K.convert_to_numpy(dx)


@settings(max_examples=25 if keras.backend.backend() != "jax" else 6, deadline=None)
@given(
    kind=st.sampled_from(list(FUNCTIONS)),
    sizes=st.lists(
        st.tuples(st.integers(1, 7), st.integers(1, 4), st.integers(1, 4)), min_size=1, max_size=3
    ),
    padding=st.sampled_from(["valid", "same"]),
)
def test_pooling_equals_the_loops(kind, sizes, padding):
    L, F, s = zip(*sizes)
    if padding == "valid":
        L = tuple(L_a + F_a - 1 for L_a, F_a in zip(L, F))
    x = np.random.default_rng(0).normal(size=(2, *L, 3))
    function, _, join = FUNCTIONS[kind]
    y = function(x, F, s, padding)
    assert relative_error(y, loops(join, x, F, s, padding)) <= tol.FORWARD_64


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("shape", "F", "s"), CASES)
@pytest.mark.parametrize("kind", FUNCTIONS)
def test_quick_form_equals_the_definition(kind, shape, F, s, padding, rng):
    if padding == "valid" and any(L < F_a for L, F_a in zip(shape[1:-1], F)):
        pytest.skip("the window does not fit")
    function, equation, join = FUNCTIONS[kind]
    x = rng.normal(size=shape)
    expected = loops(join, x, F, s, padding)
    dy = rng.normal(size=expected.shape)
    settings = (F, s, padding)
    assert relative_error(function(x, *settings), expected) <= tol.FORWARD_64
    assert relative_error(equation(x, *settings), expected) <= tol.FORWARD_64
    dx = gradient(function, x, dy, *settings)
    assert relative_error(dx, gradient(equation, x, dy, *settings)) <= tol.GRADIENT_64


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("shape", "F", "s"), [CASES[1], CASES[3], CASES[4]])
def test_the_first_of_equal_maxima_gets_the_gradient(shape, F, s, padding, rng):
    x = rng.integers(0, 3, size=shape).astype("float64")
    dy = rng.normal(size=loops(np.max, x, F, s, padding).shape)
    dx = gradient(ops.max_pooling, x, dy, F, s, padding)
    assert relative_error(dx, first_maxima(x, dy, F, s, padding)) <= tol.GRADIENT_64
    if keras.backend.backend() != "torch" or padding == "valid":  # there the border is repeated
        theirs = gradient(lambda x: K.max_pool(x, F, s, padding), x, dy)
        assert relative_error(dx, theirs) <= tol.GRADIENT_64


# Codes of taps that fit into a byte, just fit (16 · 16), and do not (8 · 8 · 8).
@pytest.mark.parametrize(
    ("shape", "F", "s"),
    [((2, 7, 8, 3), 3, 2), ((1, 33, 32, 2), 16, 16), ((1, 9, 9, 10, 2), 5, 4)],
)
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_way_back_in_two_loops(shape, F, s, padding, rng):
    x = rng.integers(0, 9, size=shape).astype("float64")  # with equal numbers
    slides = [(a, Slide.over(L, F, s, padding)) for a, L in enumerate(shape[1:-1], start=1)]
    dy = rng.normal(size=(shape[0], *(slide.n for _, slide in slides), shape[-1]))
    way_back = compiled(lambda x, dy: send_back(dy, first_maximum(x, slides), slides), xla=True)
    dx = way_back(K.convert_to_tensor(x), K.convert_to_tensor(dy))
    axes = len(slides)
    expected = first_maxima(x, dy, (F,) * axes, (s,) * axes, padding)
    assert np.allclose(dx, expected, rtol=0, atol=1e-15)  # a sum of few numbers near 1


def test_a_window_of_minus_infinity_sends_its_gradient_to_the_input():
    x = np.full((1, 3, 1), -np.inf)
    dx = gradient(ops.max_pooling, x, np.ones((1, 3, 1)), 3, 1, "same")
    assert dx[0, :, 0].tolist() == [2, 1, 0]  # the first number inside, not the padding


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_gradient_equals_finite_differences(kind, rng):
    x = rng.normal(size=(1, 5, 4, 2))
    function = FUNCTIONS[kind][0]
    dy = K.convert_to_tensor(rng.normal(size=(1, 3, 2, 2)))

    def loss(x):
        return K.sum(function(x, 3, 2, "same") * dy)

    _, (dx,) = value_and_grad(loss, [x])
    assert relative_error(dx, finite_difference(loss, x)) <= tol.FINITE_DIFFERENCE


def test_length_of_a_window_of_zeros_has_gradient_zero():
    dx = gradient(ops.l2_norm_pooling, np.zeros((1, 4, 1)), np.ones((1, 2, 1)), 2)
    assert np.all(dx == 0)
    dx = gradient(ops.global_l2_norm_pooling, np.zeros((1, 4, 1)), np.ones((1, 1)))
    assert np.all(dx == 0)


def test_padding_adds_nothing_and_does_not_count():
    x = -np.ones((1, 3, 1))
    assert np.all(K.convert_to_numpy(ops.max_pooling(x, 3, 1, "same")) == -1)
    assert np.allclose(ops.average_pooling(x, 3, 1, "same"), -1)
    lengths = K.convert_to_numpy(ops.l2_norm_pooling(x, 3, 1, "same"))[0, :, 0]
    assert np.allclose(lengths**2, [2, 3, 2])


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_channels_first_is_the_same_transposed(kind, rng):
    x = rng.normal(size=(2, 6, 5, 3))
    function = FUNCTIONS[kind][0]
    last = function(x, 2, None, "same", "channels_last")
    first = function(x.transpose(0, 3, 1, 2), 2, None, "same", "channels_first")
    assert np.array_equal(K.transpose(last, (0, 3, 1, 2)), first)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_summed_in_float32(dtype):
    x = K.cast(np.full((1, 64, 64, 1), 100.0), dtype)
    assert float(ops.average_pooling(x, 64)[0, 0, 0, 0]) == 100  # 64 · 64 · 100 > 65504
    assert float(ops.global_average_pooling(x)[0, 0]) == 100
    assert keras.utils.standardize_dtype(ops.average_pooling(x, 2).dtype) == dtype


def test_integers_are_pooled():
    x = np.arange(16, dtype="int32").reshape(1, 4, 4, 1)
    assert K.convert_to_numpy(ops.max_pooling(x, 3, 1, "same"))[0, 0, :, 0].tolist() == [5, 6, 7, 7]
    assert float(ops.average_pooling(x, 4)[0, 0, 0, 0]) == 7.5


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="others know all sizes")
@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("F", "s"), [(2, 2), (3, 2), (3, 1), (2, 3)])
@pytest.mark.parametrize("kind", FUNCTIONS)
def test_unknown_sizes(kind, F, s, padding, jit, rng):
    import tensorflow as tf

    function = FUNCTIONS[kind][0]

    @tf.function(
        input_signature=[tf.TensorSpec((None, None, None, 2), tf.float64)], jit_compile=jit
    )
    def pool(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x, F, s, padding)
        return y, tape.gradient(y, x)

    for H, W in ((5, 6), (8, 7)) if not jit else ((5, 6),):
        x = rng.normal(size=(2, H, W, 2))
        y, dx = pool(x)
        expected = function(x, F, s, padding)
        assert relative_error(y, expected) <= tol.FORWARD_64
        assert relative_error(dx, gradient(function, x, 1.0, F, s, padding)) <= tol.GRADIENT_64


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("kind", FUNCTIONS)
def test_global_pooling_equals_numpy(kind, data_format, keepdims, rng):
    x = rng.normal(size=(2, 3, 4, 5))
    axes = (1, 2) if data_format == "channels_last" else (2, 3)
    expected = FUNCTIONS[kind][2](x, axis=axes)
    if keepdims:
        expected = np.expand_dims(expected, axes)
    y = getattr(ops, f"global_{kind}_pooling")(x, data_format, keepdims)
    assert tuple(y.shape) == expected.shape
    assert relative_error(y, expected) <= tol.FORWARD_64


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((2, 2, 2),), "`pool_size` argument must be a tuple of 2 integers"),
        ((0,), "`pool_size`"),
        ((2, 0), "`strides`"),
        ((2, 2, "full"), "`padding` must be"),
        ((9,), "output size would be zero or negative"),
        ((2, 2, "same", "last"), "`data_format` argument must be one of"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        ops.max_pooling(np.zeros((1, 4, 4, 1)), *arguments)


def test_other_ranks_are_refused():
    with pytest.raises(ValueError, match="one to three axes"):
        ops.average_pooling(np.zeros((1, 4)), 2)


class TestWhatPoolingIsFor:
    """A shift of the input by the stride shifts the output; a small one may not matter at all."""

    @pytest.mark.parametrize("kind", FUNCTIONS)
    def test_equivariance(self, kind, rng):
        picture = np.zeros((1, 16, 16, 1))
        picture[:, 4:8, 4:8] = rng.uniform(size=(1, 4, 4, 1))
        shifted = np.roll(picture, (2, 4), axis=(1, 2))
        function = FUNCTIONS[kind][0]
        expected = np.roll(K.convert_to_numpy(function(picture, 2)), (1, 2), axis=(1, 2))
        assert np.array_equal(function(shifted, 2), expected)

    def test_local_invariance(self):
        """Wherever a spot lies in the window, the strongest response is the same."""
        pooled = []
        for i, j in itertools.product(range(2), repeat=2):
            picture = np.zeros((1, 8, 8, 1))
            picture[0, 4 + i, 2 + j] = 1
            pooled.append(K.convert_to_numpy(ops.max_pooling(picture, 2)))
        assert all(np.array_equal(p, pooled[0]) for p in pooled)

    @pytest.mark.parametrize("kind", FUNCTIONS)
    def test_global_invariance(self, kind, rng):
        x = rng.normal(size=(2, 6, 6, 3))
        moved = np.roll(x, (1, 4), axis=(1, 2))
        pool = getattr(ops, f"global_{kind}_pooling")
        assert relative_error(pool(moved), pool(x)) <= tol.FORWARD_64

    def test_without_a_whole_stride_there_is_none(self):
        """Aliasing: a shift by 1 under stride 2 is no shift of the output."""
        x = np.array([0, 1, 0, 1, 0, 0, 0, 0.0]).reshape(1, 8, 1)
        averages = K.convert_to_numpy(ops.average_pooling(x, 1, 2))[0, :, 0]
        moved = K.convert_to_numpy(ops.average_pooling(np.roll(x, 1, axis=1), 1, 2))[0, :, 0]
        assert averages.sum() == 0
        assert moved.sum() == 2


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="graphs are TensorFlow's")
@pytest.mark.parametrize(
    ("shape", "F", "s", "padding"),
    [
        ((2, 7, 8, 4), (3, 3), (2, 2), "valid"),
        ((2, 6, 8, 16), (2, 2), (2, 2), "same"),  # fits without padding
        ((2, 6, 8, 32), (2, 2), (2, 2), "valid"),  # the way back copies
        ((2, 6, 8, 4), (2, 3), (1, 1), "valid"),
        ((2, 7, 8, 4), (3, 3), (2, 2), "same"),
        ((2, 7, 8, 4), (2, 2), (2, 3), "valid"),
        ((2, 6, 16), (2,), (2,), "valid"),
    ],
)
def test_average_in_a_graph(shape, F, s, padding, rng):
    import tensorflow as tf

    x = rng.normal(size=shape)
    settings = (F, s, padding)
    y = K.convert_to_numpy(ops.average_pooling_equation(x, *settings))
    dy = rng.normal(size=y.shape)

    def run(x):
        return value_and_grad(lambda x: K.sum(ops.average_pooling(x, *settings) * dy), [x])

    graph = tf.function(lambda x: (ops.average_pooling(x, *settings), run(x)[1][0]))
    found, dx = graph(x)
    assert relative_error(found, y) <= tol.FORWARD_64
    expected = gradient(ops.average_pooling_equation, x, dy, *settings)
    assert relative_error(dx, expected) <= tol.GRADIENT_64
    for batch in (None, 0):  # no examples, known to be none or not
        traced = tf.function(
            lambda x: ops.average_pooling(x, *settings),
            input_signature=[tf.TensorSpec((batch, *shape[1:]))],
        )
        assert traced(tf.zeros((0, *shape[1:]))).shape == (0, *y.shape[1:])


@pytest.mark.parametrize(("shape", "F", "s"), [((2, 7, 6, 16), 2, 2), ((2, 7, 7, 8), 3, 2)])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_maximum_of_a_short_loop(shape, F, s, padding, rng):
    """Written with two comparisons, and with NaN and equal numbers the same as without."""
    x = rng.integers(0, 9, size=shape).astype("float32")
    x[0, 2:4, 3] = np.nan
    x[1, 1] = -np.inf
    assert maximum_over(shape[-1], F * F) is not maximum
    slides = [(a, Slide.over(L, F, s, padding)) for a, L in enumerate(shape[1:-1], start=1)]
    found = pool_regions(K.convert_to_tensor(x), slides, maximum_over(shape[-1], F * F))
    expected = pool_regions(K.convert_to_tensor(x), slides, maximum)
    np.testing.assert_array_equal(K.convert_to_numpy(found), K.convert_to_numpy(expected))
    pool = compiled(lambda x: ops.max_pooling(x, F, s, padding))
    np.testing.assert_array_equal(
        K.convert_to_numpy(pool(K.convert_to_tensor(x))), K.convert_to_numpy(expected)
    )


@pytest.mark.parametrize(
    ("shape", "F"), [((2, 6, 32), (2,)), ((2, 6, 4, 24), (2, 2)), ((1, 4, 6, 4, 24), (2, 3, 2))]
)
def test_copies_of_tiles_are_the_way_back_of_a_sum(shape, F, rng):
    sizes = zip(shape[1:], F)
    slides = [(a, Slide.over(L, f, f, "valid")) for a, (L, f) in enumerate(sizes, start=1)]
    assert copies_are_quick(shape[-1], slides)
    dy = K.convert_to_tensor(rng.normal(size=(shape[0], *(s.n for _, s in slides), shape[-1])))
    np.testing.assert_array_equal(
        K.convert_to_numpy(repeat_tiles(dy, slides)),
        K.convert_to_numpy(sum_back_regions(dy, slides)),
    )


@pytest.mark.parametrize(("shape", "F"), [((2, 6, 8, 16), (2, 2)), ((2, 9, 24), (3,))])
def test_mean_of_a_short_loop(shape, F, rng):
    """Taken in float64 it is rounded once; infinities and NaN stay what they are."""
    assert mean_in_float64(shape[-1], math.prod(F))
    x = rng.normal(size=shape).astype("float32")
    x[0, 0, 0], x[1, 0, 1] = np.inf, np.nan
    pool = compiled(lambda x: ops.average_pooling(x, F))
    found = K.convert_to_numpy(pool(K.convert_to_tensor(x)))
    expected = loops(np.mean, x.astype("float64"), F, F, "valid").astype("float32")
    assert found.dtype == "float32"
    # One rounding to float32 in a graph of TensorFlow; elsewhere one for each of the taps.
    once = keras.backend.backend() == "tensorflow"
    np.testing.assert_allclose(found, expected, rtol=2**-23, atol=0 if once else 1e-6)
