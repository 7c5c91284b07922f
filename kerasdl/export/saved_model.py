"""Write a SavedModel into a version folder."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from kerasdl import datasets
from kerasdl.errors import InputError
from kerasdl.export.versions import check_name, check_version, publish, staging_folder
from kerasdl.export.warmup import write_warmup_requests
from kerasdl.models import (
    Captioner,
    LanguageModel,
    RecurrentClassifier,
    RecurrentTagger,
    Seq2Seq,
    SkipGram,
    Transformer,
    ViTDetector,
    ViTSegmenter,
)
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
    class_names: Sequence[str] | None,
    directory: str | os.PathLike,
    name: str,
    version: int | None = None,
) -> Path:
    """Export a network with its preprocessing, as signatures that take what people have.

    | network | `serving_default` | answer |
    | --- | --- | --- |
    | of pictures | `image_bytes` | `label`, `probability` and so on; also `explain` |
    | `RecurrentClassifier` | `text` | the same |
    | `RecurrentTagger` | `text` | `words`, `tags`, `probabilities` |
    | `Seq2Seq` | `text` | `phonemes`, `candidates`, `scores`; also `greedy` and `explain` |
    | `Transformer` | `text` | the same |
    | `Captioner` | `image_bytes` | `caption`, `candidates`, `scores` |
    | `LanguageModel` | `text` | `text`, `continuation`; also `greedy`, `beam` and `sample` |
    | `SkipGram` | `text`, a word | `neighbours`, `similarities`, `vector` |
    | `ViTSegmenter` | `image_bytes` | `mask`, `labels`, `shares`; also `explain` |
    | `ViTDetector` | `image_bytes` | `boxes`, `labels`, `scores`; also `explain` |

    Images are PNG or JPEG of any size. `tensor` takes the network's own arrays and answers
    `logits`. Requests that warm the model up lie in `assets.extra/tf_serving_warmup_requests`.

    Args:
        model: Network from images (B, H, W, C) in [0, 1] to logits (B, classes), or one of those
            above.
        class_names: Name of each class; None for a network that is no classifier.
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
    model_folder = Path(directory) / check_name(name)
    check_version(model_folder, version)
    signatures = signatures_of(model, class_names)
    archive = keras.export.ExportArchive()
    archive.track(model)
    for table in signatures.tables:
        archive.track(getattr(signatures, table))
    for endpoint, function, inputs in signatures.endpoints:
        archive.add_endpoint(endpoint, function, inputs)
    with staging_folder(model_folder) as part:
        archive.write_out(str(part), verbose=False)
        write_warmup_requests(part, name, *signatures.examples())
        return publish(part, model_folder, version)


def signatures_of(model: keras.Model, class_names: Sequence[str] | None) -> Any:
    """Return what answers for a network.

    Raises:
        InputError: If a classifier's classes are not named one by one.
    """
    # Not at the top: they bring TensorFlow.
    from kerasdl.export import scene_signatures as scenes
    from kerasdl.export import sequence_signatures as sequences
    from kerasdl.export.language_signatures import TextContinuer
    from kerasdl.export.signatures import ImageClassifier, TextClassifier
    from kerasdl.export.word_signatures import WordNeighbours

    for network, signatures in (
        (RecurrentTagger, sequences.SentenceTagger),
        (Seq2Seq, sequences.Pronouncer),
        (Transformer, sequences.Pronouncer),
        (LanguageModel, TextContinuer),
        (SkipGram, WordNeighbours),
        (Captioner, sequences.CaptionWriter),
    ):
        if isinstance(model, network):
            return signatures(model)
    for network, signatures in (
        (ViTSegmenter, scenes.PixelClassifier),
        (ViTDetector, scenes.ObjectFinder),
    ):
        if isinstance(model, network):
            return signatures(model, class_names)
    classes = model.output_shape[-1]
    if class_names is None or len(class_names) != classes:
        received = "None" if class_names is None else f"{len(class_names)} names"
        raise InputError(
            f"`class_names` must name the {classes} outputs of the model, received {received}."
        )
    reads_text = isinstance(model, RecurrentClassifier)
    return (TextClassifier if reads_text else ImageClassifier)(model, class_names)
