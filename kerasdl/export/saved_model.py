"""Write a SavedModel into a version folder."""

import os
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from kerasdl import datasets
from kerasdl.datasets.pictures import to_png_bytes
from kerasdl.errors import InputError
from kerasdl.export.versions import check_name, check_version, publish, staging_folder
from kerasdl.export.warmup import write_warmup_requests
from kerasdl.training.run import Run


def export(
    run: Run | str | os.PathLike,
    directory: str | os.PathLike,
    name: str | None = None,
    version: int | None = None,
) -> Path:
    """Export a finished run to `directory/<name>/<version>/`.

    Args:
        run: The run or its folder.
        directory: The folder that a server serves.
        name: Name of the model in URLs; default `<model>_<dataset>`.
        version: The version number; default the next free one.

    Returns:
        The version's folder.

    Raises:
        InputError: If there is no finished run, or the version exists.
    """
    run = run if isinstance(run, Run) else Run.open(run)
    config = run.config
    info = datasets.info(config.dataset)
    name = f"{config.model}_{config.dataset}" if name is None else name
    check_version(Path(directory) / check_name(name), version)
    model = keras.saving.load_model(run.model_path, compile=False)
    return export_model(model, info.class_names, directory, name, version)


def export_model(
    model: keras.Model,
    class_names: Sequence[str],
    directory: str | os.PathLike,
    name: str,
    version: int | None = None,
) -> Path:
    """Export any image classifier with the signatures `serving_default` and `tensor`.

    - `serving_default`: `image_bytes` (B,), encoded PNG or JPEG → `label`, `probability`,
      `probabilities`, `classes`.
    - `tensor`: `image` (B, H, W, C), pixels in [0, 1] → `logits`.

    Requests that warm the model up lie in `assets.extra/tf_serving_warmup_requests`.

    Args:
        model: Network from images (B, H, W, C) in [0, 1] to logits (B, classes).
        class_names: Name of each class.
        directory: The folder that a server serves.
        name: Name of the model in URLs.
        version: The version number; default the next free one.

    Returns:
        The version's folder, which appears whole or not at all.

    Raises:
        InputError: If name, version or classes cannot be used, or Keras does not run on
            TensorFlow.
    """
    if keras.backend.backend() != "tensorflow":
        raise InputError(
            f"A SavedModel is a TensorFlow graph, but Keras runs on {keras.backend.backend()!r}. "
            "Export in a process with KERAS_BACKEND=tensorflow; weights trained on another backend "
            "load there."
        )
    if len(class_names) != model.output_shape[-1]:
        raise InputError(
            f"`class_names` must name the {model.output_shape[-1]} outputs of the model, received "
            f"{len(class_names)} names."
        )
    from kerasdl.export.signatures import ImageClassifier

    model_folder = Path(directory) / check_name(name)
    check_version(model_folder, version)
    classifier = ImageClassifier(model, class_names)
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serving_default", classifier.from_bytes, [classifier.bytes_spec])
    archive.add_endpoint("tensor", classifier.from_array, [classifier.array_spec])
    with staging_folder(model_folder) as part:
        archive.write_out(str(part), verbose=False)
        write_warmup_requests(part, name, _example_images(model))
        return publish(part, model_folder, version)


def _example_images(model) -> list[bytes]:
    """One picture of the network's own size and one that must be resized."""
    height, width, channels = model.input_shape[1:]
    rng = np.random.default_rng(0)
    sizes = [(height, width), (3 * height, 2 * width)]
    return [to_png_bytes(rng.integers(0, 256, (h, w, channels), np.uint8)) for h, w in sizes]
