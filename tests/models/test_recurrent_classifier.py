"""The recurrent classifier as a model: files, options, bad input, and its built-in twin."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasdl import models
from kerasdl.parity import scramble

VOCABULARY = ["free", "money", "patch"]
SMALL = dict(num_classes=2, length=6, embedding_dim=4, units=3)
NUMBERS = np.array([[2, 3, 4, 1, 0, 0], [4, 0, 0, 0, 0, 0], [1, 2, 3, 4, 3, 2]])

every_cell = pytest.mark.parametrize("cell", ["simple_rnn", "gru", "lstm"])


def made(**arguments):
    model = models.RecurrentClassifier(VOCABULARY, **SMALL | arguments)
    scramble(model)
    return model


def outputs(model, numbers=NUMBERS):
    return ops.convert_to_numpy(model(ops.convert_to_tensor(numbers, "int32")))


@every_cell
@pytest.mark.parametrize("bidirectional", [True, False])
def test_equals_the_built_ins(cell, bidirectional):
    model = made(cell=cell, bidirectional=bidirectional)
    # float32, six steps: a few roundings.
    np.testing.assert_allclose(outputs(model.from_builtins()), outputs(model), atol=1e-5)


@every_cell
def test_padding_says_nothing(cell):
    model = made(cell=cell)
    longer = models.RecurrentClassifier(VOCABULARY, **SMALL | dict(length=9, cell=cell))
    longer.set_weights(model.get_weights())
    padded = np.pad(NUMBERS, [(0, 0), (0, 3)])
    np.testing.assert_allclose(outputs(longer, padded), outputs(model), atol=1e-6)


def test_keras_file_round_trip(tmp_path):
    model = made(dropout=0.5)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == model.get_config()
    assert loaded.vocabulary == VOCABULARY
    assert loaded.length == 6
    np.testing.assert_array_equal(outputs(loaded), outputs(model))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (dict(cell="lstn"), "`cell` must be one of simple_rnn, gru, lstm; received 'lstn'"),
        (dict(units=0), "`units`"),
        (dict(length=2.5), "`length`"),
        (dict(num_classes=-1), "`num_classes`"),
    ],
)
def test_bad_arguments_are_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        made(**arguments)


def test_unknown_arguments_are_refused():
    with pytest.raises(TypeError, match="takes no argument depth"):
        made(depth=3)
