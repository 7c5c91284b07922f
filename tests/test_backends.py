"""Trained on one backend, served from another."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasdl import datasets, training
from kerasdl.export import export

pytestmark = pytest.mark.slow  # `make test-all` runs it

TRAIN = """
import sys
import keras, numpy as np
from kerasdl import datasets, training

folder, data_dir = sys.argv[1:]
assert keras.backend.backend() == "jax"
settings = training.recipe("vit", "digits") | {"epochs": 1}
run = training.train(training.TrainConfig(**settings), folder, data_dir=data_dir)
images, _ = datasets.load_arrays("digits", "test", data_dir)
model = keras.saving.load_model(run.model_path)
np.save(folder + ".npy", np.array(model(images[:50].astype("float32") / 255)))
"""


def test_the_recipe_trains_on_jax_and_exports_from_tensorflow(tmp_path):
    data_dir = tmp_path / "data"
    datasets.prepare("digits", data_dir)
    folder = tmp_path / "run"
    subprocess.run(
        [sys.executable, "-c", TRAIN, str(folder), str(data_dir)],
        env=os.environ | {"KERAS_BACKEND": "jax", "JAX_ENABLE_X64": "0"},
        check=True,
        capture_output=True,
    )
    expected = np.load(tmp_path / "run.npy")
    images, _ = datasets.load_arrays("digits", "test", data_dir)
    pixels = images[:50].astype("float32") / 255

    model = keras.saving.load_model(training.Run.open(folder).model_path)
    assert np.abs(keras.ops.convert_to_numpy(model(pixels)) - expected).max() <= 1e-5
    served = tf.saved_model.load(str(export(folder, tmp_path / "served"))).signatures["tensor"]
    assert np.abs(served(image=tf.constant(pixels))["logits"].numpy() - expected).max() <= 1e-5
    assert expected.std() > 0.1, "an untrained network would prove little"
