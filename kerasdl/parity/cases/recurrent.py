"""Cases of the recurrent layers, their cells and wrappers."""

import keras
import numpy as np
from keras import ops

import kerasdl
from kerasdl.activations import tanh
from kerasdl.ops.linear import product
from kerasdl.parity.case import Input, LayerCase

B, T, F, U = 3, 5, 4, 2
X = Input((B, T, F), free=(0, 1))
FIXED = Input((B, T, F), free=())
STATE = Input((B, U))
MASK = ((B, T),)

UNROLLED = {"dynamic sizes": "an unrolled layer has a fixed length"}
NO_GATES = {"all": "has no `return_gates`"}


def sigmoid(z):
    """Squash to (0, 1)."""
    return 1 / (1 + np.exp(-z))


def lstm_gates(weights, x, training):
    """Return the last output of an LSTM and its gates, in the order of their names."""
    W, U_, b = weights.values()
    h = c = np.zeros((len(x), U_.shape[0]))
    steps = []
    for t in range(x.shape[1]):
        i, f, candidate, o = np.split(x[:, t] @ W + h @ U_ + b, 4, axis=-1)
        i, f, candidate, o = sigmoid(i), sigmoid(f), np.tanh(candidate), sigmoid(o)
        c = f * c + i * candidate
        h = o * np.tanh(c)
        steps.append([candidate, c, f, i, o])
    return [h, *(np.stack(gate, axis=1) for gate in zip(*steps))]


def gru_gates(weights, x, training):
    """Return the last output of a GRU and its gates, in the order of their names."""
    outputs, *gates = gru_steps(*weights.values(), x)
    return [outputs[:, -1], *gates]


def gru_without_bias(weights, x, training):
    """Return all outputs of a GRU that has no bias."""
    return gru_steps(*weights.values(), (0.0, 0.0), x)[0]


def gru_steps(W, U_, b, x):
    """Return all outputs of a GRU and its gates, (B, T, u) each."""
    b_x, b_h = b
    h = np.zeros((len(x), U_.shape[0]))
    steps = []
    for t in range(x.shape[1]):
        xz, xr, xh = np.split(x[:, t] @ W + b_x, 3, axis=-1)
        hz, hr, hh = np.split(h @ U_ + b_h, 3, axis=-1)
        z, r = sigmoid(xz + hz), sigmoid(xr + hr)
        candidate = np.tanh(xh + r * hh)
        h = z * h + (1 - z) * candidate
        steps.append([h, candidate, r, z])
    return [np.stack(values, axis=1) for values in zip(*steps)]


def minimal_steps(weights, x, training):
    """Return all outputs of `MinimalCell`."""
    (W,) = weights.values()
    first = second = np.zeros((len(x), W.shape[1]))
    outputs = []
    for t in range(x.shape[1]):
        a = x[:, t] @ W
        first, second = first + a, np.tanh(a) * second + a
        outputs.append(np.concatenate([first, second], axis=-1))
    return np.stack(outputs, axis=1)


@keras.saving.register_keras_serializable(package="kerasdl_parity")
class MinimalCell(keras.Layer):
    """A cell of a user: two states, the output another size than either."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = [units, units]
        self.output_size = 2 * units

    def build(self, input_shape):
        """Create the kernel."""
        self.kernel = self.add_weight(
            name="kernel", shape=(input_shape[-1], self.units), initializer="glorot_uniform"
        )

    def call(self, inputs, states):
        """Add to one state, multiply with the other."""
        a = product(inputs, self.kernel)  # float64 stays float64 on PyTorch
        first, second = states[0] + a, tanh(a) * states[1] + a  # Keras' rounds float64 on JAX
        return ops.concatenate([first, second], axis=-1), [first, second]

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "units": self.units}


def layer(symbol, label="", inputs=(X,), masks=MASK, **kwargs):
    """Return a case of a layer of `units=U`."""
    skip = kwargs.pop("skip", {})
    reference = kwargs.pop("reference", None)
    wrong = kwargs.pop("builtin_is_wrong", {})
    return LayerCase(
        symbol=f"layers.{symbol}",
        label=label,
        kwargs={"units": U, **kwargs},
        inputs=inputs,
        masks=masks,
        skip=skip,
        reference=reference,
        builtin_is_wrong=wrong,
        depth=T,
    )


NO_BIAS = {
    "reference": gru_without_bias,
    "builtin_is_wrong": {"jax": "fails without a bias where JAX has float64: puts one of its own"},
}


def of_all_kinds(symbol):
    """Return the cases that every recurrent layer has."""
    return [
        layer(symbol),
        layer(symbol, "all outputs", return_sequences=True),
        layer(
            symbol,
            "backwards, with states",
            return_sequences=True,
            return_state=True,
            go_backwards=True,
        ),
        layer(
            symbol,
            "0 where masked, no bias",
            return_sequences=True,
            zero_output_for_mask=True,
            use_bias=False,
            **(NO_BIAS if symbol == "GRU" else {}),
        ),
        layer(symbol, "relu", activation="relu", kernel_regularizer="l2"),
        layer(symbol, "plain loop", activation="softsign", return_sequences=True),
        layer(symbol, "unrolled", inputs=(FIXED,), unroll=True, skip=UNROLLED),
        layer(symbol, "512 steps", inputs=(Input((2, 512, F)),), masks=None, skip=LONG),
    ]


LONG = {
    "bfloat16": "512 roundings to 8 bits, one upon the other",
    "SavedModel": "as for 5 steps",
    ".keras": "as for 5 steps",
    "modes": "eager steps take a minute: tests/ops/test_recurrence.py",
    "finite differences": "as for 5 steps",
}


def made(symbol, label, make, inputs=(X,), masks=MASK, **more):
    """Return a case of a layer that wraps others."""
    return LayerCase(
        symbol=f"layers.{symbol}",
        label=label,
        make=make,
        inputs=inputs,
        masks=masks,
        depth=T,
        **more,
    )


def stack(k, *cells):
    """Put cells one above the other, of 3 units and of U; named, so that Keras does not count."""
    made = [cell(n, name=f"cell_{n}") for cell, n in zip(cells, (3, U), strict=True)]
    return k.layers.StackedRNNCells(made, name="cells")


def with_gates(kind):
    """Build a layer that returns its gates; of Keras', one that cannot."""

    def make(k):
        more = {"return_gates": True} if k is kerasdl else {}
        return getattr(k.layers, kind)(U, **more)

    return make


