"""Geometry and values of images against loops over NumPy arrays."""

import itertools
import math

import keras
import numpy as np
import pytest
import tolerances as tol
from hypothesis import example, given, settings
from hypothesis import strategies as st
from keras import ops

from kerasdl.backend import compiled, value_and_grad
from kerasdl.ops import image
from kerasdl.parity.compare import relative_error

BACKEND = keras.backend.backend()
# What NumPy calls the extension of an array beyond its edges.
PADDING = {
    "constant": "constant",
    "nearest": "edge",
    "wrap": "wrap",
    "reflect": "symmetric",
    "mirror": "reflect",
}
# Operation by operation, JAX compiles every single one.
quickly = compiled if BACKEND == "jax" else lambda function: function
INTERPOLATIONS = ("nearest", "bilinear")
MAPS = np.array(
    [
        [0.875, -0.5, 1.25, 0.5, 0.875, -2.125, 0, 0],  # turns, and leaves the image on all sides
        [1.5, 0.25, -3.5, -0.125, 2.0, -4.25, 0, 0],  # zooms out past a whole period
    ]
)


def affine_oracle(images, maps, interpolation, fill_mode, fill_value):
    """Extend the image widely, then look each pixel up."""
    margin = 24
    extra = {"constant_values": fill_value} if fill_mode == "constant" else {}
    around = ((0, 0), (margin, margin), (margin, margin), (0, 0))
    extended = np.pad(images.astype("float64"), around, mode=PADDING[fill_mode], **extra)
    result = np.zeros(images.shape)
    for b, v, u in itertools.product(*map(range, images.shape[:3])):
        a0, a1, a2, b0, b1, b2 = maps[b][:6]
        x, y = a0 * u + a1 * v + a2 + margin, b0 * u + b1 * v + b2 + margin
        if interpolation == "nearest":
            j, i = (
                margin + int(math.copysign(math.floor(abs(t - margin) + 0.5), t - margin))
                for t in (x, y)
            )
            result[b, v, u] = extended[b, i, j]
            continue
        i, j = math.floor(y), math.floor(x)
        w_y, w_x = y - i, x - j
        result[b, v, u] = (
            (1 - w_y) * (1 - w_x) * extended[b, i, j]
            + (1 - w_y) * w_x * extended[b, i, j + 1]
            + w_y * (1 - w_x) * extended[b, i + 1, j]
            + w_y * w_x * extended[b, i + 1, j + 1]
        )
    return result


@pytest.fixture
def images(rng):
    return rng.normal(size=(2, 5, 7, 3))


@pytest.mark.parametrize("fill_mode", PADDING)
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_affine_transform_is_its_equation(images, interpolation, fill_mode):
    @quickly
    def transform(f, A):
        return image.affine_transform(f, A, interpolation, fill_mode, 0.5, "channels_last")

    ours = transform(ops.convert_to_tensor(images), ops.convert_to_tensor(MAPS))
    expected = affine_oracle(images, MAPS, interpolation, fill_mode, 0.5)
    assert keras.backend.standardize_dtype(ours.dtype) == "float64"
    assert relative_error(ours, expected) <= tol.FORWARD_64


@pytest.mark.parametrize("fill_mode", ["constant", "nearest", "reflect", "wrap", "mirror"])
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_affine_transform_equals_the_built_in(images, interpolation, fill_mode):
    # No point lies half way between pixels: there PyTorch's rounds to even, TensorFlow's and JAX'
    # away from zero (TensorFlow's after reflecting).
    maps = np.array([[1, 0.25, -1.375, -0.25, 1, 0.625, 0, 0]] * 2, "float32")
    if BACKEND == "tensorflow" and fill_mode in ("wrap", "mirror"):
        pytest.skip("TensorFlow's kernel wraps with another period, and has no mirror")
    arguments = (interpolation, fill_mode, 0.5, "channels_last")

    @quickly
    def both(f, A):
        ours = image.affine_transform(f, A, *arguments)
        return ours, keras.ops.image.affine_transform(f, A, *arguments)  # PyTorch's changes A

    tensors = ops.convert_to_tensor(images, "float32"), ops.convert_to_tensor(maps)
    assert relative_error(*both(*tensors)) <= tol.FORWARD_32


