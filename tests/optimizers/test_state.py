"""What an optimiser keeps: names, exchange with Keras', files, clipping, averages, accumulation."""

import re

import keras
import numpy as np
import optimizer_steps as at_work
import pytest
import tolerances as tol
from keras import ops

from kerasdl import optimizers
from kerasdl.parity import relative_error


@pytest.mark.parametrize("case", at_work.CASES, ids=at_work.name_of)
def test_names_order_and_shapes_are_keras(case):
    name, options = case
    options = {**options, "use_ema": True, "gradient_accumulation_steps": 2, "name": "o"}
    states = []
    for module in (optimizers, keras.optimizers):
        optimizer = getattr(module, name)(**options)
        optimizer.build(at_work.variables("float32"))
        automatic = re.compile(r"^variable_\d+$")  # counted through, whoever asks
        states.append(
            [
                (automatic.sub("variable", v.path), tuple(v.shape), v.dtype)
                for v in optimizer.variables
            ]
        )
    assert states[0] == states[1]


@pytest.mark.parametrize("name", at_work.OWN)
@pytest.mark.parametrize("into_ours", [True, False])
def test_state_goes_over_in_the_middle(name, into_ours):
    """Steps by one, then by the other with its state, equal all steps by ours."""
    backend = keras.backend.backend()
    if (name == "ScheduleFreeAdamW" and backend != "jax") or name == "Muon":
        pytest.skip("Keras computes something else, see test_trajectories.py")
    options = {"amsgrad": True} if name == "Adam" else {}
    ours, theirs = getattr(optimizers, name)(**options), getattr(keras.optimizers, name)(**options)
    first, second = (theirs, ours) if into_ours else (ours, theirs)
    weights = at_work.variables()
    run_first, run_second = at_work.run, at_work.run_theirs
    if into_ours:
        run_first, run_second = run_second, run_first
    run_first(first, 4, weights=weights, compiled=False)
    second.build(weights)
    second.set_weights([ops.convert_to_numpy(v) for v in first.variables])
    broken = run_second(second, 4, weights=weights, start=4, compiled=False)
    whole = at_work.run(getattr(optimizers, name)(**options), 8, compiled=False)
    limit = 1e-8 if (backend, name) == ("torch", "Lamb") else tol.FORWARD_64
    assert max(relative_error(a, b) for a, b in zip(broken, whole, strict=True)) <= limit


@pytest.mark.parametrize(
    "make",
    [
        lambda: optimizers.Adam(
            optimizers.schedules.CosineDecay(0.1, 20),
            amsgrad=True,
            clipnorm=1.0,
            use_ema=True,
            ema_overwrite_frequency=3,
        ),
        lambda: optimizers.Nadam(0.1, gradient_accumulation_steps=2),
    ],
    ids=["Adam", "Nadam"],
)
def test_keras_file_in_the_middle_of_training(make, tmp_path, rng):
    x, y = rng.normal(size=(8, 3)), rng.normal(size=(8, 2))
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(make(), "mse")
    for _ in range(3):
        model.train_on_batch(x, y)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    assert type(again.optimizer) is type(model.optimizer)
    assert again.optimizer.get_config() == model.optimizer.get_config()
    for m in (model, again):
        for _ in range(3):
            m.train_on_batch(x, y)
    for a, b in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(again.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(a), ops.convert_to_numpy(b))


def descend(gradients, **options):
    """Weights after each step of plain descent, in float64."""
    w = keras.Variable(np.array([3.0, -4.0]), dtype="float64")
    b = keras.Variable(np.array([1.0]), dtype="float64")
    optimizer = optimizers.SGD(0.5, **options)
    path = []
    for g in gradients:
        optimizer.apply([ops.convert_to_tensor(g), ops.convert_to_tensor(g[:1])], [w, b])
        path.append(np.concatenate([ops.convert_to_numpy(w), ops.convert_to_numpy(b)]))
    return np.array(path), optimizer


# keras.ops.maximum and minimum, with which Keras clips, compute float64 in float32 on PyTorch.
CLIP = 1e-7 if keras.backend.backend() == "torch" else tol.FORWARD_64


def test_clipping():
    g = np.array([6.0, 8.0])
    start = np.array([3.0, -4.0, 1.0])
    each = np.array([3.0, 4.0, 5.0])  # norms 10 and 6, to 5
    together = np.array([6.0, 8.0, 6.0]) * 5 / np.sqrt(136)
    value = np.array([5.0, 5.0, 5.0])
    for option, clipped in (
        ("clipnorm", each),
        ("global_clipnorm", together),
        ("clipvalue", value),
    ):
        path, _ = descend([g], **{option: 5.0})
        assert relative_error(path[0], start - 0.5 * clipped) <= CLIP


def test_accumulated_gradients_are_averaged(rng):
    g = rng.normal(size=(6, 2))
    path, _ = descend(g, gradient_accumulation_steps=3)
    means, _ = descend(g.reshape(2, 3, 2).mean(axis=1))
    np.testing.assert_array_equal(path[0], path[1])
    assert relative_error(path[[2, 5]], means) <= tol.FORWARD_64


def test_moving_average_of_the_weights(rng):
    g = rng.normal(size=(5, 2))
    raw, _ = descend(g)
    path, optimizer = descend(g, use_ema=True, ema_momentum=0.75)
    average = raw[0]  # the first value counts in full
    for w in raw[1:]:
        average = 0.75 * average + 0.25 * w
    np.testing.assert_array_equal(path, raw)
    optimizer.finalize_variable_values(optimizer._trainable_variables)
    final = [ops.convert_to_numpy(v) for v in optimizer._trainable_variables]
    assert relative_error(np.concatenate(final), average) <= tol.FORWARD_64


def test_scaled_loss_gives_the_same_path(rng):
    g = rng.normal(size=(3, 2))
    plain, _ = descend(g)
    scaled, optimizer = descend(8 * g, loss_scale_factor=8.0)
    np.testing.assert_array_equal(plain, scaled)
    assert float(optimizer.scale_loss(ops.convert_to_tensor(2.0))) == 16.0


def test_dynamic_loss_scale_wraps_ours(rng):
    inner = optimizers.Adam(0.1)
    optimizer = optimizers.LossScaleOptimizer(inner, initial_scale=8.0)
    w = keras.Variable([1.0])
    optimizer.build([w])
    if keras.backend.backend() == "jax":
        state = [v.value for v in optimizer.variables]
        (value,), _ = optimizer.stateless_apply(state, [ops.array([8.0])], [w.value])
    else:
        optimizer.apply([ops.array([8.0])], [w])
        value = w
    assert abs(float(ops.convert_to_numpy(value)[0]) - 0.9) < 1e-6
