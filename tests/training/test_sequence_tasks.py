"""Tags, phonemes and captions from the data set to an exported model, on data made for the test."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasdl import datasets, training
from kerasdl.errors import InputError
from kerasdl.export import export
from kerasdl.training.tasks.writing import error_shares
from kerasdl.training.train import compile_model

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


def text(rng):
    """One text of two words that always follow each other, in one document."""
    made = [["Run", "on", ",", "run", "off", "."]] * 60
    return {
        "words": objects(made),
        "tags": objects([["x"] * 6] * 60),
        "document": objects(["one"] * 30 + ["two"] * 30),
    }


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
    "transformer": dict(
        dataset="cmudict",
        epochs=100,
        learning_rate=0.005,
        model_arguments=dict(
            target_length=6, num_layers=1, num_heads=2, hidden_dim=32, dropout=0.0
        ),
    ),
    "language_model": dict(
        dataset="brown",
        epochs=30,
        batch_size=4,
        learning_rate=0.01,
        model_arguments=dict(
            context=12, target_length=20, num_layers=1, num_heads=2, hidden_dim=16
        ),
    ),
    "skipgram": dict(
        dataset="brown",
        epochs=8,
        batch_size=32,
        model_arguments=dict(embedding_dim=8, window=1, negatives=2, subsampling=1.0),
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
@pytest.mark.parametrize("network", ["seq2seq", "transformer"])
def test_phonemes(network, tmp_path):
    run = trained(network, tmp_path)
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
    text = tf.constant(["Cab", "dad", "a"])
    greedy = strings(answer["greedy"](text=text)["phonemes"])
    assert greedy[:2] == ["K AE B", "D AE D"]
    if network == "transformer":  # a single letter is rare among the words it has seen
        assert greedy[2].startswith("AE")
    else:
        assert greedy[2] == "AE"
    beam = answer["serving_default"](text=text)
    assert strings(beam["phonemes"])[:3] == greedy[:3]
    assert beam["candidates"].shape == (3, 4)
    assert (np.diff(beam["scores"].numpy()) <= 0).all()
    explained = answer["explain"](text=text)
    assert strings(explained["letters"])[:3] == [["c", "a", "b"], ["d", "a", "d"], ["a", "", ""]]
    assert strings(explained["phonemes"])[0][:3] == ["K", "AE", "B"]
    alignment = explained["alignment"].numpy()
    np.testing.assert_allclose(alignment[0, :3].sum(-1), 1, rtol=1e-5)
    assert not alignment[2, len(greedy[2].split()) :].any()
    with pytest.raises(tf.errors.InvalidArgumentError, match="A text is empty"):
        answer["serving_default"](text=tf.constant(["dad", " "]))
    if network == "transformer":
        assert run.attention_path.is_file()
        assert explained["encoder_attention"].shape[1:3] == (1, 2)  # layers, heads
        np.testing.assert_allclose(
            explained["cross_attention"].numpy().mean((1, 2))[0, :3], alignment[0, :3], atol=1e-6
        )


@pytest.mark.slow
def test_continued_text(tmp_path, monkeypatch):
    monkeypatch.setitem(MADE, "brown", text)
    run = trained("language_model", tmp_path)
    results = run.results
    # "Run on, run off. Run on, …": only the last character, after a start, is no certain thing.
    assert results["test_bits_per_character"] < 0.3
    assert results["baseline"]["test_bits_per_character"] < 0.5
    assert results["baseline"]["test_bits_per_character_of_single_counts"] > 3
    assert "# Most probable characters" in run.samples_text_path.read_text()

    answer = signatures(run, tmp_path)
    beginnings = tf.constant(["Run on, r", "", "Run off? Run o"])
    said = answer["greedy"](text=beginnings)
    assert strings(said["text"])[0].startswith("Run on, run off. Run on,")
    assert len(strings(said["continuation"])[0]) == 20
    assert strings(answer["beam"](text=beginnings)["text"])[0].startswith("Run on, run off.")
    once, again = (strings(answer["serving_default"](text=beginnings)["text"]) for _ in range(2))
    assert once == again
    # The same example alone gets the same answer.
    assert strings(answer["serving_default"](text=beginnings[:1])["text"]) == once[:1]

    def sample(temperature, seed, length, top_k=0, top_p=1.0):
        settings = dict(temperature=temperature, top_k=top_k, top_p=top_p, seed=seed, length=length)
        settings = {name: tf.constant([value] * 2) for name, value in settings.items()}
        return strings(answer["sample"](text=beginnings[:2], **settings)["continuation"])

    assert sample(1e-3, 1, 7) == [text[:7] for text in strings(said["continuation"])[:2]]
    assert sample(9.0, 1, 7, top_k=1) == sample(1e-3, 1, 7)
    assert sample(3.0, 1, 30) != sample(3.0, 2, 30)
    with pytest.raises(tf.errors.InvalidArgumentError, match="`temperature` must be above 0"):
        sample(0.0, 1, 7)
    with pytest.raises(tf.errors.InvalidArgumentError, match="`length` must be 1 to"):
        sample(1.0, 1, 0)


def test_word_vectors(tmp_path):
    run = trained("skipgram", tmp_path)
    assert run.results["test_accuracy"] > run.results["baseline"]["test_accuracy"]
    assert run.results["baseline"]["test_accuracy"] == 2 / 3
    model = keras.saving.load_model(run.model_path, compile=False)
    assert model.neighbours("run", 1)[0][0] == "walk"  # both stand behind "to"
    with pytest.raises(ValueError, match="`word` must be in the vocabulary, received 'fly'"):
        model.neighbours("fly")

    answer = signatures(run, tmp_path)["serving_default"](text=tf.constant(["the", " Run "]))
    expected = [model.neighbours(word) for word in ("the", "run")]
    assert strings(answer["neighbours"]) == [[word for word, _ in row] for row in expected]
    expected = [[cosine for _, cosine in row] for row in expected]
    np.testing.assert_allclose(answer["similarities"].numpy(), expected, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(answer["vector"], axis=1), 1, rtol=1e-5)


def test_each_character_is_measured_once_and_from_half_a_window(monkeypatch):
    monkeypatch.setitem(MADE, "brown", text)
    task = training.task_of(config("language_model"))
    model = task.build()
    documents = task.numbers(model, "test")
    previous, targets, weights, *_ = task.examples(model, "test")
    counted = targets[weights]
    np.testing.assert_array_equal(counted, np.concatenate([d[1:] for d in documents]))
    # Six of twelve characters stand before each one, but at the beginning of a document.
    assert all(row[6:].any() for row in weights)
    assert sum(row[:6].any() for row in weights) == len(documents)
    np.testing.assert_array_equal(previous[:, 1:][weights[:, 1:]], targets[:, :-1][weights[:, 1:]])
    _, targets, weights, *_ = task.examples(model, "train")
    assert weights.sum() == (targets > 0).sum() == sum(len(d) - 1 for d in documents)


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({}, "CosineDecay"),
        (dict(schedule="inverse_square_root", warmup_epochs=1.0), "InverseSquareRootDecay"),
    ],
)
def test_the_schedule_peaks_at_the_learning_rate(settings, kind):
    settings = training.TrainConfig(
        **SMALL | SETTINGS["seq2seq"] | dict(model="seq2seq") | settings
    )
    task = training.task_of(settings)
    model = task.build()
    steps = compile_model(model, settings, task.examples(model, "train"))
    schedule = model.optimizer._learning_rate
    assert type(schedule).__name__ == kind
    rates = [float(schedule(step)) for step in range(2 * steps)]
    np.testing.assert_allclose(max(rates), settings.learning_rate, rtol=1e-5)


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
    (source, previous), targets, weights, lengths, boundaries, *_ = task.examples(model, "train")
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
