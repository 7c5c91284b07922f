"""The perceptron learns what a line can part, within the proven number of errors, and no more."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasdl import models
from kerasdl.parity import relative_error

CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


def separable(rng, margin, size=60):
    """Points of a plane that a known line parts with a margin."""
    direction = np.array([np.cos(0.7), np.sin(0.7)])
    x = rng.uniform(-1, 1, size=(500, 2))
    distance = x @ direction - 0.2
    keep = np.abs(distance) >= margin
    return x[keep][:size], (distance > 0)[keep][:size].astype(int), direction


@pytest.mark.parametrize("margin", [0.3, 0.1, 0.05])
@pytest.mark.parametrize("learning_rate", [1.0, 0.01])
def test_converges_within_novikoffs_bound(margin, learning_rate, rng):
    x, y, direction = separable(rng, margin)
    model = models.Perceptron()
    errors = model.fit(x, y, epochs=400, learning_rate=learning_rate).history["errors"]
    assert errors[-1] == 0, "the classes were separated"
    assert 0 not in errors[:-1], "training ends at the first epoch without an error"
    assert np.array_equal(model.predict(x, verbose=0)[:, 0], y)
    assert np.array_equal(ops.convert_to_numpy(model.classify(x)), y)
    # The bias is one more input, always 1; the parting vector is brought to length 1 with it.
    R_2 = (x**2).sum(axis=1).max() + 1
    gamma = np.abs(x @ direction - 0.2).min() / np.sqrt(1 + 0.2**2)
    assert sum(errors) <= R_2 / gamma**2


@pytest.mark.parametrize(
    ("answers", "can"),
    [([0, 0, 0, 1], True), ([0, 1, 1, 1], True), ([1, 1, 1, 0], True), ([0, 1, 1, 0], False)],
    ids=["and", "or", "nand", "xor"],
)
def test_what_one_unit_can_say(answers, can):
    history = models.Perceptron().fit(CORNERS, answers, epochs=200)
    assert (history.history["errors"][-1] == 0) == can
    if not can:
        assert len(history.epoch) == 200
        assert min(history.history["errors"]) >= 1, "no line gets all four right"
    # And indeed: none of the lines of a fine grid does.
    grid = np.linspace(-2, 2, 17)
    w_1, w_2, b = np.meshgrid(grid, grid, grid)
    said = [(w_1 * x_1 + w_2 * x_2 + b >= 0) for x_1, x_2 in CORNERS]
    right = np.all([s == a for s, a in zip(said, answers, strict=True)], axis=0)
    assert right.any() == can


def test_two_layers_say_xor():
    """ "Or" and "nand" below, "and" above: what one unit cannot, three can."""
    hidden = models.Perceptron(2)
    hidden.fit(CORNERS, np.array([[0, 1], [1, 1], [1, 1], [1, 0]]), epochs=100)
    above = models.Perceptron()
    features = hidden.predict(CORNERS, verbose=0)
    above.fit(features, [0, 1, 1, 0], epochs=100)
    assert above.predict(features, verbose=0)[:, 0].tolist() == [0, 1, 1, 0]


def test_equals_a_numpy_loop(rng):
    x = (rng.integers(-8, 9, size=(10, 3)) / 8).astype("float32")  # exact sums, see ops
    y = rng.integers(0, 2, size=10)
    model = models.Perceptron()
    errors = model.fit(x, y, epochs=7, learning_rate=0.5).history["errors"]
    w, b, expected = np.zeros(3), 0.0, []
    for _ in range(len(errors)):
        wrong = 0
        for n in range(10):
            e = y[n] - (1 if x[n] @ w + b >= 0 else 0)
            w, b, wrong = w + 0.5 * e * x[n], b + 0.5 * e, wrong + abs(e)
        expected.append(wrong)
    assert errors == expected
    kernel, bias = model.get_weights()
    assert relative_error(kernel[:, 0], w) == 0
    assert relative_error(bias[0], b) == 0


def test_stacked_for_several_classes(rng):
    centres = np.array([[2.0, 0.0], [-1.0, 2.0], [-1.0, -2.0]])
    y = np.repeat(np.arange(3), 20)
    x = centres[y] + 0.2 * rng.normal(size=(60, 2))
    model = models.Perceptron(3)
    history = model.fit(x, y, epochs=100, shuffle=True)
    assert history.history["errors"][-1] == 0
    assert np.array_equal(ops.convert_to_numpy(model.classify(x)), y)
    assert np.array_equal(model.predict(x, verbose=0), np.eye(3)[y])
    # One-hot answers are the same answers; goes on from the weights it has.
    again = model.fit(x, np.eye(3)[y], epochs=1)
    assert again.history["errors"] == [0]


def test_file_and_metrics(tmp_path, rng):
    x, y, _ = separable(rng, 0.3)
    model = models.Perceptron(name="rosenblatt")
    model.fit(x, y)
    model.save(tmp_path / "perceptron.keras")
    again = keras.saving.load_model(tmp_path / "perceptron.keras")
    assert type(again) is models.Perceptron
    assert again.get_config() == model.get_config()
    assert relative_error(again(x), model(x)) == 0
    again.compile(loss="mae", metrics=["accuracy"])
    assert again.evaluate(x, y[:, None], verbose=0, return_dict=True)["accuracy"] == 1
    assert again.fit(x, y).history["errors"] == [0]


def test_export(tmp_path, rng):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("exports are TensorFlow's")
    import tensorflow as tf

    x, y, _ = separable(rng, 0.3)
    model = models.Perceptron()
    model.fit(x, y)
    model.export(tmp_path / "1", verbose=False)
    served = tf.saved_model.load(str(tmp_path / "1"))
    assert np.array_equal(served.serve(tf.constant(x, "float32")).numpy()[:, 0], y)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: models.Perceptron(0), "`units` must be a positive integer"),
        (lambda: models.Perceptron().fit(CORNERS, [0, 1, 1, 0], learning_rate=0), "learning_rate"),
        (lambda: models.Perceptron().fit(CORNERS, [0, 1, 1]), "have N answers"),
        (lambda: models.Perceptron().fit(CORNERS[0], [0, 1]), "`x` must be of shape"),
        (lambda: models.Perceptron().fit(CORNERS, [-1, 1, 1, -1]), "zeros and ones"),
        (lambda: models.Perceptron(2).fit(CORNERS, [0, 1, 2, 0]), "classes from 0 to 1"),
        (lambda: models.Perceptron(2).fit(CORNERS, np.zeros((4, 3))), "(N, 2)"),
    ],
)
def test_bad_arguments_are_named(make, words):
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the words are checked below
        make()
    assert words in str(error.value)
