"""Recurrent layers: what the proof does not show (dropout, states, wrappers, errors)."""

import keras
import numpy as np
import pytest
from keras import ops

import kerasdl
from kerasdl import layers

B, T, F, U = 2, 5, 3, 4
RNG = np.random.default_rng(0)
X = RNG.normal(size=(B, T, F)).astype("float32")
KINDS = ["SimpleRNN", "LSTM", "GRU"]
# float32: seven digits, and a few roundings over five steps.
CLOSE = dict(rtol=1e-5, atol=1e-6)


def numpy(tensors):
    return [ops.convert_to_numpy(t) for t in keras.tree.flatten(tensors)]


def same_numbers(ours, theirs):
    for a, b in zip(numpy(ours), numpy(theirs), strict=True):
        np.testing.assert_allclose(a, b, **CLOSE)


def pair(kind, **arguments):
    """Ours and Keras', with the same weights."""
    ours, theirs = (getattr(k.layers, kind)(U, seed=3, **arguments) for k in (kerasdl, keras))
    for layer in (ours, theirs):
        layer.build((B, T, F))
    ours.set_weights(theirs.get_weights())
    return ours, theirs


def drawn(layer):
    """Let a layer draw its dropout masks; return them."""
    cell = layer.cell
    return cell.get_dropout_mask(X[:, 0]), cell.get_recurrent_dropout_mask(
        np.ones((B, U), "float32")
    )


@pytest.mark.parametrize("implementation", [1, 2])
@pytest.mark.parametrize("recurrent", [0.0, 0.4], ids=["inputs", "inputs and state"])
@pytest.mark.parametrize("kind", KINDS)
def test_dropout_with_the_same_masks(kind, recurrent, implementation):
    arguments = dict(dropout=0.3, recurrent_dropout=recurrent, return_sequences=True)
    if kind != "SimpleRNN":
        # Keras' "auto" fails here: it takes the four masks of implementation 1 for one.
        arguments |= dict(implementation=implementation, use_cudnn=False)
    ours, theirs = pair(kind, **arguments)
    seen = []
    for _ in range(2):
        masks = drawn(ours)
        theirs.cell._dropout_mask, theirs.cell._recurrent_dropout_mask = masks
        seen.append(np.concatenate([m.ravel() for m in numpy(masks) if m is not None]))
        y = ours(X, training=True)
        same_numbers(y, theirs(X, training=True))
    assert not np.array_equal(*seen)  # the second batch drops others


def test_dropout_keeps_the_expectation():
    cell = layers.LSTMCell(U, dropout=0.25)
    mask = numpy(cell.get_dropout_mask(np.ones((1000, 10), "float32")))[0]
    assert set(np.unique(mask.round(4))) == {0.0, np.float32(1.3333)}
    assert abs(mask.mean() - 1) < 0.02  # four standard errors of 10,000 draws


@pytest.mark.parametrize("kind", KINDS)
def test_initial_weights_are_keras(kind):
    keras.utils.set_random_seed(7)
    ours = getattr(layers, kind)(U)
    ours.build((B, T, F))
    keras.utils.set_random_seed(7)
    theirs = getattr(keras.layers, kind)(U)
    theirs.build((B, T, F))
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    same_numbers(ours.get_weights(), theirs.get_weights())


@pytest.mark.parametrize("kind", KINDS)
def test_states_go_on(kind):
    ours, theirs = pair(kind, stateful=True, return_state=True)
    for _ in range(3):
        same_numbers(ours(X), theirs(X))
    ours.reset_state()
    theirs.reset_states()
    same_numbers(ours(X), theirs(X))
    assert len(ours.weights) == len(theirs.weights)


def test_fit_keeps_the_states():
    inputs = keras.Input(batch_shape=(B, T, F))
    layer = layers.GRU(U, stateful=True)
    model = keras.Model(inputs, layer(inputs))
    model.compile("sgd", "mse")
    model.fit(X, np.zeros((B, U)), batch_size=B, epochs=1, verbose=0, shuffle=False)
    assert np.abs(numpy(layer.states)[0]).max() > 0


def test_a_batch_of_another_size_is_refused():
    layer = layers.LSTM(U, stateful=True)
    layer(X)
    with pytest.raises(ValueError, match=r"Expected batch size: 2\. Received batch size: 1"):
        layer(X[:1])
    with pytest.raises(ValueError, match="batch size must be static"):
        layers.LSTM(U, stateful=True)(keras.Input((T, F)))


def test_unrolling_an_unknown_length_is_refused():
    with pytest.raises(ValueError, match="Cannot unroll"):
        layers.LSTM(U, unroll=True).call(keras.Input((None, F)))


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_gates_change_nothing_else(kind):
    plain, _ = pair(kind, return_sequences=True)
    open_ = getattr(layers, kind)(U, return_sequences=True, return_gates=True)
    open_.build((B, T, F))
    open_.set_weights(plain.get_weights())
    mask = np.array([[True] * T, [True, True, False, False, False]])
    y, gates = open_(X, mask=mask)
    same_numbers(y, plain(X, mask=mask))
    assert set(gates) == set(type(open_).gate_names)
    for name, gate in gates.items():
        assert tuple(gate.shape) == (B, T, U), name
    assert type(open_).from_config(open_.get_config()).return_gates


def test_gates_in_a_functional_model():
    inputs = keras.Input((None, F))
    h, gates = layers.LSTM(U, return_gates=True)(inputs)
    model = keras.Model(inputs, {"h": h, **gates})
    outputs = model.predict(X, verbose=0)
    assert outputs["forget"].shape == (B, T, U)
    assert ((outputs["forget"] > 0) & (outputs["forget"] < 1)).all()


