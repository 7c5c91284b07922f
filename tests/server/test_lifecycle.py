"""Versions come and go: as recorded from a real TF Serving, and a hundred times under load."""

import itertools
import json
import shutil
import threading
import time

import httpx
import pytest
from serving_cases import cases, same, send
from serving_models import models_config, save_plus, save_scale, serving_as

from kerasdl.server import flags

PREDICT = "/v1/models/m:predict"


def life(folder):
    """The steps of the recording: name, and what is done before it."""
    m = folder / "m"

    def broken():
        (m / "3").mkdir()
        (m / "3" / "saved_model.pb").write_bytes(b"not a model")

    def remove(*numbers):
        for number in numbers:
            shutil.rmtree(m / str(number))

    return {
        "1_only_v1": lambda: save_plus(m / "1", 1.5),
        "2_added_v2": lambda: save_plus(folder / "new", 2.5).rename(m / "2"),
        "3_broken_v3": broken,
        "4_empty_v4": lambda: (m / "4").mkdir(),
        "5_nonnumeric_dirs": lambda: [(m / name).mkdir() for name in ("abc", "007x")],
        "6_removed_v3_v4": lambda: remove(3, 4),
        "7_removed_v2": lambda: remove(2),
        "8_nothing_left": lambda: remove(1),
    }


def test_life_as_recorded(tmp_path):
    steps = life(tmp_path)
    recorded = cases("flags/lifecycle.jsonl")
    assert {case["id"].split("/")[1] for case in recorded} == set(steps)
    settings = flags.parse(
        [
            "--model_name=m",
            f"--model_base_path={tmp_path / 'm'}",
            "--file_system_poll_wait_seconds=3600",  # looked for when the test says so
        ]
    )
    with serving_as(settings) as (url, store):
        for name, do in steps.items():
            do()
            store.rescan()
            for case in recorded:
                if f"/{name}/" in case["id"]:
                    status, answer = send(url, case)
                    assert status == case["status"], (case["id"], answer)
                    expected = case["answer"].replace("{folder}", str(tmp_path))
                    assert same(json.loads(answer), json.loads(expected)), (case["id"], answer)


def wait_for(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_configuration_file_is_read_anew(tmp_path):
    save_scale(tmp_path / "a" / "1", 1.0)
    save_scale(tmp_path / "b" / "1", 2.0)
    file = models_config(tmp_path, "a")
    settings = flags.parse(
        [
            f"--model_config_file={file}",
            "--model_config_file_poll_wait_seconds=0.05",
            "--file_system_poll_wait_seconds=0.05",
        ]
    )
    with serving_as(settings) as (_, store):
        assert list(store.available()) == ["a"]
        file.write_text("model_config_list { nonsense }")
        wait_for(store.problems)
        assert list(store.available()) == ["a"]  # a fault changes nothing
        models_config(tmp_path, "b")
        wait_for(lambda: list(store.available()) == ["b"])
        wait_for(lambda: store.status("a")[0].state == "END")  # "b" is there while "a" goes
        assert store.problems() == []


def test_labels_wait_for_their_version(tmp_path):
    save_scale(tmp_path / "m" / "1", 1.0)
    label = 'version_labels { key: "x" value: 2 } model_version_policy { all {} }'
    file = models_config(tmp_path, ("m", label))
    with serving_as(flags.parse([f"--model_config_file={file}"])) as (url, store):
        asked = f"{url}/v1/models/m/labels/x:predict"
        answer = httpx.post(asked, json={"instances": [1]}, trust_env=False)
        assert answer.json() == {"error": "Unrecognized servable version label: x"}
        assert "Request to assign label to version 2 of model m" in store.problems()[0]
        save_scale(tmp_path / "m" / "2", 2.0)
        store.rescan()
        answer = httpx.post(asked, json={"instances": [1]}, trust_env=False)
        assert answer.json() == {"predictions": [2.0]}


@pytest.mark.slow
def test_a_hundred_version_changes_under_load(tmp_path):
    for factor in (1, 2):
        save_scale(tmp_path / f"model{factor}", float(factor))
    folder = tmp_path / "served" / "m"
    shutil.copytree(tmp_path / "model1", folder / "1")
    settings = flags.parse(
        ["--model_name=m", f"--model_base_path={folder}", "--file_system_poll_wait_seconds=0.02"]
    )
    wrong, count = [], itertools.count()
    stop = threading.Event()

    def ask(url):
        with httpx.Client(trust_env=False, timeout=60) as client:
            while not stop.is_set():
                answer = client.post(url + PREDICT, json={"instances": [1, 3]})
                next(count)
                known = ({"predictions": [1.0, 3.0]}, {"predictions": [2.0, 6.0]})
                if answer.status_code != 200 or answer.json() not in known:
                    wrong.append((answer.status_code, answer.text))

    with serving_as(settings) as (url, store):
        threads = [threading.Thread(target=ask, args=[url]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for number in range(2, 102):
            shutil.copytree(tmp_path / f"model{1 + number % 2}", tmp_path / "staged")
            (tmp_path / "staged").rename(folder / str(number))
            wait_for(lambda number=number: store.available() == {"m": [number]})
            shutil.rmtree(folder / str(number - 1))
        stop.set()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert next(count) > 100
        ended = [status for status in store.status("m") if status.state == "END"]
        wait_for(lambda: len([s for s in store.status("m") if s.state == "END"]) == 100)
        assert {status.error_code for status in ended} == {"OK"}
