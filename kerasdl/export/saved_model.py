"""Write a SavedModel into a version folder."""

import os
from collections.abc import Sequence
from pathlib import Path

import keras

from kerasdl import datasets
from kerasdl.errors import InputError
from kerasdl.export.versions import check_name, check_version, publish, staging_folder
from kerasdl.export.warmup import write_warmup_requests
from kerasdl.models import RecurrentClassifier
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
    """Export a classifier with the signatures `serving_default` and `tensor`.

    - `serving_default`: `image_bytes` (B,), encoded PNG or JPEG, or `text` (B,) → `label`,
      `probability`, `probabilities`, `classes`.
    - `tensor`: `image` (B, H, W, C), pixels in [0, 1], or `words` (B, T), their numbers → `logits`.

    Requests that warm the model up lie in `assets.extra/tf_serving_warmup_requests`.

    Args:
        model: Network from images (B, H, W, C) in [0, 1] to logits (B, classes), or a
            `kerasdl.models.RecurrentClassifier`.
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
    from kerasdl.export.signatures import ImageClassifier, TextClassifier

    model_folder = Path(directory) / check_name(name)
    check_version(model_folder, version)
    reads_text = isinstance(model, RecurrentClassifier)
    classifier = (TextClassifier if reads_text else ImageClassifier)(model, class_names)
    archive = keras.export.ExportArchive()
    archive.track(model)
    if reads_text:
        archive.track(classifier.word_numbers)  # its table of words
    for endpoint, function, spec in classifier.endpoints:
        archive.add_endpoint(endpoint, function, [spec])
    with staging_folder(model_folder) as part:
        archive.write_out(str(part), verbose=False)
        write_warmup_requests(part, name, *classifier.examples())
        return publish(part, model_folder, version)