def test_encoder_and_decoder():
    source, target = keras.Input((None, F)), keras.Input((None, F))
    _, h, c = layers.LSTM(U, return_state=True)(source)
    y = layers.LSTM(U, return_sequences=True)(target, initial_state=[h, c])
    model = keras.Model([source, target], y)
    assert model.predict([X, X[:, :2]], verbose=0).shape == (B, 2, U)


@pytest.mark.parametrize("kind", KINDS)
def test_swapped_there_and_back(kind):
    model = keras.Sequential(
        [
            keras.Input((T, F)),
            keras.layers.Bidirectional(getattr(keras.layers, kind)(U, return_sequences=True)),
            keras.layers.TimeDistributed(keras.layers.Dense(2)),
        ]
    )
    swapped = kerasdl.swap(model)
    assert type(swapped.layers[0]) is layers.Bidirectional
    assert type(swapped.layers[0].forward_layer) is getattr(layers, kind)
    same_numbers(swapped(X), model(X))
    back = kerasdl.unswap(swapped)
    assert type(back.layers[0].forward_layer) is getattr(keras.layers, kind)
    same_numbers(back(X), model(X))


@pytest.mark.parametrize("merge_mode", ["concat", "sum", "ave", "mul", None])
def test_bidirectional_with_states_and_masks(merge_mode):
    mask = np.array([[True] * T, [True, True, False, True, False]])
    arguments = dict(return_sequences=True, return_state=True)
    ours = layers.Bidirectional(layers.LSTM(U, **arguments), merge_mode)
    theirs = keras.layers.Bidirectional(keras.layers.LSTM(U, **arguments), merge_mode)
    for layer in (ours, theirs):
        layer.build((B, T, F))
    ours.set_weights(theirs.get_weights())
    same_numbers(ours(X, mask=mask), theirs(X, mask=mask))
    assert ours.compute_output_shape((B, T, F)) == theirs.compute_output_shape((B, T, F))


def test_bidirectional_says_what_does_not_fit():
    with pytest.raises(ValueError, match="different `go_backwards`"):
        layers.Bidirectional(layers.LSTM(U), backward_layer=layers.LSTM(U))
    with pytest.raises(ValueError, match="Invalid merge mode"):
        layers.Bidirectional(layers.LSTM(U), merge_mode="max")
    with pytest.raises(ValueError, match="`layer` of Bidirectional"):
        layers.Bidirectional("lstm")


class PerStep(keras.layers.Dense):
    """A layer of a user's own: nobody knows whether it mixes the examples of a batch."""

    calls = 0

    def call(self, inputs):
        PerStep.calls += 1
        return super().call(inputs)


def test_time_distributed_calls_once_what_it_knows():
    known, unknown = layers.TimeDistributed(layers.Dense(2)), layers.TimeDistributed(PerStep(2))
    y = known(X)
    unknown(X)
    unknown.set_weights(known.get_weights())
    PerStep.calls = 0
    same_numbers(unknown(X), y)
    assert PerStep.calls == T


def test_time_distributed_over_a_network():
    pictures = RNG.normal(size=(B, T, 8, 8, 1)).astype("float32")
    inner = keras.Sequential([layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(3)])
    inputs = keras.Input((None, 8, 8, 1))
    model = keras.Model(inputs, layers.TimeDistributed(inner)(inputs))
    expected = np.stack([numpy(inner(pictures[:, t]))[0] for t in range(T)], axis=1)
    np.testing.assert_allclose(model.predict(pictures, verbose=0), expected, **CLOSE)


def test_cudnn_is_not_needed():
    assert layers.LSTM(U, use_cudnn=True)(X).shape == (B, U)
    with pytest.raises(ValueError, match="use_cudnn=True was specified"):
        layers.LSTM(U, use_cudnn=True, unroll=True)(X)
    with pytest.raises(ValueError, match="use_cudnn='fast'"):
        layers.LSTM(U, use_cudnn="fast")


def test_units_must_be_positive():
    with pytest.raises(ValueError, match="`units` must be a positive integer, received 0"):
        layers.GRU(0)


def test_a_cell_needs_a_state_size():
    class Cell:
        def call(self, inputs, states):
            return inputs, states

    with pytest.raises(ValueError, match="should have a `state_size` attribute"):
        layers.RNN(Cell())


def test_states_that_do_not_fit_are_named():
    h = np.zeros((B, U), "float32")
    with pytest.raises(ValueError, match=r"`initial_state` must hold 2 state.*Received: 1 of"):
        layers.LSTM(U)(X, initial_state=[h])
    with pytest.raises(ValueError, match=r"sizes \[5\].*\(2, 4\)"):
        layers.GRU(5)(X, initial_state=h)


def test_a_mask_with_an_axis_of_one_is_taken():
    mask = np.array([[True] * T, [True, True, False, True, False]])
    ours, _ = pair("LSTM")
    same_numbers(ours(X, mask=mask[..., None]), ours(X, mask=mask))
    with pytest.raises(ValueError, match=r"`mask` must have the shape \(B, T\)"):
        ours(X, mask=mask[0])


@pytest.mark.parametrize("kind", KINDS)
def test_a_rate_of_one_does_as_in_keras_cells(kind):
    # Keras' fused path on PyTorch drops all instead; its cells do the same on every backend.
    plain = {} if kind == "SimpleRNN" else dict(use_cudnn=False)
    ours, theirs = pair(kind, dropout=1.0, **plain)
    same_numbers(ours(X, training=True), theirs(X, training=True))
