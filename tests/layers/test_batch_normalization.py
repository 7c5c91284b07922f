"""Batch normalisation beyond what its case proves: freezing, empty masks, replicas."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

from kerasdl import layers
from tests import tolerances as tol

REPLICAS = """
import json
import keras, numpy as np, tensorflow as tf
from kerasdl import layers

keras.config.set_floatx("float64")
one = tf.config.LogicalDeviceConfiguration()
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], [one, one])
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
rng = np.random.default_rng(0)
x, factors = rng.normal(2.0, 3.0, (8, 5, 3)), rng.normal(size=(8, 5, 3))
mask = rng.random((8, 5)) < 0.6


def step(layer, x, factors, mask):
    weights = [v.value for v in layer.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True, mask=mask)
        # The gradient of the sum over all replicas is what a strategy adds up.
        total = tf.reduce_sum(y * factors)
    return [y, *tape.gradient(total, [x, *weights])]


def result(layer, masked, replicas):
    mask_of = (lambda m: m) if masked else (lambda m: None)
    if replicas == 1:
        y, dx, *dw = step(layer, tf.constant(x), tf.constant(factors), mask_of(tf.constant(mask)))
    else:
        data = tf.data.Dataset.from_tensors((x, factors, mask)).unbatch().batch(8)
        batch = next(iter(strategy.experimental_distribute_dataset(data)))
        outputs = tf.function(strategy.run)(
            lambda x, f, m: step(layer, x, f, mask_of(m)), args=batch
        )
        parts = [strategy.experimental_local_results(o) for o in outputs]
        y, dx = (tf.concat(p, 0) for p in parts[:2])
        dw = [tf.add_n(list(p)) for p in parts[2:]]
    state = [layer.moving_mean, layer.moving_variance]
    return [np.asarray(v).tolist() for v in [y, dx, *dw, *state]]


errors = {}
for masked in (False, True):
    whole = layers.BatchNormalization(momentum=0.8)
    whole.build(x.shape)
    with strategy.scope():
        split = layers.BatchNormalization(momentum=0.8, synchronized=True)
        split.build(x.shape)
    pairs = zip(result(split, masked, 2), result(whole, masked, 1), strict=True)
    errors[str(masked)] = [float(np.max(np.abs(np.subtract(a, b)))) for a, b in pairs]
print(json.dumps(errors))
"""


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tf.distribute")
def test_synchronized_replicas_equal_one_device_with_the_whole_batch():
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, "-c", REPLICAS],
        env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    for masked, errors in json.loads(done.stdout.splitlines()[-1]).items():
        # Outputs, gradients of x, γ and β, moving mean and variance; values are of order 10.
        assert len(errors) == 6
        assert max(errors) <= tol.FORWARD_64 * 10, (masked, errors)


def test_frozen_uses_the_averages_and_leaves_them_alone(rng):
    layer = layers.BatchNormalization(momentum=0.5)
    x = ops.convert_to_tensor(rng.normal(3.0, 2.0, (6, 4)), dtype="float32")
    layer(x, training=True)
    layer.trainable = False
    before = [ops.convert_to_numpy(w) for w in layer.weights]
    trained, inferred = (layer(x, training=flag) for flag in (True, False))
    np.testing.assert_array_equal(ops.convert_to_numpy(trained), ops.convert_to_numpy(inferred))
    for w, old in zip(layer.weights, before, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(w), old)


def test_masked_entries_do_not_count(rng):
    """The averages are those of the entries that are left, however wild the others are."""
    x = rng.normal(size=(4, 5, 3))
    mask = rng.random((4, 5)) < 0.5
    wild = np.where(mask[..., None], x, 1e6).astype("float32")
    layer = layers.BatchNormalization(momentum=0.0)
    layer(ops.convert_to_tensor(wild), training=True, mask=ops.convert_to_tensor(mask))
    kept = x[mask]
    mean, variance = map(ops.convert_to_numpy, (layer.moving_mean, layer.moving_variance))
    # Keras divides by the count of kept entries plus its ε of 1e-7.
    np.testing.assert_allclose(mean, kept.mean(axis=0), atol=tol.FORWARD_32)
    np.testing.assert_allclose(variance, kept.var(axis=0), rtol=tol.FORWARD_32)


def test_a_batch_masked_altogether_gives_finite_numbers(rng):
    layer = layers.BatchNormalization()
    x = ops.convert_to_tensor(rng.normal(size=(2, 3, 4)), dtype="float32")
    y = layer(x, training=True, mask=ops.zeros((2, 3), dtype="bool"))
    assert np.isfinite(ops.convert_to_numpy(y)).all()
    assert all(np.isfinite(ops.convert_to_numpy(w)).all() for w in layer.weights)


def test_half_precision_keeps_its_statistics_in_float32(rng):
    """A mean of 300 and a deviation of 0.3: float16 alone would lose the deviation."""
    x = rng.normal(300.0, 20.0, (64, 3)).astype("float16")
    layer = layers.BatchNormalization(dtype="mixed_float16", momentum=0.0)
    y = layer(ops.convert_to_tensor(x), training=True)
    assert keras.backend.standardize_dtype(y.dtype) == "float16"
    assert layer.moving_variance.dtype == "float32"
    expected = x.astype("float64").var(axis=0)
    error = np.abs(ops.convert_to_numpy(layer.moving_variance) / expected - 1).max()
    assert error <= tol.FORWARD_32


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x: layers.BatchNormalization(axis=3)(x), "axis"),
        (lambda x: layers.BatchNormalization(renorm=True, renorm_clipping={"r": 1}), "renorm_cl"),
        (
            lambda x: layers.BatchNormalization()(x, training=True, mask=ops.ones((2, 3, 4))),
            "one dimension less",
        ),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make(ops.ones((2, 3, 4)))
