"""The same model from ours and from built-ins."""

import keras
import numpy as np
import pytest

import kerasdl
from kerasdl.parity.model import verify_model

K = keras.layers


@keras.saving.register_keras_serializable(package="test")
class Own(K.Layer):
    """A user's layer: there is nothing to swap it for."""

    def call(self, x):
        return x


def network():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6, 5))
    x = K.Dense(4, activation="gelu", kernel_regularizer="l2")(inputs)
    x = K.MultiHeadAttention(2, 3)(x, x)
    x = Own(name="as_it_is")(K.Reshape((24,))(x))
    x = K.Dropout(0.3)(x)
    inner = keras.Sequential([keras.Input((24,)), K.Dense(8), K.LayerNormalization()], name="inner")
    outputs = K.Dense(3, activation="softmax")(inner(x))
    model = keras.Model(inputs, outputs)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy())
    return model


@pytest.fixture
def data(rng):
    return rng.normal(size=(8, 6, 5)).astype("float32"), rng.integers(3, size=8)


def classes(model):
    return {
        layer.name: type(layer)
        for layer in model._flatten_layers(include_self=False, recursive=True)
    }


def test_a_layer_is_not_taken_for_the_initialiser_of_its_name():
    model = keras.Sequential(
        [keras.Input((3,)), K.Dense(2, kernel_initializer="identity"), K.Identity()]
    )
    ours = kerasdl.swap(model)
    assert type(ours.layers[0].kernel_initializer) is kerasdl.initializers.Identity
    assert type(ours.layers[1]) is kerasdl.layers.Identity


def test_there_and_back(data):
    x, y = data
    model = network()
    model.train_on_batch(x, y)
    with pytest.warns(UserWarning, match=r"swap left .*'as_it_is' \(Own\)"):
        ours = kerasdl.swap(model)
    ours_by_name = classes(ours)
    assert ours_by_name["inner"] is keras.Sequential
    assert {c for c in ours_by_name.values() if c.__name__ == "Dense"} == {kerasdl.layers.Dense}
    assert type(ours.optimizer) is kerasdl.optimizers.Adam
    assert type(ours.loss) is kerasdl.losses.SparseCategoricalCrossentropy
    assert classes(model)["inner"] is keras.Sequential  # what was given stays as it is
    assert K.Dense in classes(model).values()

    with pytest.warns(UserWarning, match="unswap left"):
        back = kerasdl.unswap(ours)
    assert [type(layer) for layer in back.layers] == [type(layer) for layer in model.layers]
    expected = model.predict(x, verbose=0)
    for other in (ours, back):
        np.testing.assert_allclose(other.predict(x, verbose=0), expected, atol=1e-6)
        # Adam's moments and the draws of dropout went along: training goes on alike.
        assert int(other.optimizer.iterations) == 1
    assert ours.optimizer.variables[2].shape == model.optimizer.variables[2].shape


def test_the_optimiser_goes_on_where_it_was(data):
    x, y = data
    model = keras.Sequential([keras.Input((6, 5)), K.Flatten(), K.Dense(3)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    for _ in range(3):
        model.train_on_batch(x, y)
    ours = kerasdl.swap(model)
    for _ in range(3):
        model.train_on_batch(x, y)
        ours.train_on_batch(x, y)
    for a, b in zip(ours.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_a_layer_inside_a_wrapper_is_swapped():
    model = keras.Sequential([keras.Input((4, 3)), Doubled(K.Dense(2))])
    with pytest.warns(UserWarning, match="Doubled"):
        ours = kerasdl.swap(model)
    assert type(ours.layers[0]) is Doubled
    assert type(ours.layers[0].layer) is kerasdl.layers.Dense


@keras.saving.register_keras_serializable(package="test")
class Doubled(K.Wrapper):
    def call(self, x):
        return 2 * self.layer(x)


def test_own_arguments_are_dropped_on_the_way_back():
    ours = keras.Sequential(
        [keras.Input((6, 6, 2)), kerasdl.layers.Conv2D(3, 2, implementation="equation")]
    )
    back = kerasdl.unswap(ours)
    assert type(back.layers[0]) is K.Conv2D


def test_what_cannot_be_rebuilt_is_refused():
    class Own(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(ValueError, match="must be built"):
        kerasdl.swap(keras.Sequential([K.Dense(1)]))
    with pytest.raises(ValueError, match=r"must be a keras\.Model, received Dense"):
        kerasdl.swap(K.Dense(1))


def test_a_model_beside_its_twin():
    model = network()
    twin = verify_model(model, "mine")
    assert twin.row.passed
    assert {check.note for check in twin.row.checks} == {"ours", "back again"}
    assert ("as_it_is", "Own", False) in twin.layers
    assert ("dense", "Dense", True) in twin.layers or any(
        name.startswith("dense") and replaced for name, _, replaced in twin.layers
    )


def test_token_models_get_tokens_of_their_table():
    model = keras.Sequential([keras.Input((None,), dtype="int32"), K.Embedding(7, 3), K.Dense(2)])
    assert verify_model(model, "tokens").row.passed
