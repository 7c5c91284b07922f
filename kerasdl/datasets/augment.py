"""Augmentations for `pipeline(augment=…)`: random, but a pure function of images and seed."""

from collections.abc import Callable
from typing import Any

from kerasdl.datasets.storage import check_integer
from kerasdl.errors import InputError


def shift_and_flip(max_shift: int = 0, flip: bool = False) -> Callable[[Any, Any], Any]:
    """Make an augmentation that moves each image by whole pixels and mirrors half of them.

    Each image is drawn for on its own: a shift down and a shift right, each uniform in
    -max_shift … max_shift, and left-right mirroring with probability 1/2. What moves out is cut
    off, what is uncovered is 0. All of it is one selection of rows and one of columns from the
    padded image: no arithmetic on pixels, so their values stay what they were.

    Args:
        max_shift: Largest shift in pixels, along each axis.
        flip: Whether to mirror; leave it out where left and right differ, as in digits.

    Returns:
        A function of (images (B, H, W, C), seed (2,) int32) that returns images of the same
        shape and type.

    Raises:
        InputError: If `max_shift` is not an integer of at least 0 or `flip` is not a bool; when
            called, if an image is not larger than `max_shift`.

    Example:
        >>> import tensorflow as tf
        >>> images = tf.reshape(tf.range(1.0, 10.0), (1, 3, 3, 1))
        >>> shift_and_flip(1, flip=True)(images, tf.constant([0, 7])).shape.as_list()
        [1, 3, 3, 1]
    """
    max_shift = check_integer("max_shift", max_shift, minimum=0)
    if not isinstance(flip, bool):
        raise InputError(f"`flip` must be True or False, received {flip!r}.")

    def augment(images, seed):
        import tensorflow as tf

        height, width = images.shape[1:3]
        if max_shift >= min(height, width):
            raise InputError(
                f"`max_shift` must be less than the image's height and width, {height} and "
                f"{width}; received {max_shift}."
            )
        count = tf.shape(images)[0]
        # One draw per image: (rows, columns) of the window's corner in the padded image, mirror.
        corner_seed, flip_seed = tf.unstack(tf.random.split(seed, 2, alg="philox"))
        corner = tf.random.stateless_uniform(
            (count, 2), corner_seed, 0, 2 * max_shift + 1, tf.int32, alg="philox"
        )
        rows = corner[:, :1] + tf.range(height)  # (B, H)
        columns = tf.range(width)[tf.newaxis]  # (1, W)
        if flip:
            mirrored = tf.random.stateless_uniform(
                (count, 1), flip_seed, 0, 2, tf.int32, alg="philox"
            )
            columns = tf.where(mirrored == 1, width - 1 - columns, columns)  # (B, W)
        columns = corner[:, 1:] + columns  # (B, W)

        border = [max_shift, max_shift]
        padded = tf.pad(images, [[0, 0], border, border, [0, 0]])
        moved = tf.gather(padded, rows, axis=1, batch_dims=1)  # (B, H, W + 2s, C)
        return tf.gather(moved, columns, axis=2, batch_dims=1)  # (B, H, W, C)

    return augment
