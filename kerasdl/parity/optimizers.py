"""The proof of an optimiser: its path beside the built-in's and the paper's."""

import re
import tempfile
from pathlib import Path

import keras
import numpy as np
from keras import ops

import kerasdl
from kerasdl.backend import compiled_step, promotion_keeps_float64
from kerasdl.parity import tolerances
from kerasdl.parity.case import OptimizerCase, has_counterpart
from kerasdl.parity.layer_models import MODES
from kerasdl.parity.layers import largest_error
from kerasdl.parity.precision import FLOAT32, FLOAT64, Precision, computing_in
from kerasdl.parity.result import Check

STEPS = 200
SHAPES = ((3, 4), (4,), (2, 3, 2))
_TOLERANCE = {"float64": tolerances.STEPS_64, "float32": tolerances.STEPS_32}


def start() -> list[np.ndarray]:
    """Return where the descent begins."""
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape) for shape in SHAPES]


def gradient(theta, step: int):
    r"""Gradient of a bumpy bowl, with noise at each step: $\theta + \sin 3\theta + n_t$."""
    noise = np.random.default_rng(step).normal(scale=0.3, size=theta.shape)
    return theta + np.sin(3 * theta) + noise


def descend(optimizer, variables, steps=range(STEPS)) -> list[np.ndarray]:
    """Take the steps; the gradient is computed in NumPy, so that it is the same for all."""
    if not optimizer.built:
        optimizer.build(variables)
    apply = compiled_step(
        lambda *gradients: optimizer.apply(list(gradients), variables),
        [*optimizer.variables, *variables],
    )
    for step in steps:
        values = [np.array(ops.convert_to_numpy(v), dtype="float64") for v in variables]
        gradients = [
            ops.convert_to_tensor(gradient(value, step), dtype=v.dtype)
            for value, v in zip(values, variables, strict=True)
        ]
        apply(*gradients)
    return [np.array(ops.convert_to_numpy(v), dtype="float64") for v in variables]


def _variables(precision: Precision):
    return [
        keras.Variable(value, dtype=precision.data, name=f"w{i}") for i, value in enumerate(start())
    ]


def check_path(case: OptimizerCase):
    """200 steps beside the built-in in float64 and float32; float64 beside the paper."""
    for precision in (FLOAT64, FLOAT32):
        with computing_in(precision):
            ours = descend(case.build(kerasdl), _variables(precision))
            if case.has_builtin(precision.name):
                with promotion_keeps_float64():
                    theirs = descend(case.build(keras), _variables(precision))
                error = largest_error(ours, theirs)
                yield Check(f"forward {precision.name}", error, _TOLERANCE[precision.name])
        if case.reference and precision is FLOAT64:
            expected = [case.reference(gradient, value, STEPS) for value in start()]
            error = largest_error(ours, expected)
            yield Check("forward float64", error, tolerances.STEPS_64, "the paper's pseudo-code")


def _name(variable):
    """Path below the optimiser; of one without a name, what Keras calls it but for the number."""
    return re.sub(r"^variable_\d+$", "variable", variable.path.split("/", 1)[-1])


def check_state(case: OptimizerCase):
    """The state has the built-in's names, shapes and order, and goes over both ways mid-way."""
    if not case.has_builtin("float64"):
        return
    with computing_in(FLOAT64), promotion_keeps_float64():
        pairs = [(case.build(k), _variables(FLOAT64)) for k in (kerasdl, keras)]
        for optimizer, variables in pairs:
            optimizer.build(variables)
        described = [
            [(_name(v), tuple(v.shape), v.dtype) for v in optimizer.variables]
            for optimizer, _ in pairs
        ]
        note = "" if described[0] == described[1] else f"ours {described[0]}, theirs {described[1]}"
        yield Check("state", np.inf if note else 0.0, tolerances.EXACT, note or "names, shapes")
        for first, second in (pairs, pairs[::-1]):
            descend(*first, steps=range(20))
            for source, target in (
                (first[0].variables, second[0].variables),
                (first[1], second[1]),
            ):
                for a, b in zip(source, target, strict=True):
                    b.assign(a)
            ends = [descend(*pair, steps=range(20, 40)) for pair in (first, second)]
            yield Check("state", largest_error(*ends), tolerances.STEPS_64, "carried over")


def _model(optimizer, mode):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((5,)), keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(2)]
    )
    model.compile(optimizer, "mse", run_eagerly=mode == "eager", jit_compile=mode == "XLA")
    return model


def _train(model, steps):
    for step in steps:
        rng = np.random.default_rng(step)
        model.train_on_batch(rng.normal(size=(8, 5)), rng.normal(size=(8, 2)))
    return model


def check_training(case: OptimizerCase):
    """Steps of `fit` in every way of running, side by side with the built-in."""
    expected = None
    for mode in MODES[keras.backend.backend()]:
        if mode in case.skip:
            continue
        with computing_in(FLOAT64), promotion_keeps_float64():  # the model is of built-ins
            if expected is None:
                k = keras if case.has_builtin("float64") else kerasdl
                expected = _train(_model(case.build(k), mode), range(5)).get_weights()
            weights = _train(_model(case.build(kerasdl), mode), range(5)).get_weights()
        yield Check("training steps", largest_error(weights, expected), tolerances.STEPS_64, mode)


def check_optimizer_file(case: OptimizerCase):
    """A `.keras` file written in the middle of training goes on as if nothing had happened."""
    mode = "eager" if keras.backend.backend() == "torch" else "graph"
    unbroken = _train(_model(case.build(kerasdl), mode), range(4))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        _train(unbroken, range(4, 6)).save(path)
        loaded = keras.saving.load_model(path)
    kept = type(loaded.optimizer) is type(case.build(kerasdl))
    yield Check(".keras", 0.0 if kept else np.inf, tolerances.EXACT, "class")
    ends = [_train(model, range(6, 9)).get_weights() for model in (loaded, unbroken)]
    yield Check(".keras", largest_error(*ends), tolerances.FORWARD_32, "goes on")


def check_optimizer_config(case: OptimizerCase):
    """The config has what the built-in's has, and rebuilds the same optimiser."""
    config = case.build(kerasdl).get_config()
    again = type(case.build(kerasdl)).from_config(config).get_config()
    yield Check("config", 0.0 if again == config else np.inf, tolerances.EXACT, "round trip")
    if has_counterpart(case.symbol):
        expected = case.build(keras).get_config()
        for named in (config, expected):
            del named["name"]  # Keras numbers the second "adam" of a process
        note = "" if config == expected else f"ours {config}, Keras' {expected}"
        yield Check("config", np.inf if note else 0.0, tolerances.EXACT, note)
