from pathlib import Path

import pytest

from kerasdl.errors import InputError
from kerasdl.server.config import read_batching, read_models, read_monitoring


def write(folder, text):
    file = folder / "file.config"
    file.write_text(text)
    return file


def model(text):
    return f"model_config_list {{ config {{ {text} }} }}"


PLAIN = 'name: "m" base_path: "/models/m" model_platform: "tensorflow"'


@pytest.mark.parametrize(
    ("policy", "chosen"),
    [
        ("", {3}),
        ("model_version_policy { latest {} }", {3}),
        ("model_version_policy { latest { num_versions: 2 } }", {2, 3}),
        ("model_version_policy { all {} }", {1, 2, 3}),
        ("model_version_policy { specific { versions: 1 versions: 7 } }", {1}),
    ],
)
def test_version_policies(tmp_path, policy, chosen):
    (source,) = read_models(write(tmp_path, model(f"{PLAIN} {policy}")))
    assert (source.name, source.base_path) == ("m", Path("/models/m"))
    assert source.policy([1, 2, 3]) == chosen


def test_labels_and_relative_paths(tmp_path):
    text = 'name: "m" base_path: "sub/m" model_platform: "tensorflow"'
    text += ' version_labels { key: "stable" value: 4 }'
    (source,) = read_models(write(tmp_path, model(text)))
    assert source.labels == {"stable": 4}
    assert source.base_path == tmp_path / "sub" / "m"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (model('nome: "m"'), 'no field named "nome"'),
        (model(PLAIN) + "}", "is not valid"),
        ("", "has no model_config_list"),
        (model('base_path: "/m" model_platform: "tensorflow"'), "has no name"),
        (model('name: "m" base_path: "/m"'), "neither ModelServerConfig::model_type"),
        (model('name: "m" base_path: "/m" model_platform: "x"'), "unsupported platform x"),
        (model('name: "m" model_platform: "tensorflow"'), "absolute path"),
        (f"model_config_list {{ config {{ {PLAIN} }} config {{ {PLAIN} }} }}", "multiple times"),
    ],
)
def test_faulty_models_file(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_models(write(tmp_path, text))


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"`model_config_file` .*nowhere cannot be read: No such"):
        read_models(tmp_path / "nowhere")


def test_batching(tmp_path):
    text = """
        max_batch_size { value: 64 } batch_timeout_micros { value: 0 }
        max_enqueued_batches { value: 100 } num_batch_threads { value: 2 }
        thread_pool_name { value: "x" } allowed_batch_sizes: 8 allowed_batch_sizes: 64
    """
    parameters = read_batching(write(tmp_path, text))
    assert parameters.max_batch_size.value == 64
    assert list(parameters.allowed_batch_sizes) == [8, 64]
    assert parameters.HasField("batch_timeout_micros")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max_batch_size { value: 0 }", "`max_batch_size` must be positive"),
        ("allowed_batch_sizes: 8 allowed_batch_sizes: 4", "must be positive and increase"),
        ("max_batch_size { value: 9 } allowed_batch_sizes: 8", "must be max_batch_size, 9"),
        ("max_batch: 3", "is not valid"),
    ],
)
def test_faulty_batching(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_batching(write(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('prometheus_config { enable: true path: "/metrics" }', "/metrics"),
        ("prometheus_config { enable: true }", "/monitoring/prometheus/metrics"),
        ('prometheus_config { path: "/metrics" }', None),
        ("", None),
    ],
)
def test_monitoring(tmp_path, text, path):
    assert read_monitoring(write(tmp_path, text)) == path
