"""Train a network by its config and leave a run folder."""

import contextlib
import os
import sys
import time
from typing import Any

import keras

import kerasdl
from kerasdl.backend import make_deterministic
from kerasdl.callbacks import BestWeights, ProgressBar
from kerasdl.optimizers import schedules
from kerasdl.training.checkpoint import Checkpoint
from kerasdl.training.config import TrainConfig
from kerasdl.training.environment import environment
from kerasdl.training.evaluation import Evaluation
from kerasdl.training.examples import (
    Examples,
    batches,
    compiled_by_length,
    in_order,
    steps_in_epoch,
)
from kerasdl.training.reports import save_learning_curve
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
    untrained = task.build()  # so that what does not fit is found before anything is written
    examples, validation = (task.examples(untrained, split) for split in ("train", "validation"))
    steps_in_epoch(config, examples)
    run.begin(config, environment(), resume=resume, overwrite=overwrite)
    if run.complete:
        return run
    fresh_session(config.seed)
    model = task.build()  # again, with the seed set
    steps = compile_model(model, config, examples)

    best = BestWeights("val_accuracy", config.patience)
    checkpoint = Checkpoint(run, best)
    start_epoch = checkpoint.restore(model)
    started = time.perf_counter()
    if start_epoch < config.epochs and not best.exhausted(start_epoch - 1):
        # Keras prints notices; stdout is for results.
        with contextlib.redirect_stdout(sys.stderr), compiled_by_length(examples):
            model.fit(
                batches(config, examples, start_epoch),
                epochs=config.epochs,
                initial_epoch=start_epoch,
                steps_per_epoch=steps,
                validation_data=in_order(validation),
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
    _finish(run, task, model, checkpoint, seconds, start_epoch)
    return run


def build(config: TrainConfig, data_dir: str | os.PathLike | None = None) -> keras.Model:
    """Return the untrained network of a config.

    Raises:
        InputError: If there is no such network, or it does not take the arguments or the data.
    """
    return task_of(config, data_dir).build()


def compile_model(
    model: keras.Model, config: TrainConfig, examples: Examples, library: Any = kerasdl
) -> int:
    """Give the model its loss, optimiser and schedule.

    Args:
        model: The network.
        config: The settings.
        examples: What it will be trained on.
        library: Where loss and optimiser come from; `keras` for the built-ins.

    Returns:
        How many optimiser steps an epoch has.
    """
    steps, task = steps_in_epoch(config, examples), task_of(config)
    model.compile(
        optimizer=library.optimizers.Adam(
            _schedule(config, steps), weight_decay=config.weight_decay or None
        ),
        loss=task.loss(library),
        weighted_metrics=[task.accuracy()],
    )
    model.optimizer.build(model.trainable_variables)
    return steps


def _schedule(config, steps):
    """Return the learning rate as a function of the step; an epoch has `steps` of them."""
    warmup = round(config.warmup_epochs * steps)
    if config.schedule == "inverse_square_root":
        warmup = max(1, warmup)
        # At the end of the warm-up the paper's equation gives scale · warmup^(-1/2).
        return schedules.InverseSquareRootDecay(
            hidden_dim=1, warmup_steps=warmup, scale=config.learning_rate * warmup**0.5
        )
    return schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else config.learning_rate,
        decay_steps=max(1, config.epochs * steps - warmup),
        alpha=0.01,
        warmup_target=config.learning_rate if warmup else None,
        warmup_steps=warmup,
    )


def fresh_session(seed: int) -> None:
    """Make the run depend on its seed alone, not on what the process did before."""
    keras.utils.clear_session()  # names of layers count from 0 again
    keras.utils.set_random_seed(seed)
    make_deterministic()


def evaluate(
    run: Run, split: str = "test", data_dir: str | os.PathLike | None = None
) -> Evaluation:
    """Measure a finished run on a split of its data set.

    Args:
        run: A complete run.
        split: "train", "validation" or "test".
        data_dir: Folder of prepared data sets.
    """
    model = keras.saving.load_model(run.model_path, compile=False)
    return task_of(run.config, data_dir).measure(model, split)


def _finish(run, task, model, checkpoint, seconds, start_epoch):
    """Write the model, the pictures and, last, the results."""
    measured, baseline = task.measure(model), task.baseline(model)
    temporary = run.folder / ".model.part.keras"
    model.save(temporary)
    os.replace(temporary, run.model_path)
    save_learning_curve(run.learning_curve_path, checkpoint.rows, checkpoint.best.best_epoch + 1)
    task.report(run, model, measured)
    run.finish(
        {f"test_{name}": value for name, value in measured.results.items()}
        | {
            "baseline": {"rule": baseline.rule}
            | {f"test_{name}": value for name, value in baseline.results.items()},
            "best_epoch": checkpoint.best.best_epoch + 1,
            "best_val_accuracy": checkpoint.best.best,
            "epochs": len(checkpoint.rows),
            "parameters": model.count_params(),
            "seconds": round(seconds, 1),  # of this process, from `resumed_at_epoch` on
            "resumed_at_epoch": start_epoch,
        }
    )
