"""Schedules against Keras' and against their definitions."""

import inspect
import math

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from kerasdl import optimizers
from kerasdl.optimizers import schedules
from kerasdl.parity import relative_error

CASES = [
    ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.5}),
    (
        "ExponentialDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.5, "staircase": True},
    ),
    ("InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.5}),
    (
        "InverseTimeDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.5, "staircase": True},
    ),
    ("PiecewiseConstantDecay", {"boundaries": [3, 9, 20], "values": [0.4, 0.3, 0.2, 0.1]}),
    ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 7}),
    (
        "PolynomialDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 7, "power": 2.0, "cycle": True},
    ),
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "alpha": 0.25}),
    (
        "CosineDecay",
        {
            "initial_learning_rate": 0.01,
            "decay_steps": 7,
            "alpha": 0.25,
            "warmup_target": 0.1,
            "warmup_steps": 5,
        },
    ),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 5}),
    (
        "CosineDecayRestarts",
        {
            "initial_learning_rate": 0.1,
            "first_decay_steps": 5,
            "t_mul": 1.0,
            "m_mul": 0.5,
            "alpha": 0.1,
        },
    ),
    (
        "CosineDecayRestarts",
        {"initial_learning_rate": 0.1, "first_decay_steps": 5, "t_mul": 1.5, "m_mul": 0.5},
    ),
]


def values(schedule, steps=40):
    return np.array([float(ops.convert_to_numpy(schedule(t))) for t in range(steps)])


@pytest.mark.parametrize(("name", "options"), CASES)
def test_equal_to_keras(name, options):
    ours, theirs = (getattr(s, name) for s in (schedules, keras.optimizers.schedules))
    # float32, and a scale of 0.1 at the end of which stands a zero.
    np.testing.assert_allclose(values(ours(**options)), values(theirs(**options)), atol=2e-8)
    assert inspect.signature(ours) == inspect.signature(theirs)
    assert ours(**options).get_config() == theirs(**options).get_config()
    again = schedules.deserialize(schedules.serialize(ours(**options)))
    assert type(again) is ours
    assert again.get_config() == ours(**options).get_config()
    assert type(schedules.deserialize({"class_name": name, "config": options})) is ours


@settings(max_examples=25)
@given(t=st.integers(0, 200), T=st.integers(1, 50), W=st.integers(1, 20))
def test_cosine_with_warm_up_in_float64(t, T, W):
    first, top = np.array(0.01), 0.5
    schedule = schedules.CosineDecay(first, T, alpha=0.125, warmup_target=top, warmup_steps=W)
    ours = float(ops.convert_to_numpy(schedule(ops.convert_to_tensor(t, "int64"))))
    if t < W:
        expected = first + (top - first) * t / W
    else:
        expected = top * (0.875 * 0.5 * (1 + math.cos(math.pi * min(t - W, T) / T)) + 0.125)
    assert relative_error(ours, expected) <= 1e-6  # one float32 constant is enough


def test_float64_is_exact():
    schedule = schedules.PolynomialDecay(np.array(0.3), 7, end_learning_rate=0.125, power=2.0)
    assert relative_error(float(schedule(3)), (0.3 - 0.125) * (4 / 7) ** 2 + 0.125) <= 1e-14


def test_in_training():
    """The optimiser asks with the number of the step, from 0."""
    optimizer = optimizers.SGD(schedules.PiecewiseConstantDecay([0, 1], [0.5, 0.25, 0.125]))
    w = keras.Variable([0.0])
    path = []
    for _ in range(4):
        optimizer.apply([ops.array([1.0])], [w])
        path.append(float(ops.convert_to_numpy(w)[0]))
    assert path == [-0.5, -0.75, -0.875, -1.0]
    with pytest.raises(TypeError, match="not settable"):
        optimizer.learning_rate = 0.1


@pytest.mark.parametrize(
    "make",
    [
        lambda: schedules.ExponentialDecay(0.1, 0, 0.5),
        lambda: schedules.CosineDecay(0.1, -1),
        lambda: schedules.CosineDecayRestarts(0.1, 0),
        lambda: schedules.PiecewiseConstantDecay([1], [0.1]),
    ],
)
def test_bad_arguments(make):
    with pytest.raises(ValueError, match=r"must be > 0|length of boundaries"):
        make()
