"""Texts from the data set to an exported model: the same words mean the same numbers throughout."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasdl import datasets, training
from kerasdl.datasets.words import learn_vocabulary, separate_words, word_numbers
from kerasdl.errors import InputError
from kerasdl.export import export

SPAM, HAM = "free money now ! claim $ 5", "the patch is on the list , thanks"
SETTINGS = dict(
    model="rnn",
    dataset="spam_assassin",
    epochs=3,
    batch_size=8,
    learning_rate=0.03,
    model_arguments=dict(
        length=8, embedding_dim=8, cell="simple_rnn", units=8, bidirectional=False, dropout=0.0
    ),
)


@pytest.fixture
def mails(monkeypatch):
    """Mails in which a few words tell the class; nothing on the disk is read."""

    def load_examples(name, split, data_dir=None):
        assert name == "spam_assassin"
        rng = np.random.default_rng(len(split))
        labels = rng.integers(0, 2, 96).astype("int32")
        texts = [
            " ".join(rng.permutation((SPAM if label else HAM).split())[:6]) for label in labels
        ]
        return {"text": np.array(texts, object), "label": labels}

    monkeypatch.setattr(datasets, "load_examples", load_examples)


def test_signs_are_words_and_digits_are_one():
    text = separate_words(["It's 1,000 $!\nÄpfel — naïve"])[0].numpy().decode()
    assert text.split() == ["it's", "0", ",", "0", "$", "!", "äpfel", "—", "naïve"]


def test_vocabulary_is_in_order_of_frequency_then_alphabet():
    assert learn_vocabulary(["b b b a a c c once"], 10) == ["b", "a", "c"]
    assert learn_vocabulary(["b b b a a c c"], 2) == ["b", "a"]


def test_numbers_of_words():
    numbers = word_numbers(["free", "money"], 3)(["Money, FREE", "", "a free free free"])
    assert numbers.numpy().tolist() == [[3, 1, 2], [0, 0, 0], [1, 2, 2]]


def test_trains_and_answers_texts(mails, tmp_path):
    run = training.train(training.TrainConfig(**SETTINGS), tmp_path / "run")
    assert run.results["test_balanced_accuracy"] > 0.95
    assert training.evaluate(run).balanced_accuracy == run.results["test_balanced_accuracy"]
    folder = export(run, tmp_path / "served")
    assert (folder / "assets.extra" / "tf_serving_warmup_requests").is_file()

    signatures = tf.saved_model.load(str(folder)).signatures
    answers = signatures["serving_default"](text=tf.constant([SPAM, HAM.upper(), ""]))
    assert answers["label"].numpy().tolist()[:2] == [b"spam", b"ham"]
    assert answers["classes"].numpy()[2].tolist() == [b"ham", b"spam"]
    model = keras.saving.load_model(run.model_path, compile=False)
    numbers = word_numbers(model.vocabulary, model.length)([SPAM, HAM.upper(), ""])
    expected = keras.ops.softmax(model(numbers))
    # float32: the same operations, compiled or not.
    np.testing.assert_allclose(answers["probabilities"], expected, atol=1e-5)
    logits = signatures["tensor"](words=tf.cast(numbers, tf.int32))["logits"]
    np.testing.assert_allclose(logits, model(numbers), atol=1e-4)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (dict(flip=True), "`flip` is for networks that classify pictures"),
        (dict(max_shift=1), "`max_shift` is for networks that classify pictures"),
        (dict(model_arguments=dict(vocabulary_size=0)), "`vocabulary_size`"),
        (dict(model_arguments=dict(cell="x")), "`model_arguments` do not fit 'rnn'.*`cell`"),
    ],
)
def test_settings_that_do_not_fit(mails, tmp_path, settings, words):
    with pytest.raises(InputError, match=words):
        training.train(training.TrainConfig(**SETTINGS | settings), tmp_path / "run")
    assert not (tmp_path / "run").exists()
