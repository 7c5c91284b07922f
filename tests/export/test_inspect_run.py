"""`kerasdl inspect`: pictures of where a run's network looks, for each kind of network."""

import keras
import numpy as np
import pytest
from matplotlib.image import imread
from typer.testing import CliRunner

from kerasdl import models, training
from kerasdl.cli import app
from kerasdl.datasets.pictures import to_png_bytes
from kerasdl.errors import InputError
from kerasdl.inspection import word_saliency
from kerasdl.inspection.answers import draw_answers

DIGITS = ((8, 8, 1), 10)
NETWORKS = {
    "vit": ("digits", lambda: models.ViT(*DIGITS, num_layers=1, num_heads=2, hidden_dim=8)),
    "cnn": ("digits", lambda: models.CNN(*DIGITS, filters=(2,), dense_units=4)),
    "mlp": ("digits", lambda: models.MLP(*DIGITS, hidden_units=[4])),
    "seq2seq": ("cmudict", lambda: models.Seq2Seq(["a", "b"], ["AE", "B"], 4, units=4)),
    "transformer": (
        "cmudict",
        lambda: models.Transformer(
            ["a", "b"], ["AE", "B"], 4, num_layers=2, num_heads=2, hidden_dim=4
        ),
    ),
    "captioner": (
        "scenes",
        lambda: models.Captioner((8, 8, 1), ["a", "bag"], 3, filters=[2], units=4),
    ),
    "rnn": ("spam_assassin", lambda: models.RecurrentClassifier(["a"], 2, 4, units=2)),
}


@pytest.fixture
def run(tmp_path):
    def make(name):
        keras.utils.set_random_seed(0)
        dataset, build = NETWORKS[name]
        run = training.Run(tmp_path / name)
        run.folder.mkdir()
        run.config_path.write_text(training.TrainConfig(model=name, dataset=dataset).to_json())
        build().save(run.model_path)
        run.results_path.write_text("{}")
        return run.folder

    return make


@pytest.fixture
def files(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 1), np.uint8)
    paths = [tmp_path / "one.png", tmp_path / "two.png"]
    for path, image in zip(paths, pixels, strict=True):
        path.write_bytes(to_png_bytes(image))
    (tmp_path / "words.txt").write_text("abba\n\nbab\n")
    return tmp_path


def inspect(*arguments):
    return CliRunner().invoke(app, ["inspect", *map(str, arguments)])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("vit", ["attention-one.png", "attention-two.png", "overview.png"]),
        ("cnn", ["overview.png"]),
        ("mlp", ["overview.png"]),
        ("captioner", ["words-one.png", "words-two.png"]),
    ],
)
def test_pictures_in(run, files, name, expected):
    folder = run(name)
    result = inspect(folder, "--input", files / "one.png", files / "two.png")
    assert result.exit_code == 0, result.output
    drawn = sorted((folder / "inspection").iterdir())
    assert [p.name for p in drawn] == expected
    assert sorted(result.stdout.split()) == [str(p) for p in drawn]
    assert all(imread(p)[..., :3].std() > 0.1 for p in drawn)


@pytest.mark.parametrize("arguments", [("--text", "abba"), ("--input", "words.txt")])
def test_words_in(run, files, arguments, monkeypatch):
    monkeypatch.chdir(files)
    result = inspect(run("seq2seq"), *arguments, "--out", "drawn")
    assert result.exit_code == 0, result.output
    assert [p.name for p in (files / "drawn").iterdir()] == ["alignment.png"]


def test_every_head_of_a_transformer(run, files):
    result = inspect(run("transformer"), "--input", files / "words.txt", "--out", files / "drawn")
    assert result.exit_code == 0, result.output
    drawn = sorted(path.name for path in (files / "drawn").iterdir())
    assert drawn == ["alignment.png", "attention-abba.png", "attention-bab.png"]


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("vit", (), "Give --input with files or --text"),
        ("vit", ("--input", "nope.png"), "No such file: nope.png"),
        ("vit", ("--input", "words.txt"), "words.txt is no picture that can be read"),
        ("vit", ("--text", "a"), "'vit' takes pictures"),
        ("rnn", ("--text", "a"), "nothing to see yet in the network 'rnn'"),
        ("seq2seq", ("--input", "one.png"), "takes texts"),
    ],
)
def test_bad_input_draws_nothing(run, files, name, arguments, words, monkeypatch):
    monkeypatch.chdir(files)
    result = inspect(run(name), *arguments, "--out", "drawn")
    assert isinstance(result.exception, InputError)
    assert words in str(result.exception)
    assert not (files / "drawn").exists()


def test_word_saliency_is_the_gradient_of_the_log_probability():
    """By finite differences, of a word in the middle."""
    keras.utils.set_random_seed(3)
    model = models.Captioner((8, 8, 1), ["a", "bag"], 4, filters=[2], units=4, dtype="float64")
    image = np.random.default_rng(1).random((8, 8, 1))
    words, maps = word_saliency(model, image)
    assert words
    tokens = [3 + model.target_vocabulary.index(word) for word in words]
    previous = np.array([[1, *tokens[:-1]]])
    t = len(words) // 2

    def log_probability(x):
        logits = keras.ops.convert_to_numpy(model([x[np.newaxis], previous]))[0, t]
        return logits[tokens[t]] - np.log(np.exp(logits).sum())

    step = 1e-3  # float32 in the last layers: steps must not drown in its rounding
    for row, column in [(0, 0), (3, 5), (7, 7)]:
        moved = np.zeros_like(image)
        moved[row, column] = step
        slope = (log_probability(image + moved) - log_probability(image - moved)) / (2 * step)
        np.testing.assert_allclose(maps[t, row, column], abs(slope), rtol=1e-2, atol=1e-5)


def test_answers_without_picture_are_named():
    with pytest.raises(InputError, match="nothing that can be drawn; it answers letters, phonemes"):
        draw_answers("folder", ["x"], [{"letters": [], "phonemes": []}])
