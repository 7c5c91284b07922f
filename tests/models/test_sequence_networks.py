"""Networks that write or tag sequences: files, bad input, step by step, built-in twins."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasdl import models
from kerasdl.parity import scramble

SOURCE = np.array([[2, 3, 4, 3], [4, 2, 0, 0]])
PREVIOUS = np.array([[1, 3, 4, 5, 3], [1, 5, 0, 0, 0]])
IMAGES = np.random.default_rng(0).random((2, 8, 8, 1)).astype("float32")

MAKE = {
    "seq2seq": (
        lambda **a: models.Seq2Seq(
            "abc", ["K", "AE", "T"], **dict(target_length=5, embedding_dim=4, units=3) | a
        ),
        [SOURCE, PREVIOUS],
    ),
    "captioner": (
        lambda **a: models.Captioner(
            (8, 8, 1),
            ["a", "bag", "two"],
            **dict(target_length=5, filters=[3], embedding_dim=4, units=6) | a,
        ),
        [IMAGES, PREVIOUS],
    ),
    "tagger": (
        lambda **a: models.RecurrentTagger(
            ["a", "b", "c"], ["x", "y", "z"], ["N", "V"], **dict(embedding_dim=4, units=3) | a
        ),
        [SOURCE, SOURCE],
    ),
}
every_network = pytest.mark.parametrize("name", MAKE)


def made(name, **arguments):
    model = MAKE[name][0](**arguments)
    scramble(model)
    return model


def numbers(tensor):
    return ops.convert_to_numpy(tensor)


def outputs(model, inputs):
    return numbers(model([ops.convert_to_tensor(x) for x in inputs]))


@every_network
@pytest.mark.parametrize("cell", ["simple_rnn", "gru", "lstm"])
def test_equals_the_built_ins(name, cell):
    model, inputs = made(name, cell=cell), MAKE[name][1]
    # float32, five steps: a few roundings.
    np.testing.assert_allclose(
        outputs(model.from_builtins(), inputs), outputs(model, inputs), atol=2e-5
    )


def test_the_additive_score_equals_the_built_ins_too():
    model = made("seq2seq", score="additive")
    np.testing.assert_allclose(
        outputs(model.from_builtins(), [SOURCE, PREVIOUS]),
        outputs(model, [SOURCE, PREVIOUS]),
        atol=2e-5,
    )


@every_network
def test_keras_file_round_trip(name, tmp_path):
    model, inputs = made(name, dropout=0.5), MAKE[name][1]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == model.get_config()
    np.testing.assert_array_equal(outputs(loaded, inputs), outputs(model, inputs))


@pytest.mark.parametrize("name", ["seq2seq", "captioner"])
def test_step_by_step_is_what_training_sees(name):
    model, (given, previous) = made(name), MAKE[name][1]
    state, step = model.begin(given)
    logits = outputs(model, [given, previous])
    for t in range(previous.shape[1]):
        log_p, state = step(ops.convert_to_tensor(previous[:, t], "int32"), state)
        z = logits[:, t]
        expected = z - np.log(np.exp(z).sum(-1, keepdims=True))
        np.testing.assert_allclose(numbers(log_p), expected, atol=2e-5)


@pytest.mark.parametrize("name", ["seq2seq", "captioner"])
def test_a_beam_is_no_worse_than_greedy(name):
    model, (given, _) = made(name), MAKE[name][1]

    def probability(tokens):
        """Log-probability of written tokens and of the end, where there is one."""
        previous = np.pad(tokens, [(0, 0), (1, 0)], constant_values=1)[:, :-1]
        z = outputs(model, [given, previous])
        log_p = z - np.log(np.exp(z).sum(-1, keepdims=True))
        targets = np.where((tokens == 0) & (previous > 0), 2, tokens)
        told = np.take_along_axis(log_p, targets[..., None], -1)[..., 0]
        return np.where(targets > 0, told, 0).sum(axis=1)

    greedy = numbers(model.generate(given))
    tokens, scores = model.generate(given, width=5, length_penalty=0.0)
    found = probability(numbers(tokens)[:, 0])
    np.testing.assert_allclose(numbers(scores)[:, 0], found, rtol=1e-4)
    assert (found >= probability(greedy) - 1e-4).all()


@pytest.mark.parametrize("score", ["multiplicative", "additive"])
def test_padding_of_the_source_says_nothing(score):
    model = made("seq2seq", score=score)
    longer = np.pad(SOURCE, [(0, 0), (0, 3)])
    np.testing.assert_allclose(
        outputs(model, [longer, PREVIOUS]), outputs(model, [SOURCE, PREVIOUS]), atol=1e-5
    )
    attention = numbers(model.align(longer, PREVIOUS))
    assert attention.shape == (2, 5, 7)
    np.testing.assert_allclose(attention.sum(-1), 1, rtol=1e-5)
    assert not attention[0, :, 4:].any()
    assert not attention[1, :, 2:].any()


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("seq2seq", dict(cell="lstn"), "`cell` must be one of simple_rnn, gru, lstm"),
        ("seq2seq", dict(score="dot"), "`score` must be one of multiplicative, additive"),
        ("seq2seq", dict(units=0), "`units`"),
        ("captioner", dict(filters=[2, 2, 2, 2]), "`filters` must be so few"),
        ("captioner", dict(filters=3), "`filters` must be a list"),
        ("captioner", dict(target_length=0), "`target_length`"),
        ("tagger", dict(ending_dim=0), "`ending_dim`"),
        ("tagger", dict(cell="x"), "`cell`"),
    ],
)
def test_bad_arguments_are_named(name, arguments, words):
    with pytest.raises(ValueError, match=words):
        MAKE[name][0](**arguments)


@every_network
def test_unknown_arguments_are_refused(name):
    with pytest.raises(TypeError, match="takes no argument depth"):
        MAKE[name][0](depth=3)
