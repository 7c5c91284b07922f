"""The cross-entropy against Keras' own, the plain definition, and hostile numbers."""

import keras
import numpy as np
import pytest
import tolerances as tol
from keras import ops

from kerasdl import activations, layers, losses
from kerasdl.backend import value_and_grad
from kerasdl.parity import finite_difference, relative_error


def draw(rng, dtype="float64"):
    z = rng.normal(size=(6, 4)).astype(dtype)
    return rng.integers(0, 4, size=6), z, rng.uniform(0.1, 2, size=6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight", None]
)
@pytest.mark.parametrize("from_logits", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_equal_to_keras(rng, dtype, reduction, from_logits, weighted):
    y, z, weights = draw(rng, dtype)
    if not from_logits:
        z = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
    arguments = dict(from_logits=from_logits, reduction=reduction, dtype=dtype)
    ours = losses.SparseCategoricalCrossentropy(**arguments)
    theirs = keras.losses.SparseCategoricalCrossentropy(**arguments)
    w = weights if weighted else None
    forward, gradient = (
        (tol.FORWARD_64, tol.GRADIENT_64) if dtype == "float64" else (tol.FORWARD_32,) * 2
    )
    assert relative_error(ours(y, z, w), theirs(y, z, w)) <= forward
    (dz,), (dz_theirs,) = (
        value_and_grad(lambda z, loss=loss: ops.sum(loss(y, z, w)), [z])[1]
        for loss in (ours, theirs)
    )
    assert relative_error(dz, dz_theirs) <= gradient


def test_gradient_is_p_minus_onehot(rng):
    y, z, _ = draw(rng)
    p = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)

    total = losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum", dtype="float64")

    def loss(z):
        return total(y, z)

    _, (dz,) = value_and_grad(loss, [z])
    assert relative_error(dz, p - np.eye(4)[y]) <= tol.GRADIENT_64
    assert relative_error(dz, finite_difference(loss, z)) <= tol.FINITE_DIFFERENCE


def test_ignored_class_leaves_sum_and_mean(rng):
    y, z, _ = draw(rng, "float32")
    y[::2] = 255
    arguments = dict(from_logits=True, ignore_class=255)
    ours = losses.SparseCategoricalCrossentropy(**arguments)(y, z)
    assert relative_error(ours, keras.losses.SparseCategoricalCrossentropy(**arguments)(y, z)) <= (
        tol.FORWARD_32
    )
    kept = losses.SparseCategoricalCrossentropy(from_logits=True)(y[1::2], z[1::2])
    assert relative_error(ours, kept) <= tol.FORWARD_32


def test_stable_for_huge_logits():
    z = ops.convert_to_tensor(np.array([[1e4, -1e4, 0], [0, 1e4, -1e4]], "float32"))
    y = np.array([0, 2])
    values = ops.convert_to_numpy(losses.sparse_categorical_crossentropy(y, z, from_logits=True))
    assert np.allclose(values, [0, 2e4])
    _, (dz,) = value_and_grad(
        lambda z: ops.sum(losses.sparse_categorical_crossentropy(y, z, from_logits=True)), [z]
    )
    assert np.allclose(ops.convert_to_numpy(dz), [[0, 0, 0], [0, 1, -1]])


def test_a_class_that_is_ruled_out_has_probability_0():
    y, z = [1, 0], ops.array([[-np.inf, 1.0, 2.0], [0.0, -np.inf, -np.inf]])
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum")
    value, (dz,) = value_and_grad(lambda z: loss(y, z), [z])
    sigma = 1 / (1 + np.exp(-1))
    assert relative_error(value, -np.log(1 - sigma)) <= tol.FORWARD_32
    assert relative_error(dz, [[0, -sigma, sigma], [0, 0, 0]]) <= tol.FORWARD_32


def test_probabilities_that_came_from_our_softmax_use_its_logits():
    z = ops.convert_to_tensor(np.array([[1e4, -1e4]], "float32"))
    p = activations.softmax(z)
    if hasattr(p, "_keras_logits"):  # arrays of JAX take no attributes
        assert float(losses.sparse_categorical_crossentropy([1], p)[0]) == 2e4
    assert np.isfinite(float(losses.sparse_categorical_crossentropy([1], ops.copy(p))[0]))


def test_labels_of_shape_batch_1_and_other_class_axes(rng):
    y, z, _ = draw(rng)
    plain = losses.sparse_categorical_crossentropy(y, z, from_logits=True)
    column = losses.sparse_categorical_crossentropy(y[:, None], z, from_logits=True)
    assert relative_error(column, plain) == 0
    if keras.backend.backend() == "torch":
        first = losses.sparse_categorical_crossentropy(y, z.T, from_logits=True, axis=0)
        assert relative_error(first, plain) <= tol.FORWARD_64
    else:  # as Keras
        with pytest.raises(ValueError, match=r"Only axis=-1 .* Received: axis=0.*moveaxis"):
            losses.sparse_categorical_crossentropy(y, z.T, from_logits=True, axis=0)


def test_a_label_that_is_no_class_shows():
    values = losses.sparse_categorical_crossentropy([0, 4, -1], np.zeros((3, 4)), from_logits=True)
    assert np.isnan(ops.convert_to_numpy(values)).tolist() == [False, True, True]


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"y_true of shape \(5,\) and y_pred of shape \(6, 4\)"):
        losses.sparse_categorical_crossentropy(np.zeros(5), np.zeros((6, 4)))


def test_masked_sequence_counts_kept_steps_only(rng):
    x = rng.normal(size=(2, 3, 5)).astype("float32")
    x[0, 1:] = 0
    y = rng.integers(0, 4, size=(2, 3))

    def evaluate(module, loss):
        inputs = keras.Input((3, 5))
        outputs = module.Dense(4, kernel_initializer="ones")(keras.layers.Masking()(inputs))
        model = keras.Model(inputs, outputs)
        model.compile(loss=loss(from_logits=True))
        return model.evaluate(x, y, verbose=0)

    ours = evaluate(layers, losses.SparseCategoricalCrossentropy)
    theirs = evaluate(keras.layers, keras.losses.SparseCategoricalCrossentropy)
    assert ours == pytest.approx(theirs, rel=tol.FORWARD_32)


def test_config_round_trip():
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=3, reduction="sum")
    config = keras.saving.serialize_keras_object(loss)
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
