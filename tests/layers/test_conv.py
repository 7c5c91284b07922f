"""Convolutional layers against Keras' own: numbers, weights, config, errors, unknown sizes."""

import itertools

import keras
import numpy as np
import pytest
import tolerances as tol

from kerasdl import layers
from kerasdl.backend import promotion_keeps_float64
from kerasdl.parity import compare_layers, relative_error

ON_JAX = keras.backend.backend() == "jax"

# name, constructor arguments, input shape
CASES = {
    "conv1d": ("Conv1D", dict(filters=3, kernel_size=3), (2, 7, 4)),
    "conv1d_causal": (
        "Conv1D",
        dict(filters=3, kernel_size=3, padding="causal", dilation_rate=2),
        (2, 7, 4),
    ),
    "conv2d": ("Conv2D", dict(filters=3, kernel_size=(3, 2), activation="relu"), (2, 6, 5, 4)),
    "conv2d_stride": (
        "Conv2D",
        dict(filters=3, kernel_size=3, strides=(2, 1), padding="same", use_bias=False),
        (2, 6, 5, 4),
    ),
    "conv2d_dilation": (
        "Conv2D",
        dict(filters=3, kernel_size=3, dilation_rate=(1, 2), padding="SAME"),
        (2, 6, 5, 4),
    ),
    "conv2d_one": ("Conv2D", dict(filters=3, kernel_size=1), (2, 3, 4, 5)),
    "conv2d_groups": (
        "Conv2D",
        dict(filters=6, kernel_size=2, groups=2, padding="same"),
        (2, 5, 4, 4),
    ),
    "conv2d_groups_of_one": (
        "Conv2D",
        dict(filters=6, kernel_size=2, groups=3),
        (2, 4, 5, 3),
    ),
    "conv3d": ("Conv3D", dict(filters=2, kernel_size=2, padding="same"), (1, 3, 4, 3, 2)),
    "depthwise1d": (
        "DepthwiseConv1D",
        dict(kernel_size=3, depth_multiplier=2, dilation_rate=2),
        (2, 7, 3),
    ),
    "depthwise2d": (
        "DepthwiseConv2D",
        dict(kernel_size=3, strides=2, padding="same"),
        (2, 6, 5, 3),
    ),
    "separable1d": ("SeparableConv1D", dict(filters=4, kernel_size=3), (2, 7, 3)),
    "separable2d": (
        "SeparableConv2D",
        dict(filters=4, kernel_size=3, depth_multiplier=2, padding="same", activation="tanh"),
        (2, 5, 4, 3),
    ),
    "transpose1d": (
        "Conv1DTranspose",
        dict(filters=3, kernel_size=3, strides=2, padding="same"),
        (2, 5, 4),
    ),
    "transpose2d": (
        "Conv2DTranspose",
        dict(filters=3, kernel_size=(3, 2), strides=2, output_padding=(1, 0)),
        (2, 3, 4, 2),
    ),
    "transpose2d_crop": (
        "Conv2DTranspose",
        dict(filters=3, kernel_size=3, padding="same"),
        (2, 3, 4, 2),
    ),
    "transpose3d": (
        "Conv3DTranspose",
        dict(filters=2, kernel_size=2, strides=2),
        (1, 2, 3, 2, 2),
    ),
}
FORMS = ("equation", "primitive", "auto")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("form", FORMS)
def test_equals_keras_in_float64(rng, case, form):
    if form != "equation" and ON_JAX and case not in ("conv2d", "transpose1d", "conv2d_groups"):
        pytest.skip("JAX compiles every operation by itself; the forms are compared in tests/ops")
    name, arguments, shape = CASES[case]
    # Three axes and float64 together: every backend's primitive is exact in float64.
    ours = getattr(layers, name)(**arguments, implementation=form, dtype="float64")
    theirs = getattr(keras.layers, name)(**arguments, dtype="float64")
    with promotion_keeps_float64():  # else Keras' tanh rounds on JAX
        error = compare_layers(ours, theirs, (rng.normal(size=shape),))
    assert error.forward < tol.FORWARD_64
    assert error.gradients < tol.GRADIENT_64
    assert [w.path.split("/")[-1] for w in ours.weights] == [
        w.path.split("/")[-1] for w in theirs.weights
    ]
    assert ours.compute_output_shape((None, *shape[1:])) == tuple(
        theirs.compute_output_shape((None, *shape[1:]))
    )


@pytest.mark.parametrize("case", CASES)
def test_config_is_that_of_keras_and_one_more(case):
    name, arguments, _ = CASES[case]
    ours = getattr(layers, name)(**arguments, name="x")
    theirs = getattr(keras.layers, name)(**arguments, name="x")
    config = ours.get_config()
    assert config.pop("implementation") == "auto"
    assert set(config) == set(theirs.get_config())
    for key, value in theirs.get_config().items():
        if not isinstance(value, dict):
            assert config[key] == value
    assert type(ours).from_config(ours.get_config()).get_config() == ours.get_config()


