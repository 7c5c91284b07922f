"""Activation layers against Keras' own."""

import keras
import numpy as np
import pytest
import tolerances as tol
from keras import ops

from kerasdl import layers
from kerasdl.parity import compare_layers, relative_error

CASES = [
    ("Activation", dict(activation="silu")),
    ("Activation", dict(activation="softmax")),
    ("ReLU", {}),
    ("ReLU", dict(max_value=2.0, negative_slope=0.25, threshold=0.5)),
    ("LeakyReLU", {}),
    ("LeakyReLU", dict(negative_slope=0.0)),
    ("ELU", {}),
    ("ELU", dict(alpha=0.5)),
    ("PReLU", {}),
    ("PReLU", dict(shared_axes=[1], alpha_initializer="ones", alpha_regularizer="l2")),
    ("PReLU", dict(shared_axes=1)),
    ("Softmax", {}),
    ("Softmax", dict(axis=1)),
    ("Softmax", dict(axis=[1, 2])),
]


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_equal_to_keras(rng, name, arguments):
    ours, theirs = (
        getattr(module, name)(**arguments, dtype="float64") for module in (layers, keras.layers)
    )
    errors = compare_layers(ours, theirs, (rng.normal(size=(3, 4, 6)) * 2,))
    assert errors.forward <= tol.FORWARD_64
    assert errors.gradients <= tol.GRADIENT_64
    config = ours.get_config()
    assert type(ours).from_config(config).get_config() == config
    assert {k for k in theirs.get_config() if k != "name"} <= set(config)


def test_masks(rng):
    x = rng.normal(size=(2, 3, 4)).astype("float32")
    mask = rng.integers(0, 2, size=(2, 3, 4)).astype(bool)
    mask[0, 0] = False
    ours, theirs = (
        m.Softmax()(x, mask=ops.convert_to_tensor(mask)) for m in (layers, keras.layers)
    )
    assert relative_error(ours, theirs) <= tol.FORWARD_32
    assert not ops.convert_to_numpy(ours)[~mask].any()
    numbers = layers.Softmax()(x, mask=ops.convert_to_tensor(mask.astype("float32")))
    assert relative_error(numbers, ours) == 0
    for name, arguments in CASES:
        assert getattr(layers, name)(**arguments).supports_masking


def test_masked_scores_get_no_gradient():
    from kerasdl.backend import value_and_grad

    layer = layers.Softmax(dtype="float64")
    mask = ops.convert_to_tensor(np.array([[True, False, True], [False, False, False]]))
    w = ops.convert_to_tensor(np.array([[1.0, 2.0, 3.0]] * 2))
    x = np.array([[1e4, 5.0, -1e4], [1.0, 2.0, 3.0]])
    _, (dx,) = value_and_grad(lambda x: ops.sum(layer(x, mask=mask) * w), [x])
    dx = ops.convert_to_numpy(dx)
    assert np.isfinite(dx).all()
    assert dx[0, 1] == 0
    assert not dx[1].any()


@pytest.mark.parametrize("name", ["ReLU", "LeakyReLU", "PReLU", "Softmax"])
def test_dynamic_sizes_and_files(name, rng, tmp_path):
    inputs = keras.Input((4, 6))
    model = keras.Model(inputs, getattr(layers, name)()(inputs))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert type(again.layers[-1]) is getattr(layers, name)
    for batch in (1, 5):
        x = rng.normal(size=(batch, 4, 6)).astype("float32")
        assert relative_error(again.predict(x, verbose=0), model(x)) <= tol.FORWARD_32


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("ReLU", dict(max_value=-1), "max_value of a ReLU layer cannot be a negative value"),
        ("ReLU", dict(negative_slope=None), "negative_slope of a ReLU layer cannot be None or a"),
        ("ReLU", dict(threshold=-1), "threshold of a ReLU layer cannot be None or a negative"),
        ("LeakyReLU", dict(negative_slope=None), "negative_slope value of a Leaky ReLU layer"),
    ],
)
def test_wrong_arguments_are_named(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        getattr(layers, name)(**arguments)


def test_wrong_masks_are_named():
    x, layer = np.ones((1, 3), "float32"), layers.Softmax()
    with pytest.raises(ValueError, match="broadcastable"):
        layer(x, mask=ops.ones((2, 3)))
    with pytest.raises(ValueError, match="must not have more dimensions"):
        layer(x, mask=ops.ones((1, 1, 3)))


def test_the_old_spelling_of_the_slope_warns():
    with pytest.warns(UserWarning, match="deprecated"):
        assert layers.LeakyReLU(alpha=0.1).negative_slope == 0.1


def test_elu_keeps_alpha_when_it_is_saved():
    assert layers.ELU.from_config(layers.ELU(alpha=0.5).get_config()).alpha == 0.5


def test_a_layer_may_be_the_activation():
    inner = layers.PReLU()
    assert layers.Activation(inner)(np.ones((1, 2), "float32")).shape == (1, 2)
