"""Sequences of unequal length: filled up to one array, and in batches of about equal length.

A batch is as long as its longest sequence. One long sentence among short ones would make all of
them long; sorted by length first, most of the padding goes.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasdl.errors import InputError

if TYPE_CHECKING:
    import tensorflow as tf


def fill_up(sequences: Sequence[Sequence[int]], length: int | None = None) -> np.ndarray:
    """Write sequences into one array, 0 behind their ends.

    Args:
        sequences: N sequences of integers.
        length: Of the array; what is longer is cut. By default that of the longest sequence.

    Returns:
        (N, length) int32.

    Example:
        >>> fill_up([[5, 6], [7]]).tolist()
        [[5, 6], [7, 0]]
    """
    if length is None:
        length = max(map(len, sequences), default=0)
    filled = np.zeros((len(sequences), length), np.int32)
    for row, sequence in zip(filled, sequences, strict=True):
        row[: len(sequence)] = sequence[:length]
    return filled


def by_length(
    inputs: tuple[np.ndarray, ...],
    targets: np.ndarray,
    weights: np.ndarray,
    lengths: np.ndarray,
    boundaries: Iterable[int],
    batch_size: int,
    *,
    shuffle: bool,
    seed: int,
    epochs: int,
    start_epoch: int,
    drop_remainder: bool,
) -> "tf.data.Dataset":
    """Make batches of sequences that are about equally long.

    A batch holds sequences between two neighbouring boundaries and is cut at the upper one, so that
    there are as many shapes, and compilations, as boundaries. The order is a pure function of seed
    and epoch, as in `pipeline`.

    Args:
        inputs: Arrays (N, T).
        targets: (N, T).
        weights: How much each target counts, (N, T).
        lengths: (N,): behind which step there is nothing but padding.
        boundaries: Lengths of the batches, ascending.
        batch_size: Sequences in a batch.
        shuffle: Whether each epoch has an order of its own; else the stored order, by length.
        seed: Determines the order.
        epochs: Total number of epochs.
        start_epoch: First epoch to deliver, counted from 0.
        drop_remainder: Whether to leave out, for each length, a last batch that is not full.

    Returns:
        A `tf.data.Dataset` of inputs, targets and weights. Its cardinality is known.

    Raises:
        InputError: If a sequence is longer than the last boundary.

    Example:
        >>> x = np.array([[1, 0, 0], [1, 2, 3], [4, 0, 0]])
        >>> how = dict(shuffle=False, seed=0, epochs=1, start_epoch=0, drop_remainder=False)
        >>> batches = by_length((x,), x, x > 0, np.array([1, 3, 1]), [1, 3], 2, **how)
        >>> [targets.numpy().tolist() for _, targets, _ in batches]
        [[[1], [4]], [[1, 2, 3]]]
    """
    import tensorflow as tf

    boundaries = np.asarray(list(boundaries))
    if len(lengths) and lengths.max() > boundaries[-1]:
        raise InputError(
            f"`boundaries` must reach the longest sequence, {lengths.max()}; received "
            f"{boundaries.tolist()}."
        )
    how = (lengths, boundaries, batch_size)

    def batches():
        for epoch in range(start_epoch, epochs):
            rng = np.random.default_rng([seed % 2**32, epoch]) if shuffle else None
            for rows, length in plan(*how, rng, drop_remainder):
                yield (
                    tuple(array[rows, :length] for array in inputs),
                    targets[rows, :length],
                    weights[rows, :length].astype("float32"),
                )

    an_epoch = len(plan(*how, None, drop_remainder))
    size = batch_size if drop_remainder else None

    def spec(dtype):
        return tf.TensorSpec([size, None], dtype)

    dataset = tf.data.Dataset.from_generator(
        batches,
        output_signature=(
            tuple(spec(array.dtype) for array in inputs),
            spec(targets.dtype),
            spec(tf.float32),
        ),
    )
    dataset = dataset.apply(
        tf.data.experimental.assert_cardinality(an_epoch * (epochs - start_epoch))
    )
    return dataset.prefetch(2)


def plan(
    lengths: np.ndarray,
    boundaries: np.ndarray,
    batch_size: int,
    rng: np.random.Generator | None,
    drop_remainder: bool,
) -> list[tuple[np.ndarray, Any]]:
    """Say which sequences are in which batch of an epoch.

    Args:
        lengths: (N,) of the sequences.
        boundaries: Lengths of the batches, ascending.
        batch_size: Sequences in a batch.
        rng: Draws the order; None keeps the stored one.
        drop_remainder: Whether to leave out, for each length, a last batch that is not full.

    Returns:
        Rows and length of each batch. There are equally many for each order.
    """
    order = np.arange(len(lengths)) if rng is None else rng.permutation(len(lengths))
    bucket = np.searchsorted(boundaries, lengths[order])
    batches = []
    for which, length in enumerate(boundaries):
        rows = order[bucket == which]
        end = len(rows) // batch_size * batch_size if drop_remainder else len(rows)
        batches += [(rows[i : i + batch_size], length) for i in range(0, end, batch_size)]
    if rng is not None:
        batches = [batches[i] for i in rng.permutation(len(batches))]
    return batches
