"""Transformer and language model: files, step by step, padding, what attends to what."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasdl import models
from kerasdl.backend import compiled
from kerasdl.parity import scramble

SOURCE = np.array([[2, 3, 4, 3], [4, 2, 0, 0]])
PREVIOUS = np.array([[1, 3, 4, 5, 3], [1, 5, 0, 0, 0]])
SMALL = dict(num_layers=2, num_heads=2, hidden_dim=8, intermediate_dim=12)

MAKE = {
    "transformer": lambda **a: models.Transformer(
        "abc", ["K", "AE", "T"], **SMALL | dict(target_length=5) | a
    ),
    "language model": lambda **a: models.LanguageModel(
        "abc", **SMALL | dict(context=8, target_length=6) | a
    ),
}
every_network = pytest.mark.parametrize("name", MAKE)


def made(name, **arguments):
    model = MAKE[name](**arguments)
    scramble(model)
    return model


def numbers(tensor):
    return ops.convert_to_numpy(tensor)


def outputs(model):
    inputs = [SOURCE, PREVIOUS] if isinstance(model, models.Transformer) else [PREVIOUS]
    inputs = [ops.convert_to_tensor(x) for x in inputs]
    return numbers(model(inputs if len(inputs) > 1 else inputs[0]))


def log_softmax(z):
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


@every_network
def test_keras_file_round_trip(name, tmp_path):
    model = made(name, dropout=0.5)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == model.get_config()
    np.testing.assert_array_equal(outputs(loaded), outputs(model))


@pytest.mark.parametrize("normalize_first", [False, True])
@pytest.mark.parametrize("tie_weights", [False, True])
def test_steps_of_the_transformer_are_what_training_sees(normalize_first, tie_weights):
    model = made("transformer", normalize_first=normalize_first, tie_weights=tie_weights)
    state, step = model.begin(SOURCE)
    expected = log_softmax(outputs(model))
    for t in range(PREVIOUS.shape[1]):
        log_p, state = step(ops.convert_to_tensor(PREVIOUS[:, t], "int32"), state)
        np.testing.assert_allclose(numbers(log_p), expected[:, t], atol=1e-5)


def test_steps_of_the_language_model_are_what_training_sees():
    model = made("language model")
    text = np.array([[3, 4, 5, 3, 4], [5, 3, 0, 0, 0]])  # a beginning of 5 tokens, one of 2
    state, step = model.begin(text, length=3)
    token, written = model.first_tokens(text), [list(row[row > 0]) for row in text]
    assert numbers(token).tolist() == [4, 3]
    for _ in range(3):
        log_p, state = step(token, state)
        for row, so_far in zip(numbers(log_p), written, strict=True):
            z = numbers(model(ops.convert_to_tensor([[1, *so_far]])))[0, -1]
            np.testing.assert_allclose(row, log_softmax(z), atol=1e-5)
        token = ops.argmax(log_p[:, 3:], axis=-1) + 3
        for so_far, k in zip(written, numbers(token), strict=True):
            so_far.append(int(k))


def test_an_empty_beginning_is_the_start():
    model = made("language model")
    nothing = np.zeros((2, 0), "int32")
    state, step = model.begin(nothing)
    log_p, _ = step(model.first_tokens(nothing), state)
    z = numbers(model(ops.convert_to_tensor([[1]])))[0, -1]
    np.testing.assert_allclose(numbers(log_p), [log_softmax(z)] * 2, atol=1e-5)


def test_a_prediction_looks_back_no_further_than_the_context():
    model = made("language model", context=3, num_layers=1)
    text = np.array([[3, 4, 5, 3, 4], [5, 5, 5, 3, 4]])
    state, step = model.begin(text)
    first, other = numbers(step(model.first_tokens(text), state)[0])
    # Three tokens with one layer: the last two and the one before are alike in both.
    np.testing.assert_allclose(first, other, atol=1e-6)


@every_network
def test_a_beam_is_no_worse_than_greedy(name):
    model = made(name)
    given = SOURCE if name == "transformer" else np.array([[3, 4], [5, 0]])
    greedy = numbers(model.generate(given))
    tokens, scores = model.generate(given, width=4, length_penalty=0.0)
    one, _ = model.generate(given, width=1), None
    np.testing.assert_array_equal(numbers(one), greedy)

    def probability(tokens):
        total = []
        for row, beginning in zip(tokens, given, strict=True):
            row = [int(k) for k in row if k]
            row += [2] if len(row) < tokens.shape[1] else []
            if name == "transformer":
                z = model([beginning[None], np.array([[1, *row[:-1]]])])
            else:
                before = [1, *(int(k) for k in beginning if k)]
                z = model(ops.convert_to_tensor([[*before, *row[:-1]]]))[:, len(before) - 1 :]
            log_p = log_softmax(numbers(z)[0])
            total.append(log_p[np.arange(len(row)), row].sum())
        return np.array(total)

    np.testing.assert_allclose(numbers(scores)[:, 0], probability(numbers(tokens)[:, 0]), rtol=1e-4)
    assert (numbers(scores)[:, 0] >= probability(greedy) - 1e-4).all()


@every_network
def test_a_compiled_loop_writes_the_same(name):
    model = made(name)
    given = ops.convert_to_tensor(SOURCE if name == "transformer" else np.array([[3, 4], [5, 0]]))
    for width in (1, 3):
        plain = model.generate(given, width=width)
        fused = compiled(lambda x, w=width: model.generate(x, width=w))(given)
        if width > 1:
            np.testing.assert_allclose(numbers(fused[1]), numbers(plain[1]), rtol=1e-4)
            plain, fused = plain[0], fused[0]
        np.testing.assert_array_equal(numbers(fused), numbers(plain))


@every_network
def test_a_seed_repeats_a_sample(name):
    model = made(name)
    given = SOURCE if name == "transformer" else np.array([[3, 4], [5, 0]])
    one, same, other = (numbers(model.sample(given, 6, seed=s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    almost_greedy = model.sample(given, 6, temperature=1e-4, seed=3)
    np.testing.assert_array_equal(numbers(almost_greedy), numbers(model.generate(given, 6)))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (dict(temperature=0.0), "`temperature` must be positive"),
        (dict(top_k=0), "`top_k` must be at least 1"),
        (dict(top_p=1.5), "`top_p` must be above 0"),
    ],
)
def test_bad_draws_are_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        made("language model").sample(np.array([[3]]), **arguments)


def test_padding_of_the_source_says_nothing():
    model = made("transformer")
    longer = np.pad(SOURCE, [(0, 0), (0, 3)])
    np.testing.assert_allclose(numbers(model([longer, PREVIOUS])), outputs(model), atol=1e-5)
    attention = numbers(model.align(longer, PREVIOUS))
    assert attention.shape == (2, 5, 7)
    np.testing.assert_allclose(attention.sum(-1), 1, rtol=1e-5)
    assert not attention[0, :, 4:].any()
    assert not attention[1, :, 2:].any()


def test_maps_of_every_attention():
    maps = made("transformer").attention_maps(SOURCE, PREVIOUS)
    shapes = {name: [tuple(a.shape) for a in layers] for name, layers in maps.items()}
    assert shapes == {
        "encoder": [(2, 2, 4, 4)] * 2,
        "decoder": [(2, 2, 5, 5)] * 2,
        "cross": [(2, 2, 5, 4)] * 2,
    }
    own = made("language model").attention_maps(PREVIOUS)
    assert [tuple(a.shape) for a in own] == [(2, 2, 5, 5)] * 2


def test_embedding_and_output_share_their_weights():
    tied, untied = (made("transformer", tie_weights=tied).count_params() for tied in (True, False))
    assert untied - tied == 6 * 8
    paths = [v.path for v in made("transformer").trainable_variables]
    assert sum("embedding" in path for path in paths) == 2  # source and target


@every_network
def test_unknown_arguments_are_refused(name):
    with pytest.raises(TypeError, match="takes no argument depth"):
        MAKE[name](depth=3)


@every_network
def test_keras_has_no_twin(name):
    with pytest.raises(NotImplementedError, match="Keras has not all layers"):
        MAKE[name]().from_builtins()
