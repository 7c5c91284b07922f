"""Shape arithmetic of einsum projections and patches."""

import itertools

import keras
import numpy as np
import pytest
from keras.src.backend.common.backend_utils import compute_conv_transpose_output_shape
from keras.src.layers.core.einsum_dense import _analyze_einsum_string
from keras.src.ops.operation_utils import compute_conv_output_shape

from kerasdl import layers
from kerasdl.ops.embedding import patch_grid
from kerasdl.ops.shapes import (
    conv_output_size,
    conv_padding,
    conv_transpose_output_size,
    einsum_weight_shapes,
)

CASES = [
    ("ab,bc->ac", "c", (None, 5), (6,)),
    ("abc,cd->abd", "d", (None, None, 5), (None, 6)),
    ("abc,cde->abde", "de", (None, 7, 5), (7, 6, 4)),
    ("abc,bcd->ad", "d", (2, 3, 5), (6,)),
    # Equal sizes behind the dots: Keras gives them back in reverse order (3, 4 → 4, 3).
    ("...b,bc->...c", "c", (2, 3, 3, 5), (6,)),
    ("ab...,bc->ac...", "c", (2, 3, 4, 5), (6,)),
    ("abcd,cde->abe", None, (2, 3, 4, 5), (3, 6)),
]


@pytest.mark.parametrize(("equation", "bias_axes", "input_shape", "output_shape"), CASES)
def test_equal_to_keras(equation, bias_axes, input_shape, output_shape):
    ours = einsum_weight_shapes(equation, input_shape, output_shape, bias_axes)
    kernel, bias, output, input_axes, output_axes = _analyze_einsum_string(
        equation, bias_axes, input_shape, output_shape
    )
    assert ours.kernel == tuple(kernel)
    assert ours.bias == (None if bias is None else tuple(bias))
    # Keras leaves a size that it could know from the input as None; ours fills it in.
    assert len(ours.output) == len(output)
    assert all(k is None or o == k for o, k in zip(ours.output, output, strict=True))
    assert (ours.input_axes, ours.output_axes) == (input_axes, output_axes)


def test_sizes_behind_the_dots_keep_their_order():
    assert einsum_weight_shapes("...b,bc->...c", (2, 3, 4, 5), (6,)).output == (2, 3, 4, 6)


def test_the_weights_of_an_equation_that_names_too_few_axes():
    """As in Keras the layer is built; it is the call that cannot be."""
    layer = layers.EinsumDense("ab,b->a", (1, 3, 4), bias_axes="a")
    layer.build((2, 1, 2))
    assert (tuple(layer.kernel.shape), tuple(layer.bias.shape)) == ((1,), (2, 1))
    for x in (np.ones((2, 1, 2)), keras.Input((1, 2))):
        with pytest.raises(ValueError, match=r"'ab,b->a' names 2 input axes, the input has"):
            layer(x)


def test_patch_grid():
    assert patch_grid((6, 8), (3, 2)) == (2, 4)
    with pytest.raises(ValueError, match=r"Divisors of the height: \[1, 7\]"):
        patch_grid((7, 8), (2, 2))


def test_channels_of_a_real_layer_agree():
    layer = keras.layers.EinsumDense("abc,cde->abde", output_shape=(None, 6, 4), bias_axes="de")
    layer.build((None, 7, 5))
    ours = einsum_weight_shapes("abc,cde->abde", (None, 7, 5), (None, 6, 4), "de")
    assert tuple(layer.kernel.shape) == ours.kernel
    assert tuple(layer.bias.shape) == ours.bias


SIZES = range(1, 9)
WINDOWS = list(itertools.product((1, 2, 3, 5), (1, 2, 3, 4), (1, 2, 3)))  # kernel, stride, dilation


@pytest.mark.parametrize("padding", ["valid", "same", "causal"])
def test_conv_output_size_equals_keras(padding):
    for size in SIZES:
        for kernel, stride, dilation in WINDOWS:
            ours = conv_output_size(size, kernel, stride, padding, dilation)
            settings = dict(strides=(stride,), padding=padding, dilation_rate=(dilation,))
            if ours <= 0:
                with pytest.raises(ValueError, match="zero or negative"):
                    compute_conv_output_shape((1, size, 2), 3, (kernel,), **settings)
            else:
                theirs = compute_conv_output_shape((1, size, 2), 3, (kernel,), **settings)
                assert (1, ours, 3) == theirs
    assert conv_output_size(None, 3, 2, padding) is None


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("output_padding", [None, 0, 1, 2])
def test_conv_transpose_output_size_equals_keras(padding, output_padding):
    for size in (*SIZES, None):
        for kernel, stride, dilation in WINDOWS:
            theirs = compute_conv_transpose_output_shape(
                (1, size, 2), (kernel,), 3, stride, padding, output_padding, dilation_rate=dilation
            )
            ours = conv_transpose_output_size(
                size, kernel, stride, padding, output_padding, dilation
            )
            assert ours == theirs[1]


def test_transposed_leads_back():
    """Without output padding, a convolution leads from the new size to the old."""
    for size in SIZES:
        for kernel, stride, dilation in WINDOWS:
            for padding in ("valid", "same"):
                W = conv_transpose_output_size(size, kernel, stride, padding, None, dilation)
                assert conv_output_size(W, kernel, stride, padding, dilation) == size


def test_padding_of_an_unknown_size():
    """A size that is a tensor gives the same zeros as the integer."""
    for size in SIZES:
        for kernel, stride, dilation in WINDOWS:
            known = conv_padding(size, kernel, stride, "same", dilation)
            at_run_time = conv_padding(keras.ops.array(size), kernel, stride, "same", dilation)
            assert tuple(map(int, at_run_time)) == known
            assert sum(known) - (known[0] * 2) in (0, 1)


def test_unknown_padding_is_named():
    with pytest.raises(ValueError, match="received 'full'"):
        conv_output_size(5, 3, padding="full")
    with pytest.raises(ValueError, match="received 'causal'"):
        conv_transpose_output_size(5, 3, padding="causal")
