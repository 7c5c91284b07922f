import gc
import shutil
import threading
import time
import weakref

import numpy as np
import pytest
from serving_models import save_scale, write_warmup

from kerasdl.server.errors import ServingError
from kerasdl.server.models import ModelStore
from kerasdl.server.versions import ModelSource, latest, models_in


def ask(store, version=None, name="m"):
    with store.use(name, version) as servable:
        x = np.ones(1, np.float32)
        return servable.version, servable.predict("serving_default", {"x": x})["y"].tolist()


def states(store, name="m"):
    return {status.version: (status.state, status.error_code) for status in store.status(name)}


@pytest.fixture
def store(tmp_path):
    store = ModelStore(lambda: models_in(tmp_path), poll_seconds=0.05)
    yield store
    store.stop()


def test_life_of_versions(tmp_path, store):
    save_scale(tmp_path / "m" / "1", 1.0)
    store.rescan()
    assert ask(store) == (1, [1.0])
    with pytest.raises(ServingError, match=r"Servable not found for request: Specific\(m, 2\)"):
        ask(store, 2)
    with pytest.raises(ServingError, match="Could not find version 2 of model m"):
        store.status("m", 2)

    save_scale(tmp_path / "m" / "2", 2.0)
    store.rescan()
    assert ask(store) == (2, [2.0])  # the highest by default
    assert ask(store, 1) == (1, [1.0])  # the other by its number
    assert store.available() == {"m": [1, 2]}

    (tmp_path / "m" / "3").mkdir()  # a broken version changes nothing for the others
    (tmp_path / "m" / "3" / "saved_model.pb").write_bytes(b"broken")
    store.rescan()
    assert ask(store) == (2, [2.0])
    assert states(store)[1] == states(store)[2] == ("AVAILABLE", "OK")
    state, code = states(store)[3]
    assert state == "END"
    assert code != "OK"
    assert "m version 3" in store.failures()[0]

    shutil.rmtree(tmp_path / "m" / "2")  # a removed version goes
    store.rescan()
    assert ask(store) == (1, [1.0])
    assert states(store)[2] == ("END", "OK")

    shutil.rmtree(tmp_path / "m")
    store.rescan()
    with pytest.raises(ServingError, match=r"Servable not found for request: Latest\(m\)"):
        ask(store)
    assert states(store)[1] == ("END", "OK")


def test_broken_version_is_tried_again_only_when_its_files_change(tmp_path, store, monkeypatch):
    from kerasdl.server import models

    tries = []
    real = models.Servable
    monkeypatch.setattr(
        models, "Servable", lambda *arguments: tries.append(arguments) or real(*arguments)
    )
    (tmp_path / "m" / "1").mkdir(parents=True)
    store.rescan()
    store.rescan()
    assert len(tries) == 1
    shutil.rmtree(tmp_path / "m" / "1")
    save_scale(tmp_path / "m" / "1", 5.0)  # a copy that is complete now
    store.rescan()
    assert ask(store) == (1, [5.0])
    assert states(store) == {1: ("AVAILABLE", "OK")}
    assert len(tries) == 2


def test_policy_replaces_the_old_version(tmp_path):
    save_scale(tmp_path / "m" / "1", 1.0)
    store = ModelStore(lambda: [ModelSource("m", tmp_path / "m", latest(1))])
    store.rescan()
    with store.use("m") as held:  # a request that runs while the version is replaced
        save_scale(tmp_path / "m" / "2", 2.0)
        store.rescan()
        assert ask(store) == (2, [2.0])
        assert states(store) == {2: ("AVAILABLE", "OK"), 1: ("UNLOADING", "OK")}
        y = held.predict("serving_default", {"x": np.ones(1, np.float32)})["y"]
        assert (held.version, y.tolist()) == (1, [1.0])
    store.stop()


def test_unreadable_folder_keeps_what_is_loaded(tmp_path, caplog):
    save_scale(tmp_path / "m" / "1", 1.0)
    sources = [ModelSource("m", tmp_path / "m")]
    store = ModelStore(lambda: sources)
    store.rescan()
    sources[0] = ModelSource("m", tmp_path / "away")
    store.rescan()
    store.rescan()
    assert ask(store) == (1, [1.0])
    assert caplog.text.count("cannot look for versions of m") == 1  # once, not at each look
    store.stop()


def test_warm_up_runs_before_traffic(tmp_path, store, monkeypatch):
    from kerasdl.server.servable import Servable

    path = save_scale(tmp_path / "m" / "1", 3.0)
    write_warmup(path, np.float32([1, 2]), np.float32([3]))
    warmed = []
    predict = Servable.predict

    def spy(self, name, inputs):
        warmed.append((name, inputs["x"].tolist(), store.available()))
        return predict(self, name, inputs)

    monkeypatch.setattr(Servable, "predict", spy)
    store.rescan()
    assert warmed == [("serving_default", [1, 2], {}), ("serving_default", [3], {})]
    assert store.available() == {"m": [1]}


def test_failing_warm_up_keeps_a_version_out(tmp_path, store):
    save_scale(tmp_path / "m" / "1", 1.0)
    write_warmup(save_scale(tmp_path / "m" / "2", 2.0), np.float32([1]), name="wrong")
    file = write_warmup(save_scale(tmp_path / "m" / "3", 2.0), np.float32([1]))
    file.write_bytes(file.read_bytes()[:-3])
    store.rescan()
    assert store.available() == {"m": [1]}
    assert ask(store) == (1, [1.0])
    for version in (2, 3):
        assert "Warm-up request 0 failed" in store.status("m", version)[0].error_message


def test_thread_picks_up_a_new_version_while_requests_run(tmp_path, store):
    save_scale(tmp_path / "m" / "1", 1.0)
    store.rescan()
    store.start()
    answers, failures, stop = [], [], threading.Event()

    def load():
        while not stop.is_set():
            try:
                answers.append(ask(store))
            except Exception as error:
                failures.append(error)

    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        staged = save_scale(tmp_path / "staged", 2.0)
        staged.rename(tmp_path / "m" / "2")  # as an atomic export does
        deadline = time.monotonic() + 20
        while (2, [2.0]) not in answers[-10:]:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        shutil.rmtree(tmp_path / "m" / "1")
        while store.status("m", 1)[0].state != "END":
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert set(map(str, answers)) == {"(1, [1.0])", "(2, [2.0])"}


def test_graph_of_an_unloaded_version_is_freed(tmp_path, store):
    save_scale(tmp_path / "m" / "1", 1.0)
    save_scale(tmp_path / "m" / "2", 2.0)
    store.rescan()
    store.start()
    with store.use("m", 1) as servable:
        graph = weakref.ref(servable._session.graph)
    del servable
    gc.collect()
    gc.disable()  # it refers to itself: only a collection that is asked for frees it
    try:
        shutil.rmtree(tmp_path / "m" / "1")
        deadline = time.monotonic() + 20
        while graph() is not None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        gc.enable()
    assert ask(store) == (2, [2.0])
