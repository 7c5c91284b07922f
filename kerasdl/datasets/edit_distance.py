"""How many edits lie between two sequences."""

from collections.abc import Sequence

import numpy as np


def edit_distances(said: Sequence[Sequence[str]], truth: Sequence[Sequence[str]]) -> list[int]:
    r"""Count insertions, deletions and substitutions from each sequence to its twin.

    Args:
        said: N sequences of strings.
        truth: N sequences of strings.

    Returns:
        N numbers.

    Source:
        Levenshtein, 1966, Binary Codes Capable of Correcting Deletions, Insertions and Reversals.

    Example:
        >>> edit_distances([["K", "AE", "T"], []], [["K", "AH", "T", "S"], ["B"]])
        [2, 1]
    """
    import tensorflow as tf

    sparse = [tf.ragged.constant(list(x), dtype=tf.string).to_sparse() for x in (said, truth)]
    distances = tf.edit_distance(*sparse, normalize=False).numpy()
    # Behind the last sequences that are empty the sparse form does not know that there are more.
    distances = np.pad(distances, (0, len(said) - len(distances)))
    return [int(d) for d in distances]
