"""What `explain` answers over HTTP, beside what is seen in this process."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from serving_models import serving
from typer.testing import CliRunner

from kerasdl import models
from kerasdl.cli import app
from kerasdl.client import Client
from kerasdl.datasets.pictures import to_png_bytes
from kerasdl.export import export_model
from kerasdl.inspection import explain

NAMES = ("zero", "one", "two")
SHAPE = (8, 12, 1)
# Attention lies in 0 … 1, where float32 is exact to 1e-7; layers pass their rounding on.
ATTENTION = 1e-5
# Maps that were divided by their range: float32 gradients carry 4 to 5 digits.
GRADIENTS = 1e-4

NETWORKS = {
    "vit": lambda: models.ViT(SHAPE, 3, patch_size=4, num_layers=2, num_heads=2, hidden_dim=8),
    "vit_mean": lambda: models.ViT(
        SHAPE, 3, patch_size=(4, 3), num_layers=1, num_heads=1, hidden_dim=8, pooling="mean"
    ),
    "cnn": lambda: models.CNN(SHAPE, 3, filters=(4, 8), dense_units=8),
    "mlp": lambda: models.MLP(SHAPE, 3, hidden_units=[8]),
}
SEEN = {
    "vit": {"attention", "rollout", "grad_cam", "saliency"},
    "vit_mean": {"attention", "rollout", "grad_cam", "saliency"},
    "cnn": {"grad_cam", "saliency"},
    "mlp": {"saliency"},
}


def network(name):
    keras.utils.set_random_seed(1)
    model = NETWORKS[name]()
    # Far from uniform answers and attention.
    rng = np.random.default_rng(0)
    model.set_weights([np.abs(w) + rng.normal(0, 0.5, w.shape) for w in model.get_weights()])
    return model


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(3).integers(0, 256, (3, *SHAPE), np.uint8)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    found = {name: network(name) for name in NETWORKS}
    for name, model in found.items():
        export_model(model, NAMES, folder, name)
    with serving(folder) as (url, _):
        yield folder, found, url


@pytest.mark.parametrize("name", NETWORKS)
def test_over_http_as_in_process(served, pictures, name):
    _, found, url = served
    here = explain(found[name], pictures.astype("float32") / 255)
    with Client(url) as client:
        encoded = [to_png_bytes(p) for p in pictures]
        there = client.predict_images(name, encoded, signature_name="explain")
        plain = client.predict_images(name, encoded)
    assert set(here) == SEEN[name] | {"image"}
    assert set(there[0]) == set(plain[0]) | set(here)
    for key, expected in here.items():
        measured = np.array([answer[key] for answer in there])
        assert measured.shape == expected.shape
        tolerance = GRADIENTS if key in ("grad_cam", "saliency") else ATTENTION
        np.testing.assert_allclose(measured, expected, atol=tolerance, err_msg=key)
        assert key == "image" or expected.std() > 0.01  # no map is flat
    assert [a["label"] for a in there] == [a["label"] for a in plain]


def test_query_explain_prints_the_attention_and_draws_it(served, pictures, tmp_path):
    _, found, url = served
    path = tmp_path / "one.png"
    path.write_bytes(to_png_bytes(pictures[0]))
    command = ["query", str(path), "--model", "vit", "--explain", "--url", url]
    result = CliRunner().invoke(app, [*command, "--json", "--out", str(tmp_path / "drawn")])
    assert result.exit_code == 0, result.output
    (answer,) = json.loads(result.stdout)
    measured = np.array(answer["prediction"]["attention"])
    expected = explain(found["vit"], pictures[:1].astype("float32") / 255)["attention"][0]
    np.testing.assert_allclose(measured, expected, atol=ATTENTION)
    assert sorted(p.name for p in (tmp_path / "drawn").iterdir()) == [
        "attention-one.png",
        "overview.png",
    ]
    assert "probability" in CliRunner().invoke(app, command).stdout


def test_out_is_for_explanations(tmp_path):
    path = tmp_path / "one.png"
    path.write_bytes(b"")
    result = CliRunner().invoke(app, ["query", str(path), "--model", "m", "--out", "x"])
    assert "`--out` is for images with --explain" in str(result.exception)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_server_without_compiler_can_run_it(served, name):
    folder, *_ = served
    saved = tf.saved_model.load(str(folder / name / "1"))
    graph = saved.signatures["explain"].graph.as_graph_def()
    kinds = {node.op for node in graph.node} | {
        node.op for function in graph.library.function for node in function.node_def
    }
    assert not {kind for kind in kinds if "Xla" in kind or "PyFunc" in kind}
    assert not any(f.attr["_XlaMustCompile"].b for f in graph.library.function)
