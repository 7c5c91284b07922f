"""The norm of a recurrent layer's gradient at every step."""

import keras
import numpy as np
import pytest

from kerasdl import layers
from kerasdl.inspection import gradient_flow, save_gradient_flow

T = 8
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(3, T, 2)).astype("float32"), RNG.normal(size=(3, 1)).astype("float32")


def linear(u):
    """h_t = x_t W + u h_{t-1}: its gradient changes by the factor u from step to step."""
    model = keras.Sequential(
        [keras.Input((T, 2)), layers.SimpleRNN(1, activation="linear", name="rnn")]
    )
    model.compile(loss="mse")
    rnn = model.layers[0]
    rnn.set_weights([np.ones((2, 1)), np.full((1, 1), u), np.zeros(1)])
    return model


@pytest.mark.parametrize("u", [0.5, 1.0, 2.0], ids=["vanishes", "stays", "explodes"])
def test_powers_of_the_recurrent_weight(u):
    model = linear(u)
    norms = gradient_flow(model, "rnn", X, Y)
    last = np.abs(2 * (model.predict(X, verbose=0) - Y)).mean()
    expected = last * u ** np.arange(T - 1, -1, -1.0)
    np.testing.assert_allclose(norms, expected, rtol=1e-5)  # float32


def test_the_layer_is_as_before():
    model = linear(0.5)
    before = model.predict(X, verbose=0)
    gradient_flow(model, "rnn", X, Y)
    np.testing.assert_array_equal(model.predict(X, verbose=0), before)
    assert "inner_loop" not in vars(model.layers[0])


def test_an_open_forget_gate_lets_the_gradient_through():
    def at_the_first_step(layer):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((64, 2)), layer, keras.layers.Dense(1)])
        model.compile(loss="mse")
        x = RNG.normal(size=(3, 64, 2)).astype("float32")
        norms = gradient_flow(model, layer, x, Y)
        return norms[0] / norms[-1]

    small = keras.initializers.Orthogonal(0.5)
    simple = at_the_first_step(layers.SimpleRNN(8, recurrent_initializer=small))
    lstm = layers.LSTM(8, bias_initializer="zeros", recurrent_initializer=small)
    lstm.build((None, 64, 2))
    W, U, b = lstm.get_weights()
    b[8:16] = 5.0  # forget nothing
    lstm.set_weights([W, U, b])
    assert simple < 1e-12 < at_the_first_step(lstm)


def test_others_are_refused():
    model = keras.Sequential([keras.Input((T, 2)), keras.layers.LSTM(1, name="theirs")])
    model.compile(loss="mse")
    with pytest.raises(ValueError, match=r"received LSTM.*kerasdl\.swap"):
        gradient_flow(model, "theirs", X, Y)
    with pytest.raises(ValueError, match="compiled with a loss"):
        gradient_flow(keras.Sequential([keras.Input((T, 2)), layers.GRU(1)]), "gru", X, Y)


def test_the_picture_is_written(tmp_path):
    save_gradient_flow(tmp_path / "flow.png", {"simple RNN": np.geomspace(1e-6, 1, 20)})
    assert (tmp_path / "flow.png").stat().st_size > 5000
