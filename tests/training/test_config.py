"""Bad settings fail before any work, with a sentence that says what to mend."""

import json

import pytest

from kerasdl import datasets, training
from kerasdl.errors import InputError
from kerasdl.training.train import build


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (dict(epochs=0), "`epochs` must be an integer of at least 1, received 0"),
        (dict(epochs=1.5), "`epochs`"),
        (dict(batch_size=0), "`batch_size`"),
        (dict(batch_size=10_000), "`batch_size` must be at most 1293"),
        (dict(patience=-1), "`patience`"),
        (dict(seed=-1), "`seed`"),
        (dict(learning_rate=0), "`learning_rate` must be positive"),
        (dict(learning_rate=float("nan")), "`learning_rate`"),
        (dict(warmup_epochs="x"), "`warmup_epochs`"),
        (dict(weight_decay=-1), "`weight_decay`"),
        (dict(schedule="linear"), "`schedule` must be one of cosine, inverse_square_root"),
        (dict(label_smoothing=1.0), "`label_smoothing` must be at least 0 and below 1"),
        (dict(label_smoothing="x"), "`label_smoothing` must be a number"),
        (dict(dataset="digit"), "digits"),
    ],
)
def test_settings_out_of_range(settings, words):
    with pytest.raises(InputError) as error:
        training.TrainConfig(**{"model": "vit", "dataset": "digits", **settings})
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (
            dict(model="vitt"),
            "`model` must be one of vit, cnn, mlp, rnn, tagger, seq2seq, transformer, "
            "language_model, skipgram, captioner, segmenter, detector, received",
        ),
        (dict(dataset="brown"), "`dataset` must be of the kind 'images' for the network 'vit'"),
        (dict(model="rnn"), "`dataset` must be of the kind 'texts' for the network 'rnn'"),
        (dict(model_arguments={"patch_size": 3}), "`patch_size` must divide the image"),
        (dict(model_arguments={"hidden_dim": 50}), "`num_heads` must divide"),
        (dict(model_arguments={"depth": 3}), "depth"),
        (dict(model="cnn", model_arguments={"filters": [4] * 9}), "`filters` must name 1 to 3"),
        (dict(model="mlp", model_arguments={"hidden_units": 3}), "`hidden_units`"),
    ],
)
def test_network_that_cannot_be_built_leaves_no_folder(config, words, tmp_path):
    config = training.TrainConfig(**{"model": "vit", "dataset": "digits", **config})
    with pytest.raises(InputError) as error:
        training.train(config, tmp_path / "run")
    assert words in str(error.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", training.recipe_names())
def test_every_shipped_recipe_builds(name, monkeypatch):
    # A network that reads learns its words from the data; their names are all it needs here.
    examples = {
        "text": ["some words, some more"],
        "words": [["Some", "words"]],
        "tags": [["DT", "NNS"]],
        "spelling": ["some"],
        "phonemes": [[["S", "AH1", "M"]]],
        "caption": ["a bag"],
        "document": ["one"],
    }
    monkeypatch.setattr(datasets, "load_examples", lambda *_: examples)
    model, dataset = name.split("-", 1)
    config = training.TrainConfig(**training.recipe(model, dataset))
    assert build(config).count_params() > 0


def test_unknown_recipe_lists_those_there_are():
    with pytest.raises(InputError, match="Did you mean 'vit-digits'"):
        training.recipe("vit", "digit")


def test_json_round_trip(tmp_path):
    config = training.TrainConfig(**training.recipe("vit", "digits"))
    path = tmp_path / "config.json"
    path.write_text(config.to_json())
    assert training.TrainConfig.load(path) == config
    path.write_text(json.dumps({"model": "vit", "colour": 1}))
    with pytest.raises(InputError, match="colour"):
        training.TrainConfig.load(path)


@pytest.mark.parametrize("name", training.recipe_names())
def test_toml_round_trip(name, tmp_path):
    config = training.TrainConfig(**training.recipe(*name.split("-", 1)))
    path = tmp_path / "own.toml"
    path.write_text(config.to_toml())
    assert training.TrainConfig.of(training.recipe_file(path)) == config


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("epochs = ", "is no recipe that can be read"),
        ('model = "vit"', "must set `dataset`; it sets model"),
        ('model = "vit"\ndataset = "digits"\nepoch = 3', "Did you mean 'epochs'"),
    ],
)
def test_own_recipe_that_cannot_be_used(text, words, tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        training.TrainConfig.of(training.recipe_file(path))
    assert words in str(error.value)
    with pytest.raises(InputError, match="no recipe"):
        training.recipe_file(tmp_path / "nowhere.toml")
