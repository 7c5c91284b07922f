"""Datasets in numbers and in a few lines: what `kerasdl data show` prints."""

from collections import Counter
from typing import Any

import numpy as np

from kerasdl.datasets.brown_tags import UNIVERSAL_TAGS, universal
from kerasdl.datasets.dataset_info import DatasetInfo

_TEXT_WIDTH = 200


def class_counts(info: DatasetInfo, examples: dict[str, Any]) -> list[tuple[str, int]]:
    """Count the classes of a split.

    Args:
        info: The dataset.
        examples: What `load_examples` returned.

    Returns:
        Class names and counts: of the examples, of the items of scenes, of the words of tagged
        sentences by universal part of speech; empty where there are no classes.

    Example:
        >>> from kerasdl import datasets
        >>> class_counts(datasets.info("spam_assassin"), {"label": np.array([0, 1, 0])})
        [('ham', 2), ('spam', 1)]
    """
    if info.kind == "tagged":
        fine = Counter(tag for tags in examples["tags"] for tag in tags)
        coarse = dict.fromkeys(UNIVERSAL_TAGS, 0)
        for tag, count in fine.items():
            coarse[universal(tag)] += count
        return list(coarse.items())
    if not info.class_names:
        return []
    labels = examples["label"] if "label" in examples else np.concatenate(examples["classes"])
    counts = np.bincount(labels, minlength=info.num_classes)
    return list(zip(info.class_names, counts.tolist(), strict=True))


def lengths(kind: str, examples: dict[str, Any]) -> dict[str, np.ndarray]:
    r"""Measure the examples of a split.

    Args:
        kind: The kind of the dataset.
        examples: What `load_examples` returned.

    Returns:
        What is counted to one number an example; nothing for images.

    Example:
        >>> lengths("texts", {"text": np.array(["Tea\n\nat four"], object)})
        {'words': array([3])}
    """
    counted: dict[str, Any] = {}
    if kind == "texts":
        counted["words"] = [len(text.split()) for text in examples["text"]]
    elif kind == "tagged":
        counted["words"] = [len(words) for words in examples["words"]]
    elif kind == "pairs":
        counted["letters"] = [len(spelling) for spelling in examples["spelling"]]
        counted["phonemes"] = [len(ways[0]) for ways in examples["phonemes"]]
        counted["pronunciations"] = [len(ways) for ways in examples["phonemes"]]
    elif kind == "scenes":
        counted["items"] = [len(classes) for classes in examples["classes"]]
        counted["words of the caption"] = [len(text.split()) for text in examples["caption"]]
    return {what: np.array(numbers) for what, numbers in counted.items()}


def lines(info: DatasetInfo, examples: dict[str, Any], count: int) -> list[tuple[str, str]]:
    """Write the first examples of a dataset of texts, tagged sentences or pairs.

    Args:
        info: The dataset.
        examples: What `load_examples` returned.
        count: How many at most.

    Returns:
        For each example a short and a long text: class and beginning of the text, document and
        words with tags, spelling and pronunciations.

    Example:
        >>> from kerasdl import datasets
        >>> ways = [["T", "AH0", "M", "EY1", "T", "OW2"], ["T", "AH0", "M", "AA1", "T", "OW2"]]
        >>> word = {"spelling": ["tomato"], "phonemes": [ways]}
        >>> lines(datasets.info("cmudict"), word, 1)
        [('tomato', 'T AH0 M EY1 T OW2 | T AH0 M AA1 T OW2')]
    """
    columns = [examples[feature][:count] for feature in info.features]
    if info.kind == "texts":
        return [(info.class_names[label], _shortened(text)) for text, label in zip(*columns)]
    if info.kind == "tagged":
        return [
            (document, _shortened(" ".join(f"{w}/{t}" for w, t in zip(words, tags))))
            for words, tags, document in zip(*columns)
        ]
    return [(spelling, " | ".join(map(" ".join, ways))) for spelling, ways in zip(*columns)]


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _TEXT_WIDTH else f"{text[: _TEXT_WIDTH - 2]} …"
