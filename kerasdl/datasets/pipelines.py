"""Input pipelines: batches whose content depends on the seed, the epoch and the batch alone."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasdl.datasets import catalog, storage
from kerasdl.errors import InputError

if TYPE_CHECKING:
    import tensorflow as tf

# One seed, two streams of random numbers that must not meet.
_SHUFFLE_STREAM, _AUGMENT_STREAM = 0, 1
_INT32 = np.iinfo(np.int32)


def pipeline(
    name: str,
    split: str,
    batch_size: int,
    *,
    shuffle: bool = False,
    seed: int = 0,
    epochs: int = 1,
    start_epoch: int = 0,
    drop_remainder: bool = False,
    augment: Callable[[Any, Any], Any] | None = None,
    data_dir: str | os.PathLike[str] | None = None,
) -> "tf.data.Dataset":
    """Make the batches of the epochs `start_epoch` to `epochs - 1`, one epoch after the other.

    The order of the images is a pure function of (seed, epoch, position), and the augmentation
    of (seed, epoch, batch). No state is carried along, so a run that starts at epoch k sees
    exactly what an unbroken run sees from epoch k on. No batch holds images of two epochs.

    Args:
        name: Name of the dataset, one of `available()`.
        split: "train", "validation" or "test".
        batch_size: Images per batch; the last batch of an epoch may be smaller.
        shuffle: Whether each epoch has an order of its own; else the stored order.
        seed: Determines order and augmentation; any 32-bit integer.
        epochs: Total number of epochs.
        start_epoch: First epoch to deliver, counted from 0.
        drop_remainder: Whether to leave out a last batch that is not full.
        augment: Function of (images (B, H, W, C) float32 in [0, 1], seed (2,) int32) that returns
            images of the same shape and type, for example `augment.shift_and_flip(1, False)`.
        data_dir: Root folder of prepared datasets; None for TFDS's default.

    Returns:
        A `tf.data.Dataset` of images (B, H, W, C) float32 in [0, 1] and labels (B,) int32. Its
        cardinality is known.

    Raises:
        InputError: If an argument cannot be used, or the data cannot be had.

    Example:
        >>> batches = pipeline("digits", "train", 32, shuffle=True, seed=1, epochs=2)
        >>> images, labels = next(iter(batches))
        >>> images.shape.as_list(), labels.dtype.name, len(batches)
        ([32, 8, 8, 1], 'int32', 82)
    """
    catalog.check_split(catalog.info(name), split)
    batch_size = storage.check_integer("batch_size", batch_size, minimum=1)
    epochs = storage.check_integer("epochs", epochs, minimum=1)
    start_epoch = storage.check_integer("start_epoch", start_epoch, minimum=0)
    seed = storage.check_integer("seed", seed, minimum=_INT32.min)
    if seed > _INT32.max:
        raise InputError(f"`seed` must be at most {_INT32.max}, received {seed}.")
    if start_epoch >= epochs:
        raise InputError(
            f"`start_epoch` must be less than `epochs` ({epochs}), received {start_epoch}."
        )
    if augment is not None and not callable(augment):
        raise InputError(f"`augment` must be a function (images, seed), received {augment!r}.")

    images, labels = storage.load_arrays(name, split, data_dir)
    if drop_remainder and batch_size > len(labels):
        raise InputError(
            f"`batch_size` must be at most {len(labels)}, the size of the split {split!r} of "
            f"{name!r}, when `drop_remainder` is set; received {batch_size}."
        )
    return from_arrays(
        images,
        labels,
        batch_size,
        shuffle=shuffle,
        seed=seed,
        epochs=epochs,
        start_epoch=start_epoch,
        drop_remainder=drop_remainder,
        augment=augment,
    )


def from_arrays(
    inputs: Any,
    targets: np.ndarray,
    batch_size: int,
    *,
    weights: np.ndarray | None = None,
    shuffle: bool,
    seed: int,
    epochs: int,
    start_epoch: int,
    drop_remainder: bool,
    augment: Callable[[Any, Any], Any] | None,
    augment_targets: bool = False,
) -> "tf.data.Dataset":
    """Make the same batches from arrays in memory; the arguments are taken as checked.

    Args:
        inputs: An array (N, …), or a tuple of them. Pixels, uint8 (N, H, W, C), become float32 in
            [0, 1]; other numbers are handed out as they are.
        targets: (N, …) int32: labels, or one for each step of a sequence.
        batch_size: As in `pipeline`, like all further arguments but the next.
        weights: How much each target counts, in the shape of the targets; None counts all alike.
        shuffle: See `pipeline`.
        seed: See `pipeline`.
        epochs: See `pipeline`.
        start_epoch: See `pipeline`.
        drop_remainder: See `pipeline`.
        augment: See `pipeline`; only for inputs that are one array.
        augment_targets: Whether the targets are maps of the images, (N, H, W), which move as these
            do. `augment` must then only choose pixels, as `augment.shift_and_flip` does.

    Returns:
        A `tf.data.Dataset` of inputs and targets, and of weights where there are any.

    Raises:
        InputError: If `augment` changes the shape or the type of the images.
    """
    import tensorflow as tf

    count = len(targets)
    batches = count // batch_size if drop_remainder else -(-count // batch_size)
    static_size = batch_size if drop_remainder or count % batch_size == 0 else None
    with tf.device("CPU:0"):  # a copy in a GPU's memory would be fetched back for every batch
        everything = [tf.nest.map_structure(tf.constant, inputs), tf.constant(targets, tf.int32)]
        if weights is not None:
            everything.append(tf.constant(weights, tf.float32))

    def fold(key, value):
        # The algorithm is named because the default may differ between devices.
        return tf.random.experimental.stateless_fold_in(key, tf.cast(value, tf.int64), alg="philox")

    def rows(array, index):
        batch = tf.gather(array, index)
        batch = tf.cast(batch, tf.float32) / 255.0 if array.dtype == tf.uint8 else batch
        return tf.ensure_shape(batch, [static_size, *array.shape[1:]])

    # `step` counts the batches of all epochs from 0; everything follows from it. Not converted by
    # AutoGraph, which would hide an error of `augment` in one of its own.
    @tf.autograph.experimental.do_not_convert
    def batch_at(step):
        epoch, batch = step // batches, step % batches
        start = batch * batch_size
        index = tf.range(start, tf.minimum(start + batch_size, count))  # (B,)
        if shuffle:
            order = fold(tf.constant([seed, _SHUFFLE_STREAM], tf.int32), epoch)
            last = tf.constant(count - 1, tf.int64)
            index = tf.random.experimental.index_shuffle(index, order, last)
        first, *rest = tf.nest.map_structure(lambda array: rows(array, index), everything)
        if augment is not None:
            key = fold(fold(tf.constant([seed, _AUGMENT_STREAM], tf.int32), epoch), batch)
            first = _same_kind(augment(first, key), first)
            if augment_targets:  # the same seed: the same shift
                rest[0] = augment(rest[0][..., tf.newaxis], key)[..., 0]
        return first, *rest

    steps = tf.data.Dataset.range(start_epoch * batches, epochs * batches)
    batched = steps.map(batch_at, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return batched.prefetch(tf.data.AUTOTUNE)


def _same_kind(after: Any, before: Any) -> Any:
    """Return what `augment` made if it is still a batch of images of the same kind."""
    import tensorflow as tf

    after = tf.convert_to_tensor(after)
    if after.dtype != before.dtype or not after.shape.is_compatible_with(before.shape):
        raise InputError(
            f"`augment` must return images of shape {before.shape} and type {before.dtype.name}, "
            f"received shape {after.shape} and type {after.dtype.name}."
        )
    return tf.ensure_shape(after, before.shape)
