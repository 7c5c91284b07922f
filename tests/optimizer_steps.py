"""Optimisers at work, for the tests: their options, and many steps, compiled if that is faster."""

import keras
import numpy as np
from keras import ops

from kerasdl.backend import promotion_keeps_float64

SHAPES = ((3, 2), (4,))

BETAS = {"beta_1": 0.8, "beta_2": 0.95}

# Every option of its own that changes the numbers; the defaults are met in `test_state.py`.
OWN = {
    "SGD": [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}],
    "Adafactor": [{"beta_2_decay": -0.65, "epsilon_2": 0.5, "clip_threshold": 0.75}],
    "Adagrad": [{"initial_accumulator_value": 0.0, "epsilon": 1e-3}],
    "RMSprop": [
        {"rho": 0.75, "epsilon": 1e-3},
        {"centered": True},
        {"momentum": 0.9, "centered": True},
    ],
    "Adadelta": [{"learning_rate": 1.0, "rho": 0.75, "epsilon": 1e-3}],
    "Adam": [{**BETAS, "epsilon": 1e-3}, {"amsgrad": True}],
    "AdamW": [{"amsgrad": True, "weight_decay": 0.1}],
    "Adamax": [{**BETAS, "epsilon": 1e-3}],
    "Nadam": [{**BETAS, "epsilon": 1e-3}],
    "Lion": [BETAS],
    "Lamb": [{**BETAS, "epsilon": 1e-3}],
    "Ftrl": [
        {
            "learning_rate_power": -0.25,
            "initial_accumulator_value": 0.5,
            "l1_regularization_strength": 0.5,
            "l2_regularization_strength": 0.25,
            "l2_shrinkage_regularization_strength": 0.125,
            "beta": 0.5,
        },
    ],
    "Muon": [{"nesterov": False, "rms_rate": None, "ns_steps": 2}],
    "ScheduleFreeAdamW": [{"warmup_steps": 50, "beta_1": 0.8}],
}
CASES = [(name, options) for name, all_options in OWN.items() for options in all_options]

# Options of the base class; every optimiser has them.
BASE = {
    "weight_decay": {"weight_decay": 0.01},
    "clipnorm": {"clipnorm": 0.5},
    "clipvalue": {"clipvalue": 0.125},
    "global_clipnorm": {"global_clipnorm": 0.5},
    "ema": {"use_ema": True, "ema_momentum": 0.875, "ema_overwrite_frequency": 3},
    "accumulation": {"gradient_accumulation_steps": 3},
    "loss_scale": {"loss_scale_factor": 8.0},
    "schedule": {"learning_rate": keras.optimizers.schedules.CosineDecay(0.1, 100, 0.1)},
    "callable": {"learning_rate": lambda: ops.convert_to_tensor(0.125)},
}


def name_of(case):
    name, options = case
    return f"{name}({', '.join(f'{k}={v}' for k, v in options.items())})"


def variables(dtype="float64"):
    rng = np.random.default_rng(1)
    return [keras.Variable(rng.normal(size=shape), dtype=dtype, name="w") for shape in SHAPES]


def gradients(steps, start=0):
    """One array (steps, …) a variable."""
    rng = np.random.default_rng(2)
    return [rng.normal(scale=3, size=(200, *shape))[start : start + steps] for shape in SHAPES]


def run_theirs(optimizer, *args, **how):
    """Do what `run` does, with float64 kept: by itself Keras rounds some of it on PyTorch."""
    with promotion_keeps_float64():
        return run(optimizer, *args, **how)


def run(optimizer, steps=200, dtype="float64", weights=None, start=0, compiled=True):
    """Apply the gradients of `steps` steps, and return the weights as NumPy arrays."""
    weights = variables(dtype) if weights is None else weights
    optimizer.build(weights)
    stack = [ops.convert_to_tensor(g, dtype=dtype) for g in gradients(steps, start)]
    (_RUN[keras.backend.backend()] if compiled else _eager)(optimizer, weights, stack, steps)
    return [ops.convert_to_numpy(w) for w in weights]


def _tensorflow(optimizer, weights, stack, steps):
    import tensorflow as tf

    step = tf.function(lambda g: optimizer.apply(g, weights), autograph=False)
    for g in zip(*(tf.unstack(g) for g in stack), strict=True):
        step(g)


def _jax(optimizer, weights, stack, steps):
    import jax

    def one(state, g):
        return optimizer.stateless_apply(state[1], g, state[0]), None

    state = [w.value for w in weights], [v.value for v in optimizer.variables]
    state, _ = jax.jit(lambda state: jax.lax.scan(one, state, stack))(state)
    for variable, value in zip(
        [*weights, *optimizer.variables], [*state[0], *state[1]], strict=True
    ):
        variable.assign(value)


def _eager(optimizer, weights, stack, steps):
    for t in range(steps):
        optimizer.apply([g[t] for g in stack], weights)


_RUN = {"tensorflow": _tensorflow, "jax": _jax, "torch": _eager}