def test_affine_transform_of_one_image_channels_first_and_integers(images):
    @quickly
    def transform(f, first, A):
        reflect = {"fill_mode": "reflect"}
        return (
            image.affine_transform(first, A, data_format="channels_first", **reflect),
            image.affine_transform(f[1], A[1], **reflect),  # unbatched, with its map
            image.affine_transform(f, A[0], **reflect),  # one map for all
            image.affine_transform(ops.cast(f, "uint8"), A, **reflect),
        )

    images = np.round(10 * images) + 128.0
    first = ops.convert_to_tensor(np.moveaxis(images, -1, 1))
    channels_first, one, same, integers = transform(
        ops.convert_to_tensor(images), first, ops.convert_to_tensor(MAPS)
    )
    expected = affine_oracle(images, MAPS, "bilinear", "reflect", 0)
    back = np.moveaxis(ops.convert_to_numpy(channels_first), 1, -1)
    assert relative_error(back, expected) <= tol.FORWARD_64
    assert relative_error(one, expected[1]) <= tol.FORWARD_64
    assert relative_error(same[0], expected[0]) <= tol.FORWARD_64
    assert keras.backend.standardize_dtype(integers.dtype) == "uint8"
    assert np.abs(ops.convert_to_numpy(integers) - expected).max() <= 0.5 + 1e-4


@pytest.mark.parametrize("fill_mode", ["constant", "reflect"])
def test_gradients_of_the_interpolation(images, fill_mode):
    weights = np.random.default_rng(2).normal(size=images.shape)

    @quickly
    def loss(f, A):
        g = image.affine_transform(f, A, fill_mode=fill_mode, fill_value=0.5)
        return ops.sum(g * ops.convert_to_tensor(weights))

    maps = MAPS + np.random.default_rng(3).uniform(0.01, 0.02, MAPS.shape)  # not on a pixel
    _, gradients = value_and_grad(loss, [images, maps])
    rng = np.random.default_rng(4)
    for n, gradient in enumerate(gradients):
        direction = rng.normal(size=gradient.shape)
        step = 1e-6
        points = [[images, maps], [images, maps]]
        points[0][n], points[1][n] = (p[n] + s * direction for p, s in zip(points, (step, -step)))
        high, low = (
            float(ops.convert_to_numpy(loss(*map(ops.convert_to_tensor, p)))) for p in points
        )
        along = np.sum(ops.convert_to_numpy(gradient) * direction)
        assert relative_error(along, (high - low) / (2 * step)) <= tol.FINITE_DIFFERENCE


@pytest.mark.skipif(BACKEND != "tensorflow", reason="graphs of TensorFlow")
@pytest.mark.parametrize("shape", [(None, 5, 7, 3), (None, None, None, 3)])
def test_the_same_in_a_graph_of_known_and_unknown_sizes(images, shape):
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.float64)])
    def graph(f):
        return image.affine_transform(f, MAPS, fill_mode="reflect")

    expected = affine_oracle(images, MAPS, "bilinear", "reflect", 0)
    assert relative_error(graph(images), expected) <= tol.FORWARD_64
    # With known sizes XLA makes one kernel of it.
    assert ("_XlaMustCompile" in str(graph.get_concrete_function().graph.as_graph_def())) == (
        shape[1] is not None
    )


@given(
    x=st.floats(-40, 40, width=32, allow_subnormal=False),  # TensorFlow compares those as 0
    n=st.integers(1, 6),
    fill_mode=st.sampled_from(["nearest", "wrap", "reflect", "mirror"]),
)
@example(x=-(2.0**-126), n=2, fill_mode="wrap")  # divided by n it is subnormal: 0
@settings(max_examples=50)
def test_fold_finds_the_pixel_that_numpy_pads_with(x, n, fill_mode):
    ours = float(image.fold(ops.array([float(round(x))]), n, fill_mode)[0])
    padded = np.pad(np.arange(n), 41, mode=PADDING[fill_mode])
    assert ours == padded[41 + round(x)]
    between = float(image.fold(ops.array([x]), n, fill_mode)[0])
    assert 0 <= between <= n - (0 if fill_mode == "wrap" else 1)


def test_maps_leave_the_centre_and_move_by_pixels():
    theta = np.array([0.0, 30.0, 180.0], "float32")
    A = ops.convert_to_numpy(image.rotation(ops.array(theta), 5, 9))
    Z = ops.convert_to_numpy(image.zoom(ops.array([0.5, 2.0]), ops.array([0.25, 3.0]), 5, 9))
    for a0, a1, a2, b0, b1, b2, *_ in [*A, *Z]:
        assert (a0 * 4 + a1 * 2 + a2, b0 * 4 + b1 * 2 + b2) == pytest.approx((4, 2), abs=1e-5)
    for angle, (a0, a1, _, b0, b1, *_) in zip(np.deg2rad(theta), A):
        turn = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        np.testing.assert_allclose([[a0, a1], [b0, b1]], turn, atol=1e-6)
    T = ops.convert_to_numpy(image.translation(ops.array([2.0]), ops.array([-1.0])))
    np.testing.assert_array_equal(T, [[1, 0, -2, 0, 1, 1, 0, 0]])


