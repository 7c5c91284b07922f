"""What holds for all image layers: equal to Keras', anywhere they run, on every kind of input."""

import keras
import numpy as np
import pytest
import tolerances as tol
from keras import ops

from kerasdl import layers
from kerasdl.backend import compiled
from kerasdl.layers.preprocessing.base import factor_range
from kerasdl.parity.compare import relative_error

BACKEND = keras.backend.backend()
H, W, C = 6, 8, 3
# Operation by operation, JAX compiles every single one.
quickly = compiled if BACKEND == "jax" else lambda function: function

CASES = {
    "flip": ("RandomFlip", dict(mode="horizontal")),
    "flip_both": ("RandomFlip", dict()),
    "rotation": ("RandomRotation", dict(factor=0.1)),
    "rotation_constant": ("RandomRotation", dict(factor=(0.1, 0.2), fill_mode="constant")),
    "zoom": ("RandomZoom", dict(height_factor=0.3)),
    "zoom_constant": (
        "RandomZoom",
        dict(height_factor=0.3, width_factor=0.2, fill_mode="constant", fill_value=1.0),
    ),
    "translation": ("RandomTranslation", dict(height_factor=0.2, width_factor=0.2)),
    "translation_nearest": (
        "RandomTranslation",
        dict(height_factor=0.2, width_factor=0.2, fill_mode="nearest", interpolation="nearest"),
    ),
    "crop": ("RandomCrop", dict(height=4, width=5)),
    "center_crop": ("CenterCrop", dict(height=4, width=5)),
    "center_crop_larger": ("CenterCrop", dict(height=9, width=10)),
    "contrast": ("RandomContrast", dict(factor=(0.2, 0.4), value_range=(0, 1))),
    "brightness": ("RandomBrightness", dict(factor=0.3, value_range=(0, 1))),
}
RANDOM = [name for name in CASES if "center" not in name]


def make(case, namespace=layers, **more):
    name, arguments = CASES[case]
    seed = {} if name == "CenterCrop" else {"seed": 3}
    return getattr(namespace, name)(**arguments, **seed, **more)


@pytest.fixture
def images(rng):
    return rng.uniform(size=(4, H, W, C)).astype("float32")


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("case", CASES)
def test_equal_to_keras_with_the_same_seed_and_with_its_transformation(case, data_format, images):
    if data_format == "channels_first":
        images = np.moveaxis(images, -1, 1)
    ours = make(case, data_format=data_format)
    theirs = make(case, keras.layers, data_format=data_format)
    # a copy for Keras: on PyTorch its RandomBrightness changes its input in place
    expected = theirs(ops.convert_to_tensor(images.copy()), training=True)
    assert relative_error(ours(images, training=True), expected) <= tol.FORWARD_32

    transformation = theirs.get_random_transformation(images, training=True)
    result = ours.transform_images(ops.convert_to_tensor(images), transformation)
    # behind ours: on PyTorch Keras' RandomRotation changes the transformation in place
    expected = theirs.transform_images(ops.convert_to_tensor(images.copy()), transformation)
    assert relative_error(result, expected) <= tol.FORWARD_32


@pytest.mark.parametrize("case", CASES)
def test_one_image_is_a_batch_of_one(case, images):
    image = images[0]
    batch = make(case)(image[None], training=True)
    assert relative_error(make(case)(image, training=True), batch[0]) <= tol.FORWARD_32


@pytest.mark.parametrize("case", [c for c in RANDOM if c != "crop"])
def test_identity_at_inference(case, images):
    np.testing.assert_array_equal(ops.convert_to_numpy(make(case)(images, training=False)), images)


@pytest.mark.parametrize("case", CASES)
def test_in_a_compiled_model_of_dynamic_batch(case, images):
    """Training runs under XLA, which Keras' layers do not on TensorFlow."""
    layer = make(case)
    assert layer.supports_jit
    inputs = keras.Input((H, W, C))
    features = keras.layers.GlobalAveragePooling2D()(layer(inputs))
    model = keras.Model(inputs, keras.layers.Dense(1)(features))
    model.compile("sgd", "mse", jit_compile=BACKEND != "torch")
    history = model.fit(images, np.zeros((4, 1)), batch_size=3, verbose=0)
    assert np.isfinite(history.history["loss"][0])
    outputs = keras.Model(inputs, layer(inputs)).predict(images, verbose=0)
    assert outputs.shape[1:] == layer.compute_output_shape((None, H, W, C))[1:]


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_dictionary_in_tf_data_on_any_backend(case, batched, images):
    import tensorflow as tf

    data = {
        "images": images,
        "labels": np.arange(4),
        "segmentation_masks": np.ones((4, H, W, 1), "uint8"),
        "bounding_boxes": {
            "boxes": np.tile(np.array([[2, 2, 5, 4], [0, 0, 1, 1]], "float32"), (4, 1, 1)),
            "labels": np.zeros((4, 2)),
        },
    }
    layer = make(case, bounding_box_format="xyxy")
    dataset = tf.data.Dataset.from_tensor_slices(data)
    out = next(iter((dataset.batch(4) if batched else dataset).map(layer)))
    assert layer.backend.name == BACKEND
    shape = layer.compute_output_shape((4, H, W, C))[0 if batched else 1 :]
    assert tuple(out["images"].shape) == shape
    assert tuple(out["segmentation_masks"].shape[:-1]) == shape[:-1]
    np.testing.assert_array_equal(out["labels"], np.arange(4) if batched else 0)
    x1, y1, x2, y2 = np.moveaxis(out["bounding_boxes"]["boxes"].numpy(), -1, 0)
    assert (x1 <= x2).all()
    assert (y1 <= y2).all()
    assert max(x2.max() / shape[-2], y2.max() / shape[-3]) <= 1


