"""Convolution, depthwise and transposed, against loops in NumPy; what makes a convolution one."""

import keras
import numpy as np
import pytest
import tolerances as tol
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from kerasdl.backend import value_and_grad
from kerasdl.ops import convolution, depthwise_convolution, transposed_convolution
from kerasdl.ops.convolution_primitives import convolve, convolve_depthwise, convolve_transposed
from kerasdl.parity import finite_difference, relative_error


def padded(x, F, s, padding, d):
    """Zeros as TensorFlow's manual has them, written independently of `conv_padding`."""
    widths = [(0, 0)]
    for W, F_a, s_a, d_a in zip(x.shape[1:-1], F, s, d):
        F_eff = (F_a - 1) * d_a + 1
        if padding == "valid":
            widths.append((0, 0))
        elif padding == "causal":
            widths.append((F_eff - 1, 0))
        else:
            rest = W % s_a
            total = max(F_eff - (s_a if rest == 0 else rest), 0)
            widths.append((total // 2, total - total // 2))
    return np.pad(x, [*widths, (0, 0)])


def loops(x, W, s, padding, d):
    """The equation, a loop for every index; groups follow from the channels."""
    rank = x.ndim - 2
    F, C_W, O = W.shape[:rank], W.shape[-2], W.shape[-1]
    G = x.shape[-1] // C_W
    s, d = (s,) * rank, (d,) * rank
    x = padded(x, F, s, padding, d)
    n = [(w - (f - 1) * d_a - 1) // s_a + 1 for w, f, s_a, d_a in zip(x.shape[1:-1], F, s, d)]
    y = np.zeros((x.shape[0], *n, O))
    for i in np.ndindex(*n):
        for k in np.ndindex(*F):
            place = tuple(i_a * s_a + k_a * d_a for i_a, s_a, k_a, d_a in zip(i, s, k, d))
            for o in range(O):
                g = o // (O // G)
                for c in range(C_W):
                    y[(slice(None), *i, o)] += x[(slice(None), *place, g * C_W + c)] * W[(*k, c, o)]
    return y


def matrix(x_shape, W, **settings):
    """The convolution as a matrix $A$: column by column from unit inputs."""
    size = int(np.prod(x_shape))
    units = np.eye(size).reshape(size, *x_shape)
    return loops(units, W, **settings).reshape(size, -1).T


def compiled(function):
    """One compilation on JAX, where each operation by itself would be compiled."""
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    return function


def numpy_of(function, *arrays, **settings):
    call = compiled(lambda *tensors: function(*tensors, **settings))
    return ops.convert_to_numpy(call(*map(ops.convert_to_tensor, arrays)))


def gradients(function, arrays, **settings):
    def weighted(*tensors):
        y = function(*tensors, **settings)
        weights = np.random.default_rng(1).normal(size=tuple(y.shape))
        return ops.sum(y * ops.convert_to_tensor(weights))

    return compiled(lambda *tensors: value_and_grad(weighted, tensors)[1])(*arrays)


@given(data=st.data())
@settings(max_examples=12)
def test_equal_to_loops(data):
    rank = data.draw(st.integers(1, 2))
    F = data.draw(st.integers(1, 3))
    s, d = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))
    padding = data.draw(st.sampled_from(["valid", "same", "causal"]))
    G = data.draw(st.integers(1, 2))
    size = data.draw(st.integers((F - 1) * d + 1, 9))
    derived = data.draw(st.booleans())
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x = rng.normal(size=(2, *[size] * rank, 2 * G))
    W = rng.normal(size=(*[F] * rank, 2, 3 * G))
    chosen = dict(strides=s, padding=padding, dilation_rate=d)
    y = numpy_of(convolution, x, W, **chosen, derived=derived)
    assert relative_error(y, loops(x, W, s, padding, d)) < tol.FORWARD_64


def test_three_axes_and_a_bias(rng):
    x, W, b = (rng.normal(size=shape) for shape in [(1, 4, 3, 5, 2), (2, 2, 2, 2, 3), (3,)])
    y = numpy_of(convolution, x, W, b, strides=2, padding="same", dilation_rate=2)
    assert relative_error(y, loops(x, W, 2, "same", 2) + b) < tol.FORWARD_64


@pytest.mark.parametrize("M", [1, 3])
def test_depthwise_is_a_convolution_with_as_many_groups_as_channels(rng, M):
    x, W = rng.normal(size=(2, 7, 6, 4)), rng.normal(size=(3, 2, 4, M))
    grouped = W.reshape(3, 2, 1, 4 * M)
    for s, d, padding in [(1, 1, "same"), (2, 1, "valid"), (2, 2, "same")]:
        y = numpy_of(depthwise_convolution, x, W, strides=s, padding=padding, dilation_rate=d)
        assert relative_error(y, loops(x, grouped, s, padding, d)) < tol.FORWARD_64


@pytest.mark.parametrize(
    ("n", "F", "s", "d", "padding"),
    [(5, 3, 1, 1, "same"), (4, 3, 2, 1, "valid"), (4, 3, 2, 1, "same"), (3, 2, 3, 2, "same")],
)
def test_transposed_is_the_transposed_matrix(rng, n, F, s, d, padding):
    W = rng.normal(size=(F, 2, 3))  # from 2 channels to 3, and back
    x = rng.normal(size=(2, n, 3))
    y = numpy_of(transposed_convolution, x, W, strides=s, padding=padding, dilation_rate=d)
    A = matrix(y.shape[1:], W, s=s, padding=padding, d=d)
    assert relative_error(y.reshape(2, -1), x.reshape(2, -1) @ A) < tol.FORWARD_64


def test_output_padding_of_the_transposed(rng):
    """A longer output is the same, with zeros behind where no window reaches."""
    x, W = rng.normal(size=(1, 4, 2)), rng.normal(size=(2, 3, 2))
    short = numpy_of(transposed_convolution, x, W, strides=3, output_padding=0)
    long = numpy_of(transposed_convolution, x, W, strides=3, output_padding=2)
    assert np.array_equal(long[:, :-2], short)
    assert not long[:, -2:].any()


KINDS = {
    "dense": (convolution, (2, 6, 5, 2), (3, 2, 2, 3)),
    "grouped": (convolution, (2, 6, 5, 4), (3, 2, 2, 6)),
    "depthwise": (depthwise_convolution, (2, 6, 5, 3), (3, 2, 3, 2)),
    "depthwise_one": (depthwise_convolution, (2, 6, 5, 3), (3, 2, 3, 1)),
    "transposed": (transposed_convolution, (2, 3, 4, 2), (3, 2, 3, 2)),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("strides", "dilation_rate", "padding"),
    [(1, 1, "same"), (2, 1, "valid"), ((3, 2), (1, 2), "same")],
)
def test_derived_gradients_equal_automatic_ones(rng, kind, strides, dilation_rate, padding):
    function, x, W = KINDS[kind]
    arrays = rng.normal(size=x), rng.normal(size=W)
    chosen = dict(strides=strides, padding=padding, dilation_rate=dilation_rate)
    derived = gradients(function, arrays, **chosen, derived=True)
    automatic = gradients(function, arrays, **chosen)
    for ours, theirs in zip(derived, automatic, strict=True):
        assert relative_error(ours, theirs) < tol.GRADIENT_64


def test_derived_gradients_equal_finite_differences(rng):
    x, W = rng.normal(size=(1, 5, 2)), rng.normal(size=(2, 2, 3))
    y = loops(x, W, 2, "same", 2)
    weights = np.random.default_rng(1).normal(size=y.shape)
    chosen = dict(strides=2, padding="same", dilation_rate=2, derived=True)
    dx, dW = gradients(convolution, (x, W), **chosen)
    slow_x = finite_difference(lambda x: (loops(x, W, 2, "same", 2) * weights).sum(), x)
    slow_W = finite_difference(lambda W: (loops(x, W, 2, "same", 2) * weights).sum(), W)
    assert relative_error(dx, slow_x) < tol.FINITE_DIFFERENCE
    assert relative_error(dW, slow_W) < tol.FINITE_DIFFERENCE


PRIMITIVES = {
    "dense": convolve,
    "grouped": convolve,
    "depthwise": convolve_depthwise,
    "transposed": convolve_transposed,
}


@pytest.mark.parametrize("kind", PRIMITIVES)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_primitive_equals_equation(rng, kind, data_format):
    _, x, W = KINDS[kind]
    arrays = [rng.normal(size=x), rng.normal(size=W)]
    if data_format == "channels_first":
        arrays[0] = np.moveaxis(arrays[0], -1, 1).copy()
    chosen = dict(strides=2, padding="same", data_format=data_format)
    results = []
    for form in ("primitive", "equation"):
        y = numpy_of(PRIMITIVES[kind], *arrays, **chosen, implementation=form)
        dx, dW = gradients(PRIMITIVES[kind], arrays, **chosen, implementation=form)
        results.append((y, dx, dW))
    for primitive, equation in zip(*results, strict=True):
        assert relative_error(equation, primitive) < tol.GRADIENT_64


def test_causal_sees_no_future(rng):
    x, W = rng.normal(size=(1, 8, 2)), rng.normal(size=(3, 2, 2))
    changed = x.copy()
    changed[:, 5:] += 1
    for form in ("primitive", "equation"):
        before, after = (
            numpy_of(convolve, t, W, padding="causal", dilation_rate=2, implementation=form)
            for t in (x, changed)
        )
        assert before.shape == (1, 8, 2)
        assert np.array_equal(before[:, :5], after[:, :5])
        assert not np.isclose(before[:, 5:], after[:, 5:]).any()


def test_translation_equivariance(rng):
    """A shifted input gives the shifted output, away from the edges exactly."""
    x = np.zeros((1, 12, 12, 2))
    x[:, 3:7, 3:7] = rng.normal(size=(1, 4, 4, 2))
    W = rng.normal(size=(3, 3, 2, 4))
    y = numpy_of(convolution, x, W, padding="same")
    shifted = numpy_of(convolution, np.roll(x, (2, 3), axis=(1, 2)), W, padding="same")
    assert relative_error(shifted, np.roll(y, (2, 3), axis=(1, 2))) < tol.FORWARD_64


def test_sparse_connectivity(rng):
    """An input reaches the outputs whose window covers it, and no other."""
    x, W = rng.normal(size=(1, 9, 1)), rng.normal(size=(3, 1, 1))
    kernel = ops.convert_to_tensor(W)
    (dx,) = value_and_grad(lambda x: convolution(x, kernel, derived=True)[0, 4, 0], [x])[1]
    assert np.flatnonzero(ops.convert_to_numpy(dx)).tolist() == [4, 5, 6]


def test_parameter_sharing(rng):
    """One kernel at all positions: its gradient is the sum of those of a kernel a position."""
    x, W = rng.normal(size=(1, 6, 2)), rng.normal(size=(3, 2, 3))
    (dW,) = gradients(lambda W, **k: convolution(ops.convert_to_tensor(x), W, **k), [W])
    delta = np.random.default_rng(1).normal(size=(1, 4, 3))
    apart = [np.einsum("kc,o->kco", x[0, i : i + 3], delta[0, i]) for i in range(4)]
    assert relative_error(dW, sum(apart)) < tol.FORWARD_64


def test_as_many_weights_whatever_the_size():
    layers = [keras.layers.Conv2D(4, 3) for _ in range(2)]
    for layer, size in zip(layers, (8, 64)):
        layer.build((None, size, size, 2))
    assert layers[0].count_params() == layers[1].count_params() == 3 * 3 * 2 * 4 + 4


def test_half_precision_is_summed_in_float32(rng):
    x, W = rng.normal(size=(1, 32, 64)), rng.normal(size=(5, 64, 2))
    half = [ops.cast(ops.convert_to_tensor(t), "bfloat16") for t in (x, W)]
    y = convolution(*half)
    assert keras.backend.standardize_dtype(y.dtype) == "bfloat16"
    exact = loops(*[ops.convert_to_numpy(ops.cast(t, "float64")) for t in half], 1, "valid", 1)
    y = ops.convert_to_numpy(ops.cast(y, "float32"))
    # One rounding at the end: half of the last of 8 bits.
    assert np.all(np.abs(y - exact) <= 2**-8 * np.abs(exact) + 1e-5)


def test_wrong_channels_are_named():
    x = ops.ones((1, 5, 3))
    with pytest.raises(ValueError, match=r"received 3 channels and a kernel of shape \(2, 2, 4\)"):
        convolution(x, ops.ones((2, 2, 4)))
    with pytest.raises(ValueError, match="must have the input's channels"):
        depthwise_convolution(x, ops.ones((2, 2, 1)))
    with pytest.raises(ValueError, match="must have the input's channels"):
        transposed_convolution(x, ops.ones((2, 4, 2)))
    with pytest.raises(ValueError, match="`padding` must be 'valid', 'same' or 'causal'"):
        convolution(x, ops.ones((2, 3, 4)), padding="full")
