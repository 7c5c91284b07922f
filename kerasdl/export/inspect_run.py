"""Look into a trained run on inputs as a client sends them."""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from keras import ops

from kerasdl import datasets, inspection
from kerasdl.activations import softmax
from kerasdl.errors import InputError
from kerasdl.inspection.answers import file_names
from kerasdl.inspection.scenes import save_boxes, save_masks, sure
from kerasdl.models import (
    CNN,
    MLP,
    Captioner,
    Seq2Seq,
    Transformer,
    ViTDetector,
    ViTSegmenter,
)
from kerasdl.models.patch_transformer import PatchTransformer
from kerasdl.training.run import Run


def inspect_run(run: Run, files: Sequence[Path], texts: Sequence[str], folder: Path) -> list[Path]:
    """Draw where the network of a run looks.

    Args:
        run: A complete run.
        files: Pictures, PNG or JPEG of any size; for a network that reads, texts line by line.
        texts: For a network that reads, in place of files.
        folder: Where the PNGs go.

    Returns:
        The files that were written.

    Raises:
        InputError: If there is nothing to see in such a network, or the inputs are not what it
            takes.
    """
    model = keras.saving.load_model(run.model_path, compile=False)
    if isinstance(model, Seq2Seq | Transformer):
        return _alignments(model, [*texts, *_lines(files)], folder)
    if not isinstance(model, PatchTransformer | CNN | MLP | Captioner):
        raise InputError(
            f"There is nothing to see yet in the network {run.config.model!r}; there is in vit, "
            "cnn, mlp, segmenter, detector, seq2seq, transformer and captioner."
        )
    if texts:
        raise InputError(f"{run.config.model!r} takes pictures: give --input with PNG or JPEG.")
    images, names = _pictures(model, files), file_names(files)
    if isinstance(model, Captioner):
        return [_words(model, *pair, folder) for pair in zip(images, names, strict=True)]
    class_names, titles = datasets.info(run.config.dataset).class_names, names
    if len(model.output_shape) == 2:
        titles = _titles(model, images, class_names)
    paths = inspection.save_explanation(folder, inspection.explain(model, images), names, titles)
    if isinstance(model, ViTSegmenter):
        masks = ops.convert_to_numpy(model(images, training=False)).argmax(axis=-1)
        paths.append(folder / "masks.png")
        save_masks(paths[-1], images, masks, None, ("background", *class_names))
    if isinstance(model, ViTDetector):
        found = [ops.convert_to_numpy(part) for part in model.detect(images)]
        paths.append(folder / "boxes.png")
        save_boxes(paths[-1], images, sure(zip(*found, strict=True)), None, class_names)
    return paths


def _pictures(model, files):
    """Read pictures as the exported network does."""
    import tensorflow as tf

    from kerasdl.export.decode_images import ImageDecoder

    shape = model.image_shape if isinstance(model, Captioner) else model.input_shape[1:]
    decode, images = ImageDecoder(shape), []
    for path in files:
        try:
            images.append(decode(tf.constant([path.read_bytes()])).numpy()[0])
        except tf.errors.InvalidArgumentError as error:
            raise InputError(f"{path} is no picture that can be read, PNG or JPEG.") from error
    return np.stack(images)


def _titles(model, images, class_names):
    probabilities = ops.convert_to_numpy(softmax(model(images, training=False)))
    return [f"{class_names[p.argmax()]}, {p.max():.0%}" for p in probabilities]


def _lines(files):
    try:
        return [line for path in files for line in path.read_text().split("\n") if line.strip()]
    except UnicodeDecodeError as error:
        raise InputError(f"A network that reads takes texts: {error}") from error


def _alignments(model, words, folder):
    """Draw what the exported signature `explain` would answer."""
    import tensorflow as tf

    from kerasdl.export.sequence_signatures import Pronouncer

    if not words:
        raise InputError("There is no text in what was given.")
    answer = Pronouncer(model).explain(tf.constant(words))
    answer = {key: value.numpy() for key, value in answer.items()}
    read, written = (
        [[s.decode() for s in row if s] for row in answer[key]] for key in ("letters", "phonemes")
    )
    triples = [
        (r, w, weights[: len(w), : len(r)])
        for r, w, weights in zip(read, written, answer["alignment"], strict=True)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / "alignment.png"]
    inspection.save_alignments(paths[0], triples)
    if isinstance(model, Transformer):
        for i, name in enumerate(file_names(["".join(filter(str.isalnum, r)) for r in read])):
            paths.append(folder / f"attention-{name}.png")
            inspection.save_heads(paths[-1], _heads(answer, i, read[i], written[i]))
    return paths


def _heads(answer, i, read, written):
    """Return every head of a Transformer for word i, as `save_heads` takes them."""
    wrote = ["▷", *written[:-1]]  # what stands before each phoneme
    attentions = []
    for name, looking, looked_at in (
        ("encoder", read, read),
        ("decoder", wrote, wrote),
        ("cross", wrote, read),
    ):
        layers = answer[f"{name}_attention"][i, :, :, : len(looking), : len(looked_at)]
        attentions.append((name, looking, looked_at, list(layers)))
    return attentions


def _words(model, image, name, folder):
    words, maps = inspection.word_saliency(model, image)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"words-{name}.png"
    inspection.save_word_saliency(path, image, words, maps)
    return path
