"""200 steps side by side with Keras', in float64, for every optimiser and option."""

import inspect

import keras
import numpy as np
import optimizer_steps as at_work
import pytest
import tolerances as tol

from kerasdl import optimizers
from kerasdl.parity import relative_error

BACKEND = keras.backend.backend()

# Where Keras does not compute float64 in float64; `test_papers.py` holds ours to NumPy there.
KERAS_ROUNDS = {
    ("torch", "Lamb"): "numbers become float32 tensors: 6e-10",
    ("torch", "Muon"): "and so does the root of the larger side: 3e-9",
    ("jax", "Muon"): "norm and root are taken in float32: 8e-10",
}
KERAS_FAILS = {
    ("tensorflow", "ScheduleFreeAdamW"): "reads z after it was written: 4e-3 off its own JAX",
    ("torch", "ScheduleFreeAdamW"): "reads z after it was written: 4e-3 off its own JAX",
}
RUNS = (at_work.run, optimizers), (at_work.run_theirs, keras.optimizers)


def distance(a, b):
    return max(relative_error(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("case", at_work.CASES, ids=at_work.name_of)
def test_own_options(case):
    name, options = case
    if (BACKEND, name) in KERAS_FAILS:
        pytest.skip(f"Keras {KERAS_FAILS[BACKEND, name]}")
    ours = at_work.run(getattr(optimizers, name)(**options))
    theirs = at_work.run_theirs(getattr(keras.optimizers, name)(**options))
    assert distance(ours, theirs) <= (1e-8 if (BACKEND, name) in KERAS_ROUNDS else tol.FORWARD_64)


@pytest.mark.parametrize("option", at_work.BASE)
def test_options_of_the_base_class(option):
    """On Adam, which has every kind of state; each optimiser inherits them from one class."""
    compiled = BACKEND == "jax" and option == "accumulation"  # compiles each condition anew
    ours, theirs = (
        run(module.Adam(**at_work.BASE[option]), steps=12, compiled=compiled)
        for run, module in RUNS
    )
    assert distance(ours, theirs) <= tol.FORWARD_64


@pytest.mark.parametrize("name", at_work.OWN)
def test_all_options_of_the_base_class_at_once(name):
    if (BACKEND, name) in KERAS_FAILS or (BACKEND, name) == ("tensorflow", "Muon"):
        pytest.skip(f"Keras {KERAS_FAILS.get((BACKEND, name), 'has no Muon in float64')}")
    options = {
        "weight_decay": 0.01,
        "global_clipnorm": 0.5,
        "use_ema": True,
        "ema_overwrite_frequency": 2,
        "loss_scale_factor": 4.0,
        "gradient_accumulation_steps": 2,
    }
    compiled = BACKEND == "jax"  # compiles each condition anew
    ours, theirs = (
        run(getattr(module, name)(**options), steps=8, compiled=compiled) for run, module in RUNS
    )
    assert distance(ours, theirs) <= (1e-8 if (BACKEND, name) in KERAS_ROUNDS else tol.FORWARD_64)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adam", "Adamax", "Nadam"])
def test_lower_precisions(name, dtype):
    if (BACKEND, name, dtype) == ("torch", "Nadam", "bfloat16"):
        pytest.skip("Keras divides by a NumPy number in bfloat16: TypeError")
    ours, theirs = (
        at_work.run(getattr(module, name)(0.125), steps=10, dtype=dtype, compiled=False)
        for module in (optimizers, keras.optimizers)
    )
    assert distance(ours, theirs) <= (tol.FORWARD_32 if dtype == "float32" else tol.FORWARD_BF16)


@pytest.mark.parametrize("name", at_work.OWN)
def test_signature_and_config_are_keras(name):
    ours, theirs = getattr(optimizers, name), getattr(keras.optimizers, name)
    assert inspect.signature(ours) == inspect.signature(theirs)
    assert {**ours().get_config(), "name": ""} == {**theirs().get_config(), "name": ""}
    for method in ("build", "update_step"):
        assert inspect.signature(getattr(ours, method)) == inspect.signature(
            getattr(theirs, method)
        )


@pytest.mark.parametrize("name", at_work.OWN)
def test_every_argument_is_documented(name):
    optimizer = getattr(optimizers, name)
    for argument in inspect.signature(optimizer).parameters:
        assert argument == "kwargs" or f"\n        {argument}: " in optimizer.__doc__, argument


def test_weight_decay_spares_what_is_excluded():
    for module in (optimizers, keras.optimizers):
        kernel = keras.Variable(np.ones(3), name="kernel")
        bias = keras.Variable(np.ones(3), name="bias")
        gamma = keras.Variable(np.ones(3), name="gamma")
        optimizer = module.AdamW(0.5, weight_decay=0.5)
        optimizer.exclude_from_weight_decay(var_list=[gamma], var_names=["bias"])
        zeros = [keras.ops.zeros(3)] * 3
        optimizer.apply(zeros, [kernel, bias, gamma])
        moved = [float(keras.ops.convert_to_numpy(v)[0]) for v in (kernel, bias, gamma)]
        assert moved == [0.75, 1.0, 1.0]
