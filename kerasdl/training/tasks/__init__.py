"""What a network is trained for: one task for each kind of data."""

import os

from kerasdl import datasets
from kerasdl.errors import InputError
from kerasdl.training.config import TrainConfig
from kerasdl.training.tasks.base import Task
from kerasdl.training.tasks.captions import Caption
from kerasdl.training.tasks.detection import Detect
from kerasdl.training.tasks.language import ContinueText
from kerasdl.training.tasks.pictures import ClassifyPictures
from kerasdl.training.tasks.segmentation import Segment
from kerasdl.training.tasks.spelling import Pronounce
from kerasdl.training.tasks.tags import TagWords
from kerasdl.training.tasks.texts import ClassifyTexts
from kerasdl.training.tasks.vectors import PlaceWords

TASKS = (
    ClassifyPictures,
    ClassifyTexts,
    TagWords,
    Pronounce,
    ContinueText,
    PlaceWords,
    Caption,
    Segment,
    Detect,
)


def task_of(config: TrainConfig, data_dir: str | os.PathLike | None = None) -> Task:
    """Return the task of a config.

    Args:
        config: The settings.
        data_dir: Folder of prepared data sets; default TFDS's own.

    Raises:
        InputError: If there is no such network, or it does not take such data.

    Example:
        >>> task_of(TrainConfig(model="mlp", dataset="digits")).kind
        'images'
        >>> task_of(TrainConfig(model="mlp", dataset="brown"))
        Traceback (most recent call last):
        ...
        kerasdl.errors.InputError: `dataset` must be of the kind 'images' for the network 'mlp';
        received 'brown', of the kind 'tagged'.
    """
    for task in TASKS:
        if config.model in task.networks:
            kind = datasets.info(config.dataset).kind
            if kind != task.kind:
                raise InputError(
                    f"`dataset` must be of the kind {task.kind!r} for the network "
                    f"{config.model!r}; received {config.dataset!r}, of the kind {kind!r}."
                )
            return task(config, data_dir)
    known = ", ".join(name for task in TASKS for name in task.networks)
    raise InputError(f"`model` must be one of {known}, received {config.model!r}.")
