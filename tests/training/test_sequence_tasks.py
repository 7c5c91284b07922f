"""Tags, phonemes and captions from the data set to an exported model, on data made for the test."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasdl import datasets, training
from kerasdl.errors import InputError
from kerasdl.export import export
from kerasdl.training.tasks.writing import error_shares

SOUND = {"a": "AE1", "b": "B", "c": "K", "d": "D"}
NOUNS = {0: "a bag", 1: "two coats"}


def objects(items):
    array = np.empty(len(items), object)
    array[:] = items
    return array


def sentences(rng):
    """A word is a verb behind "to", else a noun; the article is always one."""
    made = []
    for _ in range(64):
        words = list(rng.choice(["the run", "to run", "a walk", "to walk"], rng.integers(1, 4)))
        made.append(" ".join(words).split())
    tags = [
        [
            {"the": "AT", "a": "AT", "to": "TO"}.get(w, "VB" if i and s[i - 1] == "to" else "NN")
            for i, w in enumerate(s)
        ]
        for s in made
    ]
    return {"words": objects(made), "tags": objects(tags), "document": objects(["x"] * 64)}


def words(rng):
    spellings = ["".join(rng.choice(list(SOUND), rng.integers(2, 5))) for _ in range(96)]
    phonemes = [[[SOUND[c] for c in s]] for s in spellings]
    phonemes[0] = phonemes[0] * 2 + [["B", "B", "B"]]  # a second way to say it, and a twin
    return {"spelling": objects(spellings), "phonemes": objects(phonemes)}


def scenes(rng):
    kinds = rng.integers(0, 2, 64)
    images = rng.integers(0, 50, (64, 64, 64, 1)).astype("uint8")
    images[kinds == 1] += 150
    return {"image": images, "caption": objects([NOUNS[k] for k in kinds])}


MADE = {"brown": sentences, "cmudict": words, "scenes": scenes}
SMALL = dict(batch_size=8, learning_rate=0.03, warmup_epochs=0.0)
SETTINGS = {
    "tagger": dict(
        dataset="brown",
        epochs=4,
        model_arguments=dict(embedding_dim=8, ending_dim=4, cell="gru", units=8, dropout=0.0),
    ),
    "seq2seq": dict(
        dataset="cmudict",
        epochs=12,
        model_arguments=dict(target_length=6, embedding_dim=16, cell="gru", units=16, dropout=0.0),
    ),
    "captioner": dict(
        dataset="scenes",
        epochs=4,
        model_arguments=dict(
            target_length=4, filters=[2, 2, 2], embedding_dim=8, cell="gru", units=8, dropout=0.0
        ),
    ),
}


@pytest.fixture(autouse=True)
def made_data(monkeypatch):
    def load_examples(name, split, data_dir=None):
        return MADE[name](np.random.default_rng(len(split)))

    monkeypatch.setattr(datasets, "load_examples", load_examples)


def config(model, **changed):
    return training.TrainConfig(model=model, **SMALL | SETTINGS[model] | changed)


def trained(model, folder):
    return training.train(config(model), folder / "run")


def signatures(run, folder):
    version = export(run, folder / "served")
    assert (version / "assets.extra" / "tf_serving_warmup_requests").is_file()
    return tf.saved_model.load(str(version)).signatures


def strings(tensor):
    return np.vectorize(lambda text: text.decode())(tensor.numpy()).tolist()


def test_tags(tmp_path):
    run = trained("tagger", tmp_path)
    results = run.results
    assert results["test_accuracy"] > 0.97
    assert 0.5 < results["baseline"]["test_accuracy"] < 0.9  # "run" may be either
    assert run.confusion_matrix_path.is_file()
    measured = training.evaluate(run)
    assert measured.accuracy == results["test_accuracy"]
    assert measured.confusion.sum() == sum(
        map(len, MADE["brown"](np.random.default_rng(4))["words"])
    )

    answers = signatures(run, tmp_path)["serving_default"](
        text=tf.constant(["The run to walk", "to run", ""])
    )
    assert strings(answers["words"])[0] == ["The", "run", "to", "walk"]
    assert strings(answers["tags"]) == [
        ["DET", "NOUN", "PRT", "VERB"],
        ["PRT", "VERB", "", ""],
        ["", "", "", ""],
    ]
    assert answers["probabilities"].numpy()[1, 2:].tolist() == [0, 0]


@pytest.mark.slow
def test_phonemes(tmp_path):
    run = trained("seq2seq", tmp_path)
    results = run.results
    assert results["test_phoneme_error"] < 0.1
    assert results["test_beam_phoneme_error"] < 0.1
    # The made words are spoken letter by letter, but for one way to say the first.
    assert results["baseline"]["test_phoneme_error"] < 0.02
    assert run.samples_path.is_file()
    assert training.evaluate(run).errors["word_error"] == results["test_word_error"]
    model = keras.saving.load_model(run.model_path, compile=False)
    assert model.target_vocabulary == ["AE", "B", "D", "K"]

    answer = signatures(run, tmp_path)
    text = tf.constant(["Cab", "dad", "a", ""])
    greedy = strings(answer["greedy"](text=text)["phonemes"])
    assert greedy[:3] == ["K AE B", "D AE D", "AE"]
    beam = answer["serving_default"](text=text)
    assert strings(beam["phonemes"])[:3] == greedy[:3]
    assert beam["candidates"].shape == (4, 4)
    assert (np.diff(beam["scores"].numpy()) <= 0).all()
    explained = answer["explain"](text=text)
    assert strings(explained["letters"])[:3] == [["c", "a", "b"], ["d", "a", "d"], ["a", "", ""]]
    assert strings(explained["phonemes"])[0][:3] == ["K", "AE", "B"]
    alignment = explained["alignment"].numpy()
    np.testing.assert_allclose(alignment[0, :3].sum(-1), 1, rtol=1e-5)
    assert not alignment[2, 1:].any()


@pytest.mark.slow
def test_captions(tmp_path):
    run = trained("captioner", tmp_path)
    assert run.results["test_caption_error"] < 0.1
    assert 0.3 < run.results["baseline"]["test_caption_error"] < 0.7
    assert run.samples_path.is_file()
    from kerasdl.datasets.pictures import to_png_bytes

    images = MADE["scenes"](np.random.default_rng(9))
    answers = signatures(run, tmp_path)["serving_default"](
        image_bytes=tf.constant([to_png_bytes(image) for image in images["image"][:6]])
    )
    assert strings(answers["caption"]) == images["caption"][:6].tolist()


def test_a_word_with_several_pronunciations_counts_as_the_nearest():
    said = [["B", "B"], ["K"]]
    truth = [[["AE", "AE", "AE"], ["B", "B", "K"]], [["K"], ["K", "K"]]]
    assert error_shares(said, truth) == {"phoneme_error": 1 / 4, "word_error": 1 / 2}


def test_pronunciations_are_examples_in_training_only():
    task = training.task_of(config("seq2seq"))
    model = task.build()
    assert len(task.examples(model, "train").targets) == 97  # the twin without stress is none
    assert len(task.examples(model, "validation").targets) == 96
    (source, previous), targets, weights, lengths, boundaries = task.examples(model, "train")
    assert source.shape == previous.shape == targets.shape == weights.shape
    assert (targets.argmin(axis=1)[targets.min(axis=1) == 0] > 0).all()
    np.testing.assert_array_equal(previous[:, 1:][weights[:, 1:]], targets[:, :-1][weights[:, 1:]])
    assert lengths.max() == boundaries[-1]


@pytest.mark.parametrize(
    ("model", "settings", "words"),
    [
        ("tagger", dict(flip=True), "`flip` is for networks that classify pictures"),
        ("captioner", dict(max_shift=1), "`max_shift` is for networks that classify pictures"),
        ("tagger", dict(model_arguments=dict(tags="some")), "`tags` must be 'universal' or 'full'"),
        ("tagger", dict(model_arguments=dict(endings_size=0)), "`endings_size`"),
        ("seq2seq", dict(model_arguments=dict(stress=1)), "`stress` must be true or false"),
        ("seq2seq", dict(model_arguments=dict(score="x")), "do not fit 'seq2seq'.*`score`"),
    ],
)
def test_settings_that_do_not_fit(tmp_path, model, settings, words):
    with pytest.raises(InputError, match=words):
        training.train(config(model, **settings), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_resumed_run_equals_an_unbroken_one(tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    whole = trained("tagger", tmp_path)
    with pytest.raises(KeyboardInterrupt):
        training.train(config("tagger"), tmp_path / "broken", callbacks=[Stop()])
    resumed = training.train(config("tagger"), tmp_path / "broken", resume=True)
    assert resumed.results["resumed_at_epoch"] == 2
    assert resumed.metrics_path.read_bytes() == whole.metrics_path.read_bytes()
    assert resumed.results["test_loss"] == whole.results["test_loss"]


def test_a_batch_that_no_length_can_fill_is_told(tmp_path):
    with pytest.raises(InputError, match=r"`batch_size` must be so small that .* received 90"):
        training.train(config("tagger", batch_size=90), tmp_path / "run")
    assert not (tmp_path / "run").exists()
