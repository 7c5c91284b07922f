import keras
import numpy as np
import pytest

from kerasdl.inspection import live
from kerasdl.inspection.live import LiveCurves


def fit(callback, epochs=3):
    model = keras.Sequential([keras.layers.Dense(2)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(True), metrics=["accuracy"])
    x, y = np.random.default_rng(0).random((8, 3)), np.arange(8) % 2
    model.fit(x, y, validation_data=(x, y), epochs=epochs, callbacks=[callback], verbose=0)


@pytest.fixture
def shown(monkeypatch):
    """Stand in for the notebook: keep what is displayed, in order."""
    import IPython.display

    calls = []
    monkeypatch.setattr(live, "in_notebook", lambda: True)
    monkeypatch.setattr(IPython.display, "display", lambda image: calls.append(image.data))
    monkeypatch.setattr(IPython.display, "clear_output", lambda wait: calls.append("clear"))
    return calls


def test_draws_after_each_epoch_in_place_of_what_was_there(shown):
    callback = LiveCurves(interval=0)
    fit(callback)
    pictures = [call for call in shown if call != "clear"]
    assert shown[::2] == ["clear"] * len(pictures)
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)
    assert len(set(pictures[:3])) == 3  # the curve grows
    assert [row["epoch"] for row in callback.rows] == [1, 2, 3]


def test_between_two_drawings_lies_the_interval_and_the_last_epoch_is_drawn(shown):
    fit(LiveCurves(interval=3600))
    assert len([call for call in shown if call != "clear"]) == 2  # first epoch and end


def test_a_second_training_starts_anew(shown):
    callback = LiveCurves(interval=3600)
    fit(callback, epochs=2)
    fit(callback, epochs=1)
    assert [row["epoch"] for row in callback.rows] == [1]


def test_outside_a_notebook_nothing_happens(capfd):
    fit(LiveCurves(interval=0))
    assert capfd.readouterr() == ("", "")