CASES = [
    *of_all_kinds("SimpleRNN"),
    *of_all_kinds("LSTM"),
    *of_all_kinds("GRU"),
    layer("SimpleRNN", "initial state", inputs=(X, STATE), masks=None),
    layer("GRU", "initial state", inputs=(X, STATE), masks=None),
    layer("GRU", "reset before", reset_after=False, return_sequences=True),
    layer(
        "GRU",
        "reset before, unrolled",
        inputs=(FIXED,),
        reset_after=False,
        unroll=True,
        skip=UNROLLED,
    ),
    layer("LSTM", "softsign gates", recurrent_activation="softsign", unit_forget_bias=False),
    made(
        "LSTM",
        "gates",
        with_gates("LSTM"),
        masks=None,
        reference=lstm_gates,
        builtin_is_wrong=NO_GATES,
    ),
    made(
        "GRU",
        "gates",
        with_gates("GRU"),
        masks=None,
        reference=gru_gates,
        builtin_is_wrong=NO_GATES,
    ),
    made("SimpleRNNCell", "", lambda k: k.layers.SimpleRNNCell(U), (Input((B, F)), STATE), None),
    made("GRUCell", "", lambda k: k.layers.GRUCell(U), (Input((B, F)), STATE), None),
    made(
        "LSTMCell",
        "in RNN",
        lambda k: k.layers.RNN(k.layers.LSTMCell(U, name="cell"), return_state=True),
    ),
    made(
        "RNN",
        "a cell of one's own",
        lambda k: k.layers.RNN(MinimalCell(U, name="cell"), return_sequences=True),
        reference=minimal_steps,
        builtin_is_wrong={"jax": "with a mask, fails where output and state differ in size"},
    ),
    made(
        "RNN",
        "cells one above the other",
        lambda k: k.layers.RNN(
            stack(k, k.layers.GRUCell, k.layers.SimpleRNNCell), return_state=True
        ),
    ),
    made(
        "StackedRNNCells",
        "in RNN",
        lambda k: k.layers.RNN(
            stack(k, k.layers.LSTMCell, k.layers.LSTMCell),
            return_sequences=True,
            go_backwards=True,
        ),
    ),
    made("Bidirectional", "LSTM", lambda k: k.layers.Bidirectional(k.layers.LSTM(U, name="a"))),
    made(
        "Bidirectional",
        "GRU, all outputs, averaged",
        lambda k: k.layers.Bidirectional(
            k.layers.GRU(U, return_sequences=True, name="a"), merge_mode="ave"
        ),
    ),
    made(
        "Bidirectional",
        "SimpleRNN, both apart, with states",
        lambda k: k.layers.Bidirectional(
            k.layers.SimpleRNN(U, return_sequences=True, return_state=True, name="a"),
            merge_mode=None,
        ),
    ),
    made(
        "TimeDistributed", "Dense", lambda k: k.layers.TimeDistributed(k.layers.Dense(U, name="a"))
    ),
    made(
        "TimeDistributed",
        "BatchNormalization, step by step",
        lambda k: k.layers.TimeDistributed(k.layers.BatchNormalization(name="a")),
        inputs=(FIXED,),
        skip=UNROLLED,
    ),
]
