"""The whole way once: data → training → SavedModel → server → HTTP answer, checked at each step."""

import time
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from kerasdl import datasets, inspection, training
from kerasdl.client import Client
from kerasdl.datasets.pictures import to_png_bytes
from kerasdl.export import export
from kerasdl.server import running

MODEL, DATASET, SEED = "vit", "digits", 0
# Float32 in two processes, with and without oneDNN's reordered sums.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Answer:
    """One picture's way over HTTP."""

    picture: Path
    true_label: str
    label: str
    probability: float
    milliseconds: float
    in_process_label: str
    difference: float  # largest, over all class probabilities

    @property
    def agrees(self) -> bool:
        """Whether the server said what the model in this process says."""
        return self.label == self.in_process_label and self.difference <= TOLERANCE


@dataclass(frozen=True)
class Demo:
    """What the demo made."""

    run: training.Run
    version_folder: Path
    attention_path: Path
    answers: list[Answer]
    training_seconds: float


def run_demo(folder: Path, epochs: int | None = None, say=print) -> Demo:
    """Train, export, serve and ask.

    Args:
        folder: Where run, export and pictures go; an earlier demo there is replaced.
        epochs: Epochs of training; default the recipe's.
        say: Called with a line at the start of every step.
    """
    folder = Path(folder)
    settings = training.recipe(MODEL, DATASET) | {"seed": SEED}
    if epochs is not None:
        settings["epochs"] = epochs
    config = training.TrainConfig(**settings)
    info = datasets.info(DATASET)

    say(f"1/4  train a Vision Transformer on {info.split_sizes['train']:,} handwritten digits")
    started = time.perf_counter()
    run = training.train(config, folder / "run", overwrite=True)
    training_seconds = time.perf_counter() - started

    say("2/4  export it with its preprocessing and labels")
    version_folder = export(run, folder / "served")

    say("3/4  serve it on a free port and send ten test images as PNG")
    images, labels = datasets.load_arrays(DATASET, "test")
    chosen = one_of_each_class(labels)
    pictures = write_pictures(folder / "images", images[chosen], labels[chosen], info.class_names)
    model = keras.saving.load_model(run.model_path, compile=False)
    pixels = images[chosen].astype("float32") / 255
    in_process = keras.ops.convert_to_numpy(keras.ops.softmax(model(pixels, training=False)))
    answers = []
    with running(folder / "served") as url, Client(url) as client:
        for picture, label, expected in zip(pictures, labels[chosen], in_process, strict=True):
            sent = time.perf_counter()
            (answer,) = client.predict_images(version_folder.parent.name, picture)
            answers.append(
                Answer(
                    picture=picture,
                    true_label=info.class_names[label],
                    label=answer["label"],
                    probability=answer["probability"],
                    milliseconds=1000 * (time.perf_counter() - sent),
                    in_process_label=info.class_names[int(expected.argmax())],
                    difference=float(np.abs(np.array(answer["probabilities"]) - expected).max()),
                )
            )

    say("4/4  draw where the class token looks")
    attention_path = folder / "attention.png"
    inspection.save_attention(
        attention_path,
        pixels,
        inspection.class_token_attention(model, pixels),
        [f"{a.true_label} → {a.label}" for a in answers],
    )
    return Demo(run, version_folder, attention_path, answers, training_seconds)


def one_of_each_class(labels: np.ndarray) -> np.ndarray:
    """Return the index of the first example of each class."""
    return np.array([np.flatnonzero(labels == label)[0] for label in np.unique(labels)])


def write_pictures(folder: Path, images, labels, class_names) -> list[Path]:
    """Write each image as PNG, named by its true class."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for image, label in zip(images, labels, strict=True):
        path = folder / f"digit-{class_names[label]}.png"
        path.write_bytes(to_png_bytes(image))
        paths.append(path)
    return paths
