"""Prepared TFDS files as NumPy arrays: one array a feature, in the order of the files."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasdl.errors import InputError

_READ_BATCH = 2048


def read_examples(builder: Any, split: str, features: Sequence[str]) -> dict[str, np.ndarray]:
    """Read one split of a prepared TFDS dataset into memory.

    Args:
        builder: A prepared `tfds.core.DatasetBuilder`.
        split: Name of the split.
        features: Names of the features to return.

    Returns:
        Feature to its values, as `load_examples` describes them.

    Raises:
        InputError: If the files are damaged.
    """
    import tensorflow as tf
    import tensorflow_datasets as tfds

    # One file after the other: with several shards TFDS would otherwise mix them.
    config = tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False)
    expected = builder.info.splits[split].num_examples
    parts: dict[str, list] = {feature: [] for feature in features}
    try:
        dataset = builder.as_dataset(split=split, read_config=config)
        # Like `batch` where all shapes are equal; a ragged tensor where they are not.
        for batch in dataset.ragged_batch(_READ_BATCH):
            for feature in features:
                parts[feature].append(_rows(batch[feature]))
    except (tf.errors.OpError, OSError) as error:
        reason = getattr(error, "message", str(error))
        raise InputError(_damaged(builder, split, reason)) from error
    count = sum(map(len, parts[features[0]]))
    if count != expected:
        raise InputError(_damaged(builder, split, f"{count} examples instead of {expected}"))
    return {feature: _joined(batches) for feature, batches in parts.items()}


def _rows(values: Any) -> Any:
    """Return an array, or a list where the rows of a tensor are texts or differ in shape."""
    import tensorflow as tf

    if isinstance(values, tf.RaggedTensor):
        inner, ends = _rows(values.values), values.row_splits.numpy()
        return [inner[start:end] for start, end in itertools.pairwise(ends)]
    if values.dtype == tf.string:
        return [text.decode() for text in values.numpy().tolist()]
    array = values.numpy()
    return array.astype(np.int32) if array.dtype == np.int64 else array


def _joined(batches: list) -> np.ndarray:
    if isinstance(batches[0], np.ndarray):
        return np.concatenate(batches)
    rows = list(itertools.chain.from_iterable(batches))
    # Filled one by one: NumPy would make a matrix of rows that happen to be of equal length.
    objects = np.empty(len(rows), dtype=object)
    for index, row in enumerate(rows):
        objects[index] = row
    return objects


def _damaged(builder: Any, split: str, reason: str) -> str:
    return (
        f"The split {split!r} in {builder.data_dir} cannot be read: {reason}. "
        "Remove that folder; the dataset is then prepared again."
    )
