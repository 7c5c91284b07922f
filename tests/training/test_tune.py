"""A search: what its folder holds, repeatability, and going on after a kill."""

import keras
import numpy as np
import pytest
from matplotlib.image import imread

from kerasdl import datasets, training
from kerasdl.errors import InputError
from kerasdl.training.search_space import Range, space_of, with_values
from kerasdl.training.tune import Search, tune

pytestmark = pytest.mark.slow  # `make test-all` runs it

SPACE = dict(learning_rate="1e-3:1e-2", width="8:16", depth="1:2", dropout="0", l2="1e-6:1e-4")


def settings(**changes):
    return training.recipe("mlp", "digits") | dict(batch_size=128, max_shift=1) | changes


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    datasets.prepare("digits", folder)
    return folder


def search(folder, data_dir, **options):
    options = dict(trials=2, epochs=2, seed=1) | options
    return tune(settings(), space_of("mlp", SPACE), folder, data_dir=data_dir, **options)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory, data_dir):
    return search(tmp_path_factory.mktemp("searches") / "unbroken", data_dir)


def assert_same(one, other):
    def without_time(rows):
        return [{k: v for k, v in row.items() if k != "seconds"} for row in rows]

    assert without_time(one.rows) == without_time(other.rows)
    for trial in range(1, len(one.rows) + 1):
        runs = one.run(trial), other.run(trial)
        assert runs[0].metrics_path.read_text() == runs[1].metrics_path.read_text()


def test_the_folder_holds_everything(unbroken):
    names = {path.name for path in unbroken.folder.iterdir() if not path.name.startswith(".")}
    assert names == {
        "search.json", "study.db", "trials", "trials.csv", "best.toml", "search.png",
    }  # fmt: skip
    assert [row["trial"] for row in unbroken.rows] == [1, 2]
    for row in unbroken.rows:
        assert 1e-3 <= row["learning_rate"] <= 1e-2
        assert 8 <= row["width"] <= 16
        assert row["depth"] in (1, 2)
        assert row["dropout"] == 0
        config = unbroken.run(row["trial"]).config
        assert config.model_arguments["hidden_units"] == [row["width"]] * row["depth"]
        assert config.learning_rate == row["learning_rate"]
        assert row["val_accuracy"] == unbroken.run(row["trial"]).results["best_val_accuracy"]
    assert imread(unbroken.picture_path).std() > 0.05


def test_the_best_can_be_trained_as_it_is(unbroken):
    best = max(unbroken.rows, key=lambda row: (row["val_accuracy"], -row["val_loss"]))
    assert unbroken.best == best
    config = training.TrainConfig.of(training.recipe_file(unbroken.best_path))
    assert config.learning_rate == best["learning_rate"]
    assert config.model_arguments["l2"] == best["l2"]
    assert config.epochs == training.recipe("mlp", "digits")["epochs"]  # not the search's


class KillAt(keras.callbacks.Callback):
    """Leave in an epoch of a later trial; what is on disk is what `kill -9` leaves there."""

    def __init__(self, trainings, epoch):
        super().__init__()
        self.left, self.epoch = trainings, epoch

    def on_train_begin(self, logs=None):
        self.left -= 1

    def on_epoch_begin(self, epoch, logs=None):
        if self.left == 0 and epoch == self.epoch:
            raise KeyboardInterrupt


def test_a_search_that_grows_and_breaks_ends_where_an_unbroken_one_does(
    unbroken, data_dir, tmp_path
):
    folder = tmp_path / "search"
    assert len(search(folder, data_dir, trials=1).rows) == 1
    with pytest.raises(KeyboardInterrupt):
        search(folder, data_dir, resume=True, callbacks=[KillAt(1, epoch=1)])
    assert len(Search(folder).rows) == 1
    resumed = search(folder, data_dir, resume=True)
    assert resumed.run(2).results["resumed_at_epoch"] == 1
    assert_same(resumed, unbroken)


def test_a_hopeless_trial_is_stopped_early(data_dir, tmp_path, monkeypatch):
    import optuna

    # The median stops none of the first five; here nothing is good enough.
    strict = optuna.pruners.ThresholdPruner(lower=2.0)
    monkeypatch.setattr(optuna.pruners, "MedianPruner", lambda **_: strict)
    result = search(tmp_path / "search", data_dir, trials=1, prune=True)
    (row,) = result.rows
    assert (row["state"], row["epochs"]) == ("pruned", 1)
    assert result.best is None
    assert not result.best_path.exists()
    assert not result.run(1).complete
    assert not result.run(1).checkpoint_path.exists()


def test_an_existing_search_is_not_touched_by_accident(unbroken, data_dir, tmp_path):
    before = unbroken.table_path.stat().st_mtime_ns
    with pytest.raises(InputError, match=r"holds a search\. Use --resume"):
        search(unbroken.folder, data_dir)
    with pytest.raises(InputError, match="has other seed"):
        search(unbroken.folder, data_dir, seed=2, resume=True)
    assert before == unbroken.table_path.stat().st_mtime_ns
    (tmp_path / "a.txt").write_text("mine")
    with pytest.raises(InputError, match="is no search"):
        search(tmp_path, data_dir)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (dict(trials=0), "`trials` must be an integer of at least 1"),
        (dict(epochs=0), "`epochs`"),
    ],
)
def test_bad_arguments_leave_no_folder(arguments, words, data_dir, tmp_path):
    with pytest.raises(InputError) as error:
        search(tmp_path / "search", data_dir, **arguments)
    assert words in str(error.value)
    assert not (tmp_path / "search").exists()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"deph": "1"}, "Did you mean 'depth'"),
        ({"depth": "1.5"}, "`depth` must be LOW:HIGH, A,B,C or one value, of integers"),
        ({"depth": "3:1"}, "from a smaller to a larger"),
        ({"depth": "0:2"}, "from 1 on"),
        ({"learning_rate": "0:1"}, "above 0"),
        ({"dropout": "many"}, "of numbers"),
    ],
)
def test_ranges_that_make_no_sense(given, words):
    with pytest.raises(InputError) as error:
        space_of("mlp", given)
    assert words in str(error.value)


def test_ranges_a_user_writes():
    space = space_of("cnn", {"depth": "2:3", "dropout": "0.1,0.3", "l2": "0"})
    assert (space["depth"].low, space["depth"].high) == (2, 3)
    assert space["dropout"].choices == (0.1, 0.3)
    assert space["l2"].choices == (0.0,)
    with pytest.raises(InputError, match="vit"):
        space_of("rnn")


@pytest.mark.parametrize("model", ["vit", "cnn", "mlp"])
def test_both_corners_of_each_network_build(model):
    from kerasdl.training.train import build

    sizes = []
    for end in ("low", "high"):
        values = {name: getattr(r, end) for name, r in space_of(model).items()}
        config = training.TrainConfig.of(with_values(training.recipe(model, "digits"), values))
        sizes.append(build(config).count_params())
    assert sizes[0] < sizes[1]


def test_draws_stay_in_their_range():
    import optuna

    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    wanted = Range(32, 128, whole=True, step=16)
    drawn = [wanted.suggest(study.ask(), "width") for _ in range(30)]
    assert set(drawn) <= set(range(32, 129, 16))
    assert np.ptp(drawn) > 50