@pytest.mark.parametrize("case", RANDOM)
def test_tf_data_repeats_with_the_seed(case, images):
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensors(images).repeat(3)
    first, second = ([o.numpy() for o in dataset.map(make(case))] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first[0], first[1])


@pytest.mark.parametrize("case", CASES)
def test_config_and_file_as_keras(case, tmp_path):
    layer = make(case)
    config = layer.get_config()
    assert set(config) == set(make(case, keras.layers).get_config())
    assert type(layer).from_config(config).get_config() == config
    model = keras.Sequential([keras.Input((H, W, C)), layer])
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras").layers[0]
    assert type(again) is type(layer)
    assert keras.tree.flatten(again.get_config()) == keras.tree.flatten(config)


@pytest.mark.parametrize("case", CASES)
def test_dtypes(case):
    numbers = np.random.default_rng(0).integers(0, 256, (2, H, W, C)).astype("uint8")
    extra = {"value_range": (0, 255)} if case in ("contrast", "brightness") else {}
    name, arguments = CASES[case]
    arguments = {**arguments, **extra} | ({} if name == "CenterCrop" else {"seed": 3})
    expected = getattr(layers, name)(**arguments)(numbers, training=True)
    assert keras.backend.standardize_dtype(expected.dtype) == "float32"
    rounded = getattr(layers, name)(**arguments, dtype="uint8")(numbers, training=True)
    assert keras.backend.standardize_dtype(rounded.dtype) == "uint8"
    error = np.abs(ops.convert_to_numpy(rounded).astype("float32") - ops.convert_to_numpy(expected))
    assert error.max() <= 0.5 + 1e-3
    half = getattr(layers, name)(**arguments, dtype="mixed_bfloat16")(numbers, training=True)
    assert keras.backend.standardize_dtype(half.dtype) == "bfloat16"
    if name != "RandomContrast":  # draws in bfloat16, as Keras: another number
        assert relative_error(ops.cast(half, "float32"), expected) <= tol.FORWARD_BF16


def test_masks_are_moved_by_whole_classes(images):
    """No class number arises that was not there, and masks go where the images go."""
    masks = np.random.default_rng(0).integers(0, 3, (4, H, W, 1)) * 100
    for case in ("rotation", "zoom", "translation", "crop", "center_crop_larger"):
        data = {"images": masks.astype("float32"), "segmentation_masks": masks}
        out = make(case)(data, training=True)["segmentation_masks"]
        assert set(np.unique(ops.convert_to_numpy(out))) <= {0, 100, 200}


def test_boxes_need_a_format(images):
    boxes = {"boxes": np.zeros((4, 1, 4), "float32"), "labels": np.zeros((4, 1))}
    with pytest.raises(ValueError, match="bounding_box_format"):
        make("flip")({"images": images, "bounding_boxes": boxes})


def test_a_wrong_rank_is_named():
    with pytest.raises(ValueError, match="rank 3 or 4"):
        make("zoom")(np.zeros((2, 2), "float32"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(fill_mode="warp"), "`fill_mode` must be one of .*received 'warp'"),
        (dict(interpolation="cubic"), "`interpolation` must be one of .*received 'cubic'"),
        (dict(height_factor=-1.0), r"`height_factor`.*\(-1.0, 1.0\].*-1.0"),
        (dict(width_factor=(0.1, 0.2, 0.3)), "`width_factor`.*Received: width_factor=.0.1"),
        (dict(height_factor="0.1"), "`height_factor`.*Received: height_factor=0.1"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        layers.RandomZoom(**{"height_factor": 0.1, **arguments})


def test_factor_range():
    assert factor_range("f", 0.5, -1, 1) == factor_range("f", -0.5, -1, 1) == (-0.5, 0.5)
    assert factor_range("f", (0.3, -0.2), -1, 1) == (-0.2, 0.3)
