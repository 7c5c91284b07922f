"""SavedModels: whole or not at all, right for any picture, and the same as the network."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kerasdl import models
from kerasdl.errors import InputError
from kerasdl.export import export_model, next_version

NAMES = ("zero", "one", "two")


@pytest.fixture(
    scope="module",
    params=[(8, 12, 1), pytest.param((8, 8, 3), marks=pytest.mark.slow)],
    ids=["grey", "colour"],
)
def model(request):
    keras.utils.set_random_seed(1)
    model = models.ViT(request.param, 3, patch_size=4, num_layers=1, num_heads=2, hidden_dim=8)
    weights = [np.random.default_rng(0).normal(size=w.shape) for w in model.get_weights()]
    model.set_weights(weights)  # far from uniform answers
    return model


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    return export_model(model, NAMES, tmp_path_factory.mktemp("served"), "m")


def encoded(array, kind="png", **options):
    import io

    buffer = io.BytesIO()
    pixels = array[..., 0] if array.ndim == 3 and array.shape[-1] == 1 else array
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def draw(model, count=3):
    H, W, C = model.input_shape[1:]
    return np.random.default_rng(0).integers(0, 256, (count, H, W, C), np.uint8)


def test_signatures_and_warmup(exported, model):
    assert exported.name == "1"
    signatures = tf.saved_model.load(str(exported)).signatures
    assert set(signatures) == {"serving_default", "explain", "tensor"}
    assert set(signatures["serving_default"].structured_outputs) == {
        "label",
        "probability",
        "probabilities",
        "classes",
    }
    assert set(signatures["tensor"].structured_outputs) == {"logits"}
    from tensorflow_serving.apis import prediction_log_pb2

    records = tf.data.TFRecordDataset(str(exported / "assets.extra" / "tf_serving_warmup_requests"))
    requests = [
        prediction_log_pb2.PredictionLog.FromString(r.numpy()).predict_log.request for r in records
    ]
    for request in requests:
        batch = tf.make_ndarray(request.inputs["image_bytes"])
        answer = signatures["serving_default"](image_bytes=tf.constant(batch))
        assert answer["probabilities"].shape == (len(batch), 3)
    assert len(requests) == 2


def test_png_bytes_answer_as_the_network_does(exported, model):
    images = draw(model)
    served = tf.saved_model.load(str(exported)).signatures
    answer = served["serving_default"](image_bytes=tf.constant([encoded(i) for i in images]))
    pixels = (images / 255).astype("float32")
    expected = keras.ops.convert_to_numpy(keras.ops.softmax(model(pixels)))
    assert np.allclose(answer["probabilities"], expected, atol=1e-6)
    assert [name.decode() for name in answer["label"].numpy()] == [
        NAMES[i] for i in expected.argmax(axis=1)
    ]
    assert np.allclose(answer["probability"], expected.max(axis=1), atol=1e-6)
    assert answer["classes"].numpy().astype(str).tolist() == [list(NAMES)] * 3
    logits = served["tensor"](image=tf.constant(pixels))["logits"]
    assert np.allclose(logits, keras.ops.convert_to_numpy(model(pixels)), atol=1e-5)


def test_any_size_colour_and_format(exported, model):
    H, W, C = model.input_shape[1:]
    grey = np.linspace(0, 255, 40 * 60).reshape(40, 60).astype("uint8")
    colour = np.stack([grey] * 3, axis=-1)
    transparent = np.concatenate([colour, np.full((40, 60, 1), 255, np.uint8)], axis=-1)
    pictures = [
        encoded(grey),
        encoded(colour),
        encoded(transparent),
        encoded(colour, "jpeg", quality=95),
        encoded(grey, "jpeg", quality=95),
        encoded(grey[:1, :1]),
    ]
    served = tf.saved_model.load(str(exported)).signatures["serving_default"]
    p = served(image_bytes=tf.constant(pictures))["probabilities"].numpy()
    assert np.isfinite(p).all()
    # The same picture, whatever it was packed in; JPEG is off by a grey value or two.
    assert np.allclose(p[1:3], p[0], atol=1e-6)
    assert np.allclose(p[3:5], p[0], atol=0.05)
    # Resized as documented: bilinear with antialiasing to the size of the network.
    small = tf.image.resize(grey[None, :, :, None] / 255, (H, W), antialias=True)
    expected = keras.ops.softmax(model(tf.repeat(tf.cast(small, "float32"), C, axis=-1)))
    assert np.allclose(p[0], keras.ops.convert_to_numpy(expected)[0], atol=1e-5)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "neither PNG nor JPEG"),
        (b"GIF89a....", "neither PNG nor JPEG"),
        (b"\x89PNG\r\n\x1a\n cut off", "PNG"),
        (b"\xff\xd8\xff cut off", "JPEG"),
    ],
)
def test_undecodable_bytes_are_named(exported, data, words):
    served = tf.saved_model.load(str(exported)).signatures["serving_default"]
    with pytest.raises(tf.errors.InvalidArgumentError, match=words):
        served(image_bytes=tf.constant([data]))


def test_versions_count_up_and_are_never_replaced(model, tmp_path):
    assert export_model(model, NAMES, tmp_path, "m").name == "1"
    assert export_model(model, NAMES, tmp_path, "m", version=7).name == "7"
    assert export_model(model, NAMES, tmp_path, "m").name == "8"
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match=r"Version 7 exists already.* next free one is 9"):
        export_model(model, NAMES, tmp_path, "m", version=7)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (dict(name="a/b"), "`name` must be letters"),
        (dict(name=".."), "`name` must be letters"),
        (dict(version=-1), "`version` must be an integer"),
        (dict(class_names=("a", "b")), "must name the 3 outputs"),
    ],
)
def test_bad_arguments_leave_nothing(model, tmp_path, arguments, words):
    arguments = dict(class_names=NAMES, name="m") | arguments
    with pytest.raises(InputError, match=words):
        export_model(model, directory=tmp_path / "served", **arguments)
    assert not (tmp_path / "served").exists()


def test_a_failed_export_leaves_nothing(model, tmp_path, monkeypatch):
    monkeypatch.setattr("kerasdl.export.saved_model.write_warmup_requests", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        export_model(model, NAMES, tmp_path / "served", "m")
    assert not (tmp_path / "served" / "m").exists()


def test_a_watcher_never_sees_half_a_version(model, tmp_path):
    """Look at the folder as fast as possible while versions are exported."""
    stop, halves = threading.Event(), []

    def watch():
        while not stop.is_set():
            for version in (tmp_path / "m").glob("[0-9]*"):
                parts = {p.name for p in version.iterdir()}
                if not {"saved_model.pb", "variables", "assets.extra"} <= parts:
                    halves.append((version, parts))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for _ in range(3):
            export_model(model, NAMES, tmp_path, "m")
    finally:
        stop.set()
        watcher.join()
    assert not halves
    assert next_version(tmp_path / "m") == 4


def test_a_killed_export_leaves_no_version(tmp_path):
    """SIGKILL while the SavedModel is being written: only a hidden folder may stay."""
    program = (
        "import sys, time; from kerasdl import models; from kerasdl.export import saved_model;"
        "saved_model.write_warmup_requests = lambda *_: (print('now', flush=True), time.sleep(60));"
        "model = models.ViT((8, 8, 1), 2, num_layers=1, num_heads=1, hidden_dim=4);"
        "saved_model.export_model(model, 'ab', sys.argv[1], 'm')"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout.readline() == b"now\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(0.1)
    assert next_version(tmp_path / "m") == 1
    assert [p.name.startswith(".part-") for p in (tmp_path / "m").iterdir()] == [True]


def test_keras_file_and_saved_model_load_in_a_fresh_process(model, exported, tmp_path):
    """With nothing but `import kerasdl`, and the SavedModel without even that."""
    path = tmp_path / "m.keras"
    model.save(path)
    pixels = (draw(model) / 255).astype("float32")
    np.save(tmp_path / "x.npy", pixels)
    expected = keras.ops.convert_to_numpy(model(pixels)).tolist()
    programs = {
        "keras": "import kerasdl, keras; m = keras.saving.load_model(sys.argv[1]);"
        "print(json.dumps(np.array(m(x)).tolist()))",
        "saved": "import tensorflow as tf; m = tf.saved_model.load(sys.argv[2]);"
        "print(json.dumps(m.signatures['tensor'](image=tf.constant(x))['logits'].numpy().tolist()));"
        "assert 'kerasdl' not in sys.modules",
    }
    for program in programs.values():
        program = f"import sys, json, numpy as np; x = np.load(sys.argv[3]);{program}"
        arguments = [str(path), str(exported), str(tmp_path / "x.npy")]
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
        )
        assert np.allclose(json.loads(done.stdout), expected, atol=1e-5)
