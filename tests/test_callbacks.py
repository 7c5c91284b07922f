"""EarlyStopping on recorded histories: it stops where Keras' stops and brings back the same."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasdl import callbacks


class Recorded:
    """A model whose only weight is the number of the epoch."""

    def __init__(self):
        self.stop_training = False
        self.weights = None

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = weights


def replay(stopper, history, name="val_loss"):
    model = Recorded()
    stopper.set_model(model)
    stopper.on_train_begin()
    epoch = -1
    for epoch, value in enumerate(history):
        model.weights = epoch
        stopper.on_epoch_end(epoch, {} if value is None else {name: value})
        if model.stop_training:
            break
    stopper.on_train_end()
    return {
        "last epoch": epoch,
        "stopped": stopper.stopped_epoch,
        "weights": model.weights,
        "best": stopper.best,
        "best epoch": stopper.best_epoch,
        "wait": stopper.wait,
    }


# Few values, so that ties and exact steps of min_delta are common; None: nothing was recorded.
VALUES = st.sampled_from([0.1, 0.2, 0.25, 0.3, 0.5, 0.7, 1.0, float("nan"), None])


@settings(max_examples=150, deadline=None)
@given(
    history=st.lists(VALUES, max_size=12),
    mode=st.sampled_from(["min", "max", "auto"]),
    min_delta=st.sampled_from([0, 0.05, -0.1, 0.2]),
    patience=st.integers(0, 4),
    baseline=st.sampled_from([None, 0.2, 0.6]),
    restore=st.booleans(),
    start=st.integers(0, 4),
)
@pytest.mark.filterwarnings("ignore:Early stopping conditioned")
def test_equals_keras_on_any_history(history, mode, min_delta, patience, baseline, restore, start):
    arguments = dict(
        mode=mode,
        min_delta=min_delta,
        patience=patience,
        baseline=baseline,
        restore_best_weights=restore,
        start_from_epoch=start,
    )
    ours = replay(callbacks.EarlyStopping(**arguments), history)
    theirs = replay(keras.callbacks.EarlyStopping(**arguments), history)
    np.testing.assert_equal(ours, theirs)  # NaN equals NaN here


def test_patience_by_hand():
    history = [0.9, 0.5, 0.6, 0.5, 0.4, 0.45, 0.41, 0.4, 0.1]
    result = replay(callbacks.EarlyStopping(patience=3, restore_best_weights=True), history)
    assert result["stopped"] == 7, "three epochs after epoch 4; an equal value is no improvement"
    assert result["weights"] == 4
    result = replay(callbacks.EarlyStopping(patience=3), history)
    assert result["weights"] == 7
    result = replay(callbacks.EarlyStopping(), [0.9, 0.8, 0.8])
    assert result["stopped"] == 2


def test_it_can_be_used_again():
    stopper = callbacks.EarlyStopping(patience=1, restore_best_weights=True)
    first = replay(stopper, [0.1, 0.2, 0.3])
    assert replay(stopper, [0.5, 0.4, 0.6])["best"] == 0.4
    assert replay(stopper, [0.1, 0.2, 0.3]) == first


def test_the_direction_of_a_metric_is_known(rng):
    x, y = rng.normal(size=(8, 3)), rng.integers(0, 2, size=(8, 1))
    model = keras.Sequential([keras.layers.Dense(1, activation="sigmoid")])
    model.compile(optimizer="sgd", loss="binary_crossentropy", metrics=["accuracy", "mse"])
    cases = [
        ("val_accuracy", "greater"),
        ("accuracy", "greater"),
        ("mse", "less"),
        ("loss", "less"),
    ]
    for monitor, expected in cases:
        stopper = callbacks.EarlyStopping(monitor=monitor)
        model.fit(x, y, validation_data=(x, y), epochs=1, verbose=0, callbacks=[stopper])
        assert stopper.monitor_op is getattr(keras.ops, expected)
    with pytest.raises(ValueError, match="monitor='happiness'"):
        model.fit(x, y, verbose=0, callbacks=[callbacks.EarlyStopping(monitor="happiness")])


def test_training_stops_and_the_best_weights_are_back(rng):
    x, y = rng.normal(size=(16, 3)), rng.normal(size=(16, 1))

    def trained(stopper):
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.layers.Dense(1)])
        model.compile(optimizer=keras.optimizers.SGD(0.9), loss="mse")  # it diverges
        history = model.fit(x, y, epochs=20, verbose=0, shuffle=False, callbacks=[stopper])
        return history.history["loss"], model.get_weights()

    arguments = dict(monitor="loss", patience=2, restore_best_weights=True)
    losses, weights = trained(callbacks.EarlyStopping(**arguments))
    their_losses, their_weights = trained(keras.callbacks.EarlyStopping(**arguments))
    assert losses == their_losses
    assert 2 < len(losses) < 20
    assert all(np.array_equal(a, b) for a, b in zip(weights, their_weights, strict=True))


def test_what_it_says(capsys):
    stopper = callbacks.EarlyStopping(patience=1, verbose=1, restore_best_weights=True)
    replay(stopper, [0.1, 0.2, 0.3])
    said = capsys.readouterr().out
    assert "Epoch 2: early stopping" in said
    assert "Restoring model weights from the end of the best epoch: 1." in said
    with pytest.warns(UserWarning, match="mode 'least' is unknown"):
        assert callbacks.EarlyStopping(mode="least").mode == "auto"
    with pytest.warns(UserWarning, match="metric `val_loss` which is not available"):
        replay(callbacks.EarlyStopping(), [0.1], name="loss")


def test_names_without_an_equation_are_keras_own():
    assert callbacks.ModelCheckpoint is keras.callbacks.ModelCheckpoint
    assert callbacks.BestWeights.__module__.startswith("kerasdl.")
