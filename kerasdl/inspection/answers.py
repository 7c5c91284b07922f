"""Pictures of what a server answered to `explain`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kerasdl.errors import InputError
from kerasdl.inspection.explanation_plots import save_explanation
from kerasdl.inspection.scenes import save_boxes, save_masks

SEEN = ("image", "attention", "rollout", "grad_cam", "saliency")


def draw_answers(
    folder: Path, names: Sequence[str | Path], answers: Sequence[Mapping[str, Any]]
) -> list[Path]:
    """Draw where a served network looked.

    Args:
        folder: Where the PNGs go.
        names: The pictures that were sent.
        answers: What the signature `explain` said of each.

    Returns:
        The files.

    Raises:
        InputError: If the answers hold no picture and no map of it.
    """
    if "image" not in answers[0]:
        raise InputError(
            f"The model explains nothing that can be drawn; it answers {', '.join(answers[0])}."
        )
    seen = {
        name: np.array([answer[name] for answer in answers], "float32")
        for name in SEEN
        if name in answers[0]
    }
    titles = [
        f"{answer['label']}, {answer['probability']:.0%}" if "label" in answer else ""
        for answer in answers
    ]
    paths = save_explanation(folder, seen, file_names(names), titles)
    images = seen["image"]
    if "mask" in answers[0]:
        paths.append(Path(folder) / "masks.png")
        masks = np.array([answer["mask"] for answer in answers])
        save_masks(paths[-1], images, masks, None, answers[0]["labels"])
    if "boxes" in answers[0]:
        paths.append(Path(folder) / "boxes.png")
        kinds = sorted({label for answer in answers for label in answer["labels"]} - {""})
        found = [_found(answer, kinds, images.shape[1:3]) for answer in answers]
        save_boxes(paths[-1], images, found, None, kinds)
    return paths


def _found(answer, kinds, size):
    """Return boxes in pixels, numbers of classes and scores, as `save_boxes` takes them."""
    there = [i for i, label in enumerate(answer["labels"]) if label]
    boxes = np.array(answer["boxes"])[there].reshape(-1, 4) * np.tile(size, 2)
    classes = [kinds.index(answer["labels"][i]) for i in there]
    return boxes, classes, [answer["scores"][i] for i in there]


def file_names(paths: Sequence[str | Path]) -> list[str]:
    """Return the names of files without folder and ending, numbered where they are alike.

    Example:
        >>> file_names(["a/x.png", "b/x.png", "y.jpg"])
        ['x-1', 'x-2', 'y']
    """
    stems = [Path(path).stem for path in paths]
    alike, seen, names = Counter(stems), Counter(), []
    for stem in stems:
        seen[stem] += 1
        names.append(f"{stem}-{seen[stem]}" if alike[stem] > 1 else stem)
    return names
