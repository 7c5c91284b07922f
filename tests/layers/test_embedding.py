"""Embedding: rows of a table, as one-hot times matrix and as Keras; masks, gradients, files."""

import keras
import numpy as np
import pytest
import tolerances as tol
from keras import ops

from kerasdl import constraints, layers, regularizers
from kerasdl.backend import value_and_grad
from kerasdl.ops import one_hot
from kerasdl.parity import relative_error, scramble

X = np.array([[3, 0, 2, 3], [1, 1, 0, 4]])


def pair(**arguments):
    ours, theirs = layers.Embedding(5, 3, **arguments), keras.layers.Embedding(5, 3, **arguments)
    ours.build(), theirs.build()
    scramble(theirs)
    ours.set_weights(theirs.get_weights())
    return ours, theirs


@pytest.mark.parametrize("dtype", ["float64", "float32", "mixed_bfloat16"])
def test_equals_keras(dtype, rng):
    ours, theirs = pair(dtype=dtype)
    upstream = ops.convert_to_tensor(rng.normal(size=(2, 4, 3)))

    def loss(layer):
        return lambda _: ops.sum(ops.cast(layer(X), "float64") * upstream)

    assert relative_error(ops.cast(ours(X), "float64"), ops.cast(theirs(X), "float64")) == 0
    _, (gradient,) = value_and_grad(loss(ours), [ours.embeddings])
    _, (expected,) = value_and_grad(loss(theirs), [theirs.embeddings])
    assert relative_error(gradient, expected) <= tol.GRADIENT_64
    # By hand: each row collects what came back to the places where it was read.
    by_hand = np.zeros((5, 3))
    for b in range(2):
        for t in range(4):
            by_hand[X[b, t]] += ops.convert_to_numpy(upstream)[b, t]
    tolerances = {"float64": tol.GRADIENT_64, "float32": tol.GRADIENT_32}
    assert relative_error(gradient, by_hand) <= tolerances.get(dtype, tol.GRADIENT_BF16)


def test_is_one_hot_times_matrix(rng):
    layer, _ = pair(dtype="float64")
    E = ops.convert_to_tensor(layer.embeddings)
    expected = ops.einsum("btv,vd->btd", one_hot(X, 5, dtype="float64"), E)
    assert relative_error(layer(X), expected) == 0


@pytest.mark.parametrize("x", [X.astype("int64"), X.astype("uint8"), X.astype("float32")])
def test_any_kind_of_integer(x):
    ours, theirs = pair()
    assert relative_error(ours(x), theirs(x)) == 0


def test_shapes():
    layer = layers.Embedding(5, 3)
    assert tuple(layer(np.zeros((2,), dtype="int32")).shape) == (2, 3)
    assert tuple(layer(np.zeros((2, 3, 4), dtype="int32")).shape) == (2, 3, 4, 3)
    assert layer.compute_output_shape((None, 7)) == (None, 7, 3)
    assert layer(keras.Input((None,), dtype="int32")).shape == (None, None, 3)


def test_the_mask_hides_zero_and_reaches_the_next_layer():
    ours, theirs = pair(mask_zero=True)
    assert np.array_equal(ours.compute_mask(X), theirs.compute_mask(X))
    assert np.array_equal(ops.convert_to_numpy(ours.compute_mask(X)), X != 0)
    assert layers.Embedding(5, 3).compute_mask(X) is None
    inputs = keras.Input((None,), dtype="int32")
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling1D()(ours(inputs)))
    assert relative_error(model(np.array([[3, 2, 0, 0]])), model(np.array([[3, 2]]))) <= 1e-6


def test_weights_files_and_config(tmp_path):
    table = np.arange(15.0).reshape(5, 3)
    for weights in (table, [table]):
        assert relative_error(layers.Embedding(5, 3, weights=weights).embeddings, table) == 0
    layer = layers.Embedding(
        5, 3, "ones", embeddings_regularizer="l2", embeddings_constraint="unit_norm", mask_zero=True
    )
    model = keras.Sequential([keras.Input((4,), dtype="int32"), layer])
    scramble(model)
    model.save(tmp_path / "words.keras")
    again = keras.saving.load_model(tmp_path / "words.keras")
    copy = again.layers[0]
    assert type(copy) is layers.Embedding
    assert copy.get_config() == layer.get_config()
    assert type(copy.embeddings_regularizer) is regularizers.L2
    assert type(copy.embeddings_constraint) is constraints.UnitNorm
    assert relative_error(again(X), model(X)) == 0
    # The weights also fit the built-in's file.
    theirs = keras.Sequential([keras.Input((4,), dtype="int32"), keras.layers.Embedding(5, 3)])
    model.save_weights(tmp_path / "words.weights.h5")
    theirs.load_weights(tmp_path / "words.weights.h5")
    assert relative_error(theirs(X), model(X)) == 0
    assert [w.path.split("/")[-1] for w in layer.weights] == ["embeddings"]


def test_the_gradient_is_sparse_as_keras():
    if keras.backend.backend() != "tensorflow":
        pytest.skip("TensorFlow alone has sparse gradients")
    import tensorflow as tf

    for layer in pair():
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(X))
        assert isinstance(tape.gradient(loss, layer.embeddings.value), tf.IndexedSlices)


def test_a_few_steps_side_by_side(rng):
    y = rng.normal(size=(2, 4, 3))
    losses = []
    for layer in pair(embeddings_constraint="max_norm", embeddings_regularizer="l2"):
        model = keras.Sequential([layer])
        model.compile(optimizer=keras.optimizers.Adam(0.1), loss="mse")
        losses.append([model.train_on_batch(X, y) for _ in range(4)])
    assert relative_error(*losses) <= tol.GRADIENT_32


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (dict(input_dim=0, output_dim=3), "`input_dim` must be a positive integer"),
        (dict(input_dim=3, output_dim=True), "`output_dim` must be a positive integer"),
        (dict(input_dim=3, output_dim=3, quantization_config={}), "`quantization_config`"),
    ],
)
def test_bad_arguments_are_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        layers.Embedding(**arguments)


def test_the_old_argument_warns():
    with pytest.warns(UserWarning, match="`input_length` is deprecated"):
        layers.Embedding(5, 3, input_length=4)
