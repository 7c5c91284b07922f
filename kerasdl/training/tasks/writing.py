"""What the tasks share whose networks write: written out, put in words, compared with the truth."""

import numpy as np
from keras import ops

from kerasdl.datasets.edit_distance import edit_distances
from kerasdl.models.decoding import TARGET_RESERVED

BEAM = 4  # width of the beam that is measured beside the greedy search


def generate(model, inputs, width=1, batch_size=512) -> np.ndarray:
    """Write the sequences of many inputs, batch by batch.

    Args:
        model: A `SequenceWriter`.
        inputs: (N, …).
        width: Of the beam.
        batch_size: Inputs at a time.

    Returns:
        Tokens (N, length), of a beam the best.
    """
    written = []
    for start in range(0, len(inputs), batch_size):
        tokens = model.generate(inputs[start : start + batch_size], width=width)
        tokens = tokens if width == 1 else tokens[0][:, 0]
        written.append(ops.convert_to_numpy(tokens))
    return np.concatenate(written)


def in_words(tokens: np.ndarray, vocabulary: list[str]) -> list[list[str]]:
    """Return written tokens (N, T) as words.

    Example:
        >>> in_words(np.array([[4, 3, 0]]), ["a", "b"])
        [['b', 'a']]
    """
    return [[vocabulary[k - TARGET_RESERVED] for k in row if k] for row in tokens.tolist()]


def error_shares(said: list[list[str]], truth: list[list[list[str]]]) -> dict[str, float]:
    """Compare what was said with the nearest of what would be right.

    Args:
        said: Phonemes of each word.
        truth: All pronunciations of each word.

    Returns:
        `phoneme_error`: edits of all words over the phonemes that would have been right;
        `word_error`: share of words with an edit.

    Example:
        >>> error_shares([["R", "EH", "T"]], [[["R", "IY", "D"], ["R", "EH", "D"]]])
        {'phoneme_error': 0.333..., 'word_error': 1.0}
    """
    pairs = [(s, one) for s, word in zip(said, truth, strict=True) for one in word]
    distances = iter(edit_distances(*zip(*pairs, strict=True)))
    edits, right, wrong = 0, 0, 0
    for word in truth:
        distance, size = min((next(distances), len(one)) for one in word)
        edits, right, wrong = edits + distance, right + size, wrong + (distance > 0)
    return {"phoneme_error": edits / right, "word_error": wrong / len(truth)}