def test_boxes_go_where_their_pixels_go():
    """A lit rectangle and its box under the same quarter turn, zoom and shift."""
    H = W = 15
    f = np.zeros((1, H, W, 1), "float32")
    f[0, 4:7, 6:11] = 1
    box = ops.array([[[6.0, 4.0, 10.0, 6.0]]])  # centres of its outermost pixels

    @quickly
    def move(A):
        return image.affine_transform(f, A, "nearest"), image.transform_boxes(box, A)

    for A in (
        image.rotation(ops.array([90.0]), H, W),
        image.zoom(ops.array([0.5]), ops.array([0.5]), H, W),
        image.translation(ops.array([3.0]), ops.array([-2.0])),
    ):
        g, moved = (ops.convert_to_numpy(t)[0] for t in move(A))
        rows, columns = np.where(g[:, :, 0] > 0.5)
        seen = [columns.min(), rows.min(), columns.max(), rows.max()]
        # "nearest" paints half a pixel around its centre; zoomed, one
        np.testing.assert_allclose(moved[0], seen, atol=1.01)


def test_crop_takes_the_window(images):
    ours = image.crop(ops.convert_to_tensor(images), 1, ops.array(2), 3, 4)
    np.testing.assert_array_equal(ops.convert_to_numpy(ours), images[:, 1:4, 2:6])
    first = ops.convert_to_tensor(np.moveaxis(images[0], -1, 0))
    ours = image.crop(first, 2, 0, 3, 7, "channels_first")
    np.testing.assert_array_equal(ops.convert_to_numpy(ours), np.moveaxis(images[0, 2:5], -1, 0))


@given(st.tuples(*[st.integers(1, 40)] * 4))
@settings(max_examples=50)
def test_windows_lie_in_the_middle_and_have_the_shape(sizes):
    H, W, h, w = sizes
    top, left, rows, columns = image.largest_window(H, W, h, w)
    assert 0 <= top <= H - rows - top <= top + 1
    assert 0 <= left <= W - columns - left <= left + 1
    assert rows == H or columns == W or rows == 1 or columns == 1
    window = image.central_window(H, W, h, w)
    fits = h <= H and w <= W
    assert window == (((H - h) // 2, (W - w) // 2, h, w) if fits else (top, left, rows, columns))


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_resize_window_equals_the_built_in_on_the_cut_window(images, interpolation):
    @quickly
    def both(f):
        window, size = f[:, 1:5, 2:7], (9, 4)  # more rows, fewer columns
        return (
            image.resize_window(f, (1, 2, 4, 5), *size, interpolation),
            ops.image.resize(window, size, interpolation, data_format="channels_last"),
        )

    assert relative_error(*both(ops.convert_to_tensor(images, "float32"))) <= tol.FORWARD_32


def test_contrast_and_brightness_are_their_equations(images):
    c = np.array([0.5, 1.75]).reshape(2, 1, 1, 1)
    mean = images.mean(axis=(1, 2), keepdims=True)
    expected = np.clip(mean + c * (images - mean), -1, 1)
    f = ops.convert_to_tensor(images)
    ours = image.adjust_contrast(f, ops.convert_to_tensor(c), (-1, 1), (1, 2))
    assert relative_error(ours, expected) <= tol.FORWARD_64
    ours = image.adjust_brightness(f, ops.convert_to_tensor(c), (-1, 1))
    assert relative_error(ours, np.clip(images + c, -1, 1)) <= tol.FORWARD_64


def test_flip_mirrors_what_is_marked(images):
    marks = np.array([True, False]).reshape(2, 1, 1, 1)
    ours = image.flip(ops.convert_to_tensor(images), ops.convert_to_tensor(marks), (1, 2))
    np.testing.assert_array_equal(ops.convert_to_numpy(ours)[0], images[0, ::-1, ::-1])
    np.testing.assert_array_equal(ops.convert_to_numpy(ours)[1], images[1])


def test_what_is_not_ours_is_kerass():
    assert image.rgb_to_hsv is keras.ops.image.rgb_to_hsv


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(interpolation="cubic"), "`interpolation` must be one of.*'cubic'"),
        (dict(fill_mode="warp"), "`fill_mode` must be one of.*'warp'"),
        (dict(images=np.zeros((2, 2))), "`images` must have rank 3 or 4"),
        (dict(transform=np.zeros((1, 1, 8))), "`transform` must have rank 1 or 2"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    good = dict(images=np.zeros((1, 2, 2, 1)), transform=MAPS[0])
    with pytest.raises(ValueError, match=message):
        image.affine_transform(**{**good, **arguments})
