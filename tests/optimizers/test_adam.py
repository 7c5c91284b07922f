"""Adam's trajectory against Keras' and against the paper's pseudo-code."""

import keras
import numpy as np
import pytest
import tolerances as tol
from keras import ops

from kerasdl import optimizers
from kerasdl.parity import relative_error

OPTIONS = {
    "plain": {},
    "amsgrad": dict(amsgrad=True),
    "betas": dict(learning_rate=0.05, beta_1=0.8, beta_2=0.95, epsilon=1e-3),
    "weight_decay": dict(weight_decay=0.01),
    "clipnorm": dict(clipnorm=0.5),
    "clipvalue": dict(clipvalue=0.1),
    "global_clipnorm": dict(global_clipnorm=0.5),
    "ema": dict(use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=3),
    "accumulation": dict(gradient_accumulation_steps=3),
    "loss_scale": dict(loss_scale_factor=8.0),
    "schedule": dict(learning_rate="schedule"),
}


def trajectory(optimizer, dtype, steps=20):
    rng = np.random.default_rng(1)
    variables = [
        keras.Variable(rng.normal(size=shape), dtype=dtype) for shape in [(3, 4), (4,), ()]
    ]
    for _ in range(steps):
        gradients = [
            ops.convert_to_tensor(rng.normal(scale=3, size=v.shape), dtype=dtype) for v in variables
        ]
        optimizer.apply(gradients, variables)
    return [ops.convert_to_numpy(v) for v in variables]


def make(module, options):
    options = dict(options)
    if options.get("learning_rate") == "schedule":
        options["learning_rate"] = keras.optimizers.schedules.CosineDecay(0.1, 10, 0.1)
    return module.Adam(**options)


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_twenty_steps_equal_keras(name, dtype):
    ours = trajectory(make(optimizers, OPTIONS[name]), dtype)
    theirs = trajectory(make(keras.optimizers, OPTIONS[name]), dtype)
    limit = tol.FORWARD_32 if dtype == "float32" else tol.FORWARD_64
    for a, b in zip(ours, theirs):
        assert relative_error(a, b) <= limit


@pytest.mark.parametrize("amsgrad", [False, True])
def test_equal_to_the_paper(amsgrad):
    """Algorithm 1 in the order of section 2, and AMSGrad, step by step in NumPy."""
    # All constants exact in float32, through which TensorFlow passes them, in Keras and here.
    beta_1, beta_2, alpha, epsilon = 0.875, 0.9375, 0.125, 2**-20
    ours = trajectory(optimizers.Adam(alpha, beta_1, beta_2, epsilon, amsgrad), "float64")
    rng = np.random.default_rng(1)
    theta = [rng.normal(size=shape) for shape in [(3, 4), (4,), ()]]
    m, v, v_hat = ([np.zeros_like(p) for p in theta] for _ in range(3))
    for t in range(1, 21):
        for i, p in enumerate(theta):
            g = rng.normal(scale=3, size=p.shape)
            m[i] = beta_1 * m[i] + (1 - beta_1) * g
            v[i] = beta_2 * v[i] + (1 - beta_2) * g**2
            v_hat[i] = np.maximum(v_hat[i], v[i])
            alpha_t = alpha * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
            root = np.sqrt(v_hat[i] if amsgrad else v[i])
            theta[i] = p - alpha_t * m[i] / (root + epsilon)
    for a, b in zip(ours, theta):
        assert relative_error(a, b) <= tol.FORWARD_64


def test_state_has_keras_names_and_shapes_and_survives_the_config():
    states = []
    for module in (optimizers, keras.optimizers):
        optimizer = module.Adam(amsgrad=True)
        optimizer.build([keras.Variable(np.zeros((2, 3)), name="w")])
        states.append([(v.path.split("/", 1)[-1], tuple(v.shape)) for v in optimizer.variables])
    assert states[0] == states[1]
    optimizer = optimizers.Adam(learning_rate=0.02, beta_1=0.8, weight_decay=0.1, clipnorm=1.0)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert type(again) is optimizers.Adam
    assert again.get_config() == optimizer.get_config()


def test_lookup():
    assert type(optimizers.get("adam")) is optimizers.Adam
    assert optimizers.SGD is keras.optimizers.SGD