@pytest.mark.parametrize("case", ["conv2d", "depthwise2d", "separable1d", "transpose2d"])
@pytest.mark.parametrize("form", ["equation", "primitive"])
def test_bfloat16(rng, case, form):
    name, arguments, shape = CASES[case]
    ours = getattr(layers, name)(**arguments, implementation=form, dtype="mixed_bfloat16")
    theirs = getattr(keras.layers, name)(**arguments, dtype="float32")
    error = compare_layers(ours, theirs, (rng.normal(size=shape).astype("float32"),))
    assert error.forward < tol.FORWARD_BF16
    assert keras.backend.standardize_dtype(ours.compute_dtype) == "bfloat16"


UNKNOWN = {
    name: dict(arguments, strides=strides, padding=padding)
    for (name, arguments), strides, padding in itertools.product(
        {
            "Conv2D": dict(filters=3, kernel_size=3),
            "DepthwiseConv2D": dict(kernel_size=3),
            "Conv2DTranspose": dict(filters=3, kernel_size=3),
        }.items(),
        [2],
        ["same"],
    )
}


@pytest.mark.parametrize("name", UNKNOWN)
@pytest.mark.parametrize("form", ["equation", "auto"])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_unknown_sizes_and_training(rng, name, form, jit_compile):
    """A model that knows only the channels: predicts and trains as Keras' does."""
    if jit_compile and keras.backend.backend() == "torch":
        pytest.skip("torch.compile is not what is tested here")
    x, results = rng.normal(size=(4, 7, 6, 2)).astype("float32"), []
    for room, extra in ((layers, dict(implementation=form)), (keras.layers, {})):
        inputs = keras.Input((None, None, 2))
        layer = getattr(room, name)(**UNKNOWN[name], **extra)
        model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(layer(inputs)))
        model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=jit_compile)
        draw = np.random.default_rng(3)
        model.set_weights([draw.normal(size=w.shape) for w in model.get_weights()])
        y = np.zeros((4, model.output_shape[-1]), "float32")
        model.fit(x, y, epochs=2, batch_size=4, shuffle=False, verbose=0)
        results.append([*model.get_weights(), model.predict(x, verbose=0), layer(x)])
    for ours, theirs in zip(*results, strict=True):
        assert relative_error(ours, theirs) < tol.GRADIENT_32


@pytest.mark.parametrize("case", ["conv2d", "conv1d_causal", "depthwise2d", "transpose2d"])
def test_channels_first(rng, case):
    """The same numbers with the axes moved, on TensorFlow's CPU too, where Keras refuses."""
    name, arguments, shape = CASES[case]
    arguments = {**arguments, "padding": "valid"}
    x = rng.normal(size=shape).astype("float32")
    last = getattr(layers, name)(**arguments)
    expected = np.moveaxis(keras.ops.convert_to_numpy(last(x)), -1, 1)
    for form in FORMS:
        first = getattr(layers, name)(
            **arguments, data_format="channels_first", implementation=form
        )
        moved = np.moveaxis(x, -1, 1)
        first.build(moved.shape)
        first.set_weights(last.get_weights())
        y = keras.ops.convert_to_numpy(first(moved))
        assert y.shape == first.compute_output_shape(moved.shape)
        assert relative_error(y, expected) < tol.FORWARD_32


def test_the_exercise_of_the_course():
    """A picture 5×5, a diagonal as the kernel: 3×3; then the maximum of 2×2 windows: 2×2."""
    picture = np.array(
        [
            [1, 0, 0, 0, 0],
            [0, 0, 1, 0, 0],
            [0, 1, 2, 0, 0],
            [0, 0, 0, 0, 0],
            [0, 0, 0, 0, 1],
        ],
        "float32",
    )
    # By hand, the sum along each diagonal of three: [0, 0] is 1 + 0 + 2, [0, 1] is 0 + 1 + 0.
    by_hand = [[3, 1, 0], [1, 2, 1], [0, 1, 3]]
    for form in FORMS:
        convolve = layers.Conv2D(1, 3, use_bias=False, implementation=form)
        convolve.build((1, 5, 5, 1))
        convolve.set_weights([np.eye(3).reshape(3, 3, 1, 1)])
        feature_map = convolve(picture.reshape(1, 5, 5, 1))
        assert keras.ops.convert_to_numpy(feature_map)[0, :, :, 0].tolist() == by_hand
        pooled = layers.MaxPooling2D(pool_size=2, strides=1)(feature_map)
        assert keras.ops.convert_to_numpy(pooled)[0, :, :, 0].tolist() == [[3, 2], [2, 3]]


