"""Train a network by its config and leave a run folder."""

import contextlib
import os
import sys
import time
from typing import Any

import keras
import numpy as np

import kerasdl
from kerasdl import datasets
from kerasdl.backend import make_deterministic
from kerasdl.callbacks import BestWeights, ProgressBar
from kerasdl.datasets.augment import shift_and_flip
from kerasdl.datasets.pipelines import from_arrays
from kerasdl.training.checkpoint import Checkpoint
from kerasdl.training.config import TrainConfig
from kerasdl.training.environment import environment
from kerasdl.training.evaluation import evaluate_model
from kerasdl.training.reports import save_confusion_matrix, save_learning_curve
from kerasdl.training.run import Run
from kerasdl.training.tasks import task_of


def train(
    config: TrainConfig,
    folder: str | os.PathLike,
    *,
    resume: bool = False,
    overwrite: bool = False,
    data_dir: str | os.PathLike | None = None,
    callbacks: list[keras.callbacks.Callback] | None = None,
) -> Run:
    """Train, evaluate on the test split, and write the run folder.

    Args:
        config: The settings.
        folder: The run folder.
        resume: Go on with an unfinished run in `folder`; a run that does not exist yet begins.
        overwrite: Start again where `folder` holds a run.
        data_dir: Folder of prepared data sets; default TFDS's own.
        callbacks: Further callbacks, e.g. for live plots. They see each epoch that is computed.

    Returns:
        The complete run.

    Raises:
        InputError: If the settings cannot be used, or the folder holds something else; nothing is
            changed then.

    Differences between runs: none for the same config, machine and versions; a run that was killed
    and resumed ends with the same numbers as an unbroken one.
    """
    run, task = Run(folder), task_of(config, data_dir)
    task.build()  # so that what does not fit is found before anything is written
    run.begin(config, environment(), resume=resume, overwrite=overwrite)
    if run.complete:
        return run
    fresh_session(config.seed)
    model = task.build()  # again, with the seed set
    splits = {split: task.arrays(model, split) for split in ("train", "validation", "test")}
    steps = len(splits["train"][1]) // config.batch_size
    compile_model(model, config, steps)

    best = BestWeights("val_accuracy", config.patience)
    checkpoint = Checkpoint(run, best)
    start_epoch = checkpoint.restore(model)
    started = time.perf_counter()
    if start_epoch < config.epochs and not best.exhausted(start_epoch - 1):
        with contextlib.redirect_stdout(sys.stderr):  # Keras prints notices; stdout is for results
            model.fit(
                batches(config, *splits["train"], start_epoch),
                epochs=config.epochs,
                initial_epoch=start_epoch,
                steps_per_epoch=steps,
                validation_data=in_order(*splits["validation"]),
                callbacks=[
                    ProgressBar(config.epochs, start_epoch),
                    keras.callbacks.TensorBoard(run.logs_path, write_graph=False),
                    best,
                    checkpoint,
                    *(callbacks or []),
                ],
                shuffle=False,  # the pipeline has shuffled
                verbose=0,
            )
    else:
        best.set_model(model)
        best.on_train_end()
    seconds = time.perf_counter() - started
    _finish(run, config, model, checkpoint, splits["test"], seconds, start_epoch)
    return run


def build(config: TrainConfig, data_dir: str | os.PathLike | None = None) -> keras.Model:
    """Return the untrained network of a config.

    Raises:
        InputError: If there is no such network, or it does not take the arguments or the data.
    """
    return task_of(config, data_dir).build()


def compile_model(
    model: keras.Model, config: TrainConfig, steps: int, library: Any = kerasdl
) -> None:
    """Give the model its loss, optimiser and schedule.

    Args:
        model: The network.
        config: The settings.
        steps: Optimiser steps in an epoch.
        library: Where loss and optimiser come from; `keras` for the built-ins.
    """
    warmup = round(config.warmup_epochs * steps)
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else config.learning_rate,
        decay_steps=max(1, config.epochs * steps - warmup),
        alpha=0.01,
        warmup_target=config.learning_rate if warmup else None,
        warmup_steps=warmup,
    )
    model.compile(
        optimizer=library.optimizers.Adam(schedule, weight_decay=config.weight_decay or None),
        loss=library.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.optimizer.build(model.trainable_variables)


def fresh_session(seed: int) -> None:
    """Make the run depend on its seed alone, not on what the process did before."""
    keras.utils.clear_session()  # names of layers count from 0 again
    keras.utils.set_random_seed(seed)
    make_deterministic()


def batches(config: TrainConfig, inputs: np.ndarray, labels: np.ndarray, start_epoch: int = 0):
    """Return the training batches of all epochs from `start_epoch` on, as the config has them.

    Args:
        config: The settings.
        inputs: All training examples.
        labels: Their labels.
        start_epoch: First epoch to deliver, counted from 0.
    """
    augment = None
    if config.max_shift or config.flip:
        augment = shift_and_flip(config.max_shift, config.flip)
    return from_arrays(
        inputs,
        labels,
        config.batch_size,
        shuffle=True,
        seed=config.seed,
        epochs=config.epochs,
        start_epoch=start_epoch,
        drop_remainder=True,  # one shape of batch: one compilation
        augment=augment,
    )


def in_order(inputs: np.ndarray, labels: np.ndarray):
    """Return batches of all examples once, as they are stored."""
    return from_arrays(
        inputs,
        labels,
        256,
        shuffle=False,
        seed=0,
        epochs=1,
        start_epoch=0,
        drop_remainder=False,
        augment=None,
    )


def _finish(run, config, model, checkpoint, test_split, seconds, start_epoch):
    """Write the model, the pictures and, last, the results."""
    info = datasets.info(config.dataset)
    measured = evaluate_model(model, *test_split)
    temporary = run.folder / ".model.part.keras"
    model.save(temporary)
    os.replace(temporary, run.model_path)
    save_learning_curve(run.learning_curve_path, checkpoint.rows, checkpoint.best.best_epoch + 1)
    save_confusion_matrix(run.confusion_matrix_path, measured.confusion, info.class_names)
    run.finish(
        {
            "test_accuracy": measured.accuracy,
            "test_balanced_accuracy": measured.balanced_accuracy,
            "test_loss": measured.loss,
            "test_examples": measured.examples,
            "best_epoch": checkpoint.best.best_epoch + 1,
            "best_val_accuracy": checkpoint.best.best,
            "epochs": len(checkpoint.rows),
            "parameters": model.count_params(),
            "seconds": round(seconds, 1),  # of this process, from `resumed_at_epoch` on
            "resumed_at_epoch": start_epoch,
        }
    )
