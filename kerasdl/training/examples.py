"""A split as arrays, and the batches that a network is trained and measured on."""

import contextlib
from typing import Any, NamedTuple

import numpy as np

from kerasdl.backend import sizes_are_few
from kerasdl.datasets.augment import shift_and_flip
from kerasdl.datasets.pipelines import from_arrays
from kerasdl.datasets.sequences import by_length, plan
from kerasdl.errors import InputError
from kerasdl.training.config import TrainConfig


class Examples(NamedTuple):
    """A split as arrays.

    Attributes:
        inputs: What the network takes: an array (N, …) or a tuple of them. Pixels are uint8.
        targets: What it is to say, (N, …) int32: one label, or one for each step or pixel.
        weights: 1 where a target counts, 0 where it is padding; None: all count.
        lengths: Where sequences are to be batched by length: (N,), behind which step there is
            nothing but padding.
        boundaries: Lengths of the batches then.
        maps: Whether the targets are maps of the pictures, which move as these do.
        loops: Whether the network has loops over the steps, which are worth a compilation for
            each length.
    """

    inputs: Any
    targets: np.ndarray
    weights: np.ndarray | None = None
    lengths: np.ndarray | None = None
    boundaries: tuple[int, ...] = ()
    maps: bool = False
    loops: bool = True


def steps_in_epoch(config: TrainConfig, examples: Examples) -> int:
    """Return how many batches an epoch has, none of them smaller than the others.

    Raises:
        InputError: If there is not one.
    """
    if examples.lengths is None:
        return len(examples.targets) // config.batch_size  # the config has checked it
    boundaries = np.asarray(examples.boundaries)
    steps = len(plan(examples.lengths, boundaries, config.batch_size, None, drop_remainder=True))
    if not steps:
        raise InputError(
            f"`batch_size` must be so small that {config.dataset!r} has as many training examples "
            f"of about the same length; received {config.batch_size}."
        )
    return steps


def compiled_by_length(examples: Examples):
    """Return the context in which a network is trained and measured on such examples.

    Batches of a few lengths are worth a compilation each: a training step of the tagger took 20 ms
    then, 31 ms with loops that run operation by operation. Without loops they are not: a
    Transformer of three layers took most of a minute to compile, and ran no faster.
    """
    if examples.lengths is None or not examples.loops:
        return contextlib.nullcontext()
    return sizes_are_few()


def batches(config: TrainConfig, examples: Examples, start_epoch: int = 0):
    """Return the training batches of all epochs from `start_epoch` on, as the config has them.

    Args:
        config: The settings.
        examples: The training split.
        start_epoch: First epoch to deliver, counted from 0.
    """
    how = {
        "shuffle": True,
        "seed": config.seed,
        "epochs": config.epochs,
        "start_epoch": start_epoch,
        "drop_remainder": True,  # one shape of batch: one compilation
    }
    augment = None
    if config.max_shift or config.flip:
        augment = shift_and_flip(config.max_shift, config.flip)
    return _batches(examples, config.batch_size, how, augment)


def in_order(examples: Examples, batch_size: int = 256):
    """Return batches of all examples once, as they are stored, or by length."""
    how = {
        "shuffle": False,
        "seed": 0,
        "epochs": 1,
        "start_epoch": 0,
        "drop_remainder": False,
    }
    return _batches(examples, batch_size, how, None)


def _batches(examples, batch_size, how, augment):
    inputs, targets, weights, lengths, boundaries, maps, _ = examples
    if lengths is not None:
        return by_length(inputs, targets, weights, lengths, boundaries, batch_size, **how)
    how |= {"weights": weights, "augment": augment, "augment_targets": maps}
    return from_arrays(inputs, targets, batch_size, **how)