def test_stride_and_dilation_go_together_in_the_equation(rng):
    arguments = dict(filters=3, kernel_size=2, strides=2, dilation_rate=2)
    for name in ("Conv1D", "Conv1DTranspose"):
        with pytest.raises(ValueError, match="not supported in conjunction"):
            getattr(layers, name)(**arguments)
        layer = getattr(layers, name)(**arguments, implementation="equation")
        x = rng.normal(size=(2, 7, 4)).astype("float32")
        assert layer(x).shape == layer.compute_output_shape(x.shape)


def test_what_tensorflow_cannot_do_is_done_by_the_equation(rng):
    x = rng.normal(size=(2, 6, 6, 4)).astype("float32")
    for layer in (
        layers.Conv2DTranspose(3, 3, dilation_rate=2),
        layers.Conv2DTranspose(3, 2, strides=2, padding="same", output_padding=0),
        layers.DepthwiseConv2D(3, strides=(2, 1)),
    ):
        assert layer(x).shape == layer.compute_output_shape(x.shape)


def test_other_names():
    for name in ("1D", "2D", "3D", "1DTranspose", "2DTranspose", "3DTranspose"):
        assert getattr(layers, f"Convolution{name}") is getattr(layers, f"Conv{name}")
    assert layers.SeparableConvolution2D is layers.SeparableConv2D


def test_saved_and_loaded(tmp_path, rng):
    x = rng.normal(size=(2, 8, 8, 3)).astype("float32")
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, kernel_regularizer="l2", implementation="equation"),
            layers.DepthwiseConv2D(3, padding="same"),
            layers.SeparableConv2D(4, 3),
            layers.Conv2DTranspose(2, 3, strides=2),
        ]
    )
    before = model.predict(x, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.layers[0].implementation == "equation"
    assert np.array_equal(again.predict(x, verbose=0), before)


def test_masks_end_here():
    """As in Keras: warned of, and not passed on."""
    layer = layers.Conv1D(2, 3)
    assert not layer.supports_masking
    x = keras.ops.ones((1, 5, 2))
    x._keras_mask = keras.ops.ones((1, 5), dtype="bool")
    with pytest.warns(UserWarning, match="does not support masking"):
        y = layer(x)
    assert getattr(y, "_keras_mask", None) is None


BAD = [
    ("Conv2D", dict(filters=0, kernel_size=1), r"`filters`. Expected a strictly positive"),
    ("Conv2D", dict(filters=2, kernel_size=(1, 2, 3)), r"`kernel_size` argument .* 2 integers"),
    ("Conv2D", dict(filters=2, kernel_size="ab"), r"`kernel_size` argument .* 2 integers"),
    ("Conv2D", dict(filters=2, kernel_size=(1, 0)), r"including values \{0\}"),
    ("Conv2D", dict(filters=2, kernel_size=2, strides=0), r"`strides` argument"),
    ("Conv2D", dict(filters=2, kernel_size=2, padding="causal"), r"`padding` must be one of"),
    ("Conv2D", dict(filters=2, kernel_size=2, data_format="last"), r"`data_format` must be one"),
    ("Conv2D", dict(filters=2, kernel_size=2, groups=0), r"groups must be a positive integer"),
    ("Conv2D", dict(filters=5, kernel_size=2, groups=2), r"evenly divisible"),
    ("Conv2D", dict(filters=2, kernel_size=2, implementation="fast"), r"`implementation` must be"),
    ("DepthwiseConv2D", dict(kernel_size=2, depth_multiplier=0), r"`depth_multiplier`"),
    (
        "Conv2DTranspose",
        dict(filters=2, kernel_size=2, strides=2, output_padding=2),
        r"strictly less than `strides`",
    ),
    (
        "Conv2DTranspose",
        dict(filters=2, kernel_size=2, output_padding=-1),
        r"`value >= 0`",
    ),
]


@pytest.mark.parametrize(("name", "arguments", "message"), BAD)
def test_bad_arguments_are_named(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        getattr(layers, name)(**arguments)


def test_bad_inputs_are_named():
    with pytest.raises(ValueError, match="zero or negative"):
        layers.Conv2D(2, 5).build((None, 4, 4, 3))
    with pytest.raises(ValueError, match="evenly divisible by the number of groups"):
        layers.Conv2D(4, 3, groups=2).build((None, 4, 4, 3))
    with pytest.raises(ValueError, match="2 spatial axes"):
        layers.Conv2D(4, 3).build((None, 4, 4, 4, 3))
    with pytest.raises(ValueError, match="must be known"):
        layers.Conv2D(4, 3).build((None, 4, 4, None))
