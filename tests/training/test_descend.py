"""Gradient descent against closed forms, NumPy loops and the normal equations."""

import keras
import numpy as np
import pytest
from keras import ops
from sklearn.datasets import load_diabetes, load_wine

from kerasdl import layers, losses, optimizers
from kerasdl.training import descend

# Sums of a few hundred float32 products, some hundred steps.
CLOSE = dict(rtol=2e-4, atol=2e-5)


def standard(columns):
    return (columns - columns.mean(axis=0)) / columns.std(axis=0)


@pytest.fixture(scope="module")
def diabetes():
    x, y = load_diabetes(return_X_y=True)
    return standard(x).astype("float32"), standard(y).astype("float32")


def squared_error(w, b, x, y):
    return ops.mean(ops.square(ops.matmul(x, w[:, None])[:, 0] + b - y))


def start(width=10):
    return [np.zeros(width, "float32"), np.array(0.5, "float32")]


def by_hand(x, y, rate, orders, batch_size):
    """The same descent in NumPy, gradients derived by hand."""
    w, b = (p.astype("float64") for p in start(x.shape[1]))
    path, norms = [np.append(w, b)], []
    for order in orders:
        for i in range(0, len(y), batch_size):
            xs, ys = x[order[i : i + batch_size]], y[order[i : i + batch_size]]
            residual = xs @ w + b - ys
            g = np.append(2 * xs.T @ residual, 2 * residual.sum()) / len(ys)
            w, b = w - rate * g[:-1], b - rate * g[-1]
            path.append(np.append(w, b))
            norms.append(np.linalg.norm(g))
    return np.array(path), np.array(norms)


@pytest.mark.parametrize("compile", [True, False])
def test_full_batch_on_a_quadratic_is_the_closed_form(compile):
    """θ_t = (1 − α λ)^t θ_0 along each axis of ½ Σ λ_i θ_i²."""
    curvature, rate, steps = np.array([1.0, 4.0]), 0.125, 12
    theta = np.array([3.0, -2.0])

    def loss(t):
        return ops.sum(ops.convert_to_tensor(curvature) * ops.square(t)) / 2

    trace = descend(loss, optimizer=rate, epochs=steps, parameters=theta, compile=compile)
    t = np.arange(steps + 1)[:, None]
    expected = (1 - rate * curvature) ** t * theta
    np.testing.assert_allclose(trace.path[0], expected, rtol=1e-12)
    np.testing.assert_allclose(trace.epoch_losses, (curvature * expected**2).sum(1) / 2, rtol=1e-6)
    norms = np.linalg.norm(curvature * expected[:-1], axis=1)
    np.testing.assert_allclose(trace.gradient_norms, norms, rtol=1e-6)
    np.testing.assert_array_equal(trace.losses, trace.epoch_losses[:-1])


def test_linear_regression_reaches_the_normal_equations(diabetes):
    x, y = diabetes
    columns = x[:, [2, 3, 8]]
    trace = descend(squared_error, (columns, y), optimizer=0.3, epochs=200, parameters=start(3))
    X = np.column_stack([columns, np.ones(len(y))]).astype("float64")
    solution = np.linalg.solve(X.T @ X, X.T @ y)
    np.testing.assert_allclose(np.append(*trace.parameters), solution, atol=1e-5)
    assert trace.gradient_norms[-1] < 1e-5


@pytest.mark.parametrize(
    ("batch_size", "rate", "epochs"), [(None, 0.1, 20), (64, 0.05, 3), (1, 0.005, 1)]
)
def test_each_batch_size_equals_the_plain_loop(diabetes, batch_size, rate, epochs):
    x, y = (a[:150] for a in diabetes)
    trace = descend(squared_error, (x, y), batch_size, rate, epochs, parameters=start(), seed=3)
    rng = np.random.default_rng(3)
    orders = [rng.permutation(150) for _ in range(epochs)]
    path, norms = by_hand(x, y, rate, orders, batch_size or 150)
    measured = np.column_stack([trace.path[0], trace.path[1]])
    np.testing.assert_allclose(measured, path, **CLOSE)
    np.testing.assert_allclose(trace.gradient_norms, norms, **CLOSE)
    assert len(trace.losses) == epochs * -(-150 // (batch_size or 150))
    assert len(trace.epoch_losses) == len(trace.epoch_seconds) == epochs + 1
    assert trace.epochs[-1] == epochs


def test_the_batch_size_is_the_only_difference(diabetes):
    x, y = diabetes
    one = descend(squared_error, (x, y), None, 0.1, 3, parameters=start())
    other = descend(squared_error, (x, y), len(y), 0.1, 3, parameters=start())
    np.testing.assert_array_equal(one.path[0], other.path[0])
    kinds = [
        descend(squared_error, (x[:40], y[:40]), m, 0.01, 1, parameters=start()).kind
        for m in (None, 10, 1)
    ]
    assert kinds == ["full-batch", "mini-batch of 10", "stochastic"]


def test_a_model_takes_the_way_of_its_fit(diabetes):
    """Penalties included; one full batch a step, as `fit` without shuffling."""
    x, y = diabetes

    def model():
        keras.utils.set_random_seed(1)
        return keras.Sequential(
            [
                keras.Input((10,)),
                layers.Dense(4, "tanh", kernel_regularizer=keras.regularizers.L2(0.01)),
                layers.Dense(1),
            ]
        )

    fitted, descended = model(), model()
    fitted.compile(optimizers.Adam(0.01), losses.MeanSquaredError())
    history = fitted.fit(x, y[:, None], batch_size=len(y), epochs=5, shuffle=False, verbose=0)
    trace = descend(
        descended, (x, y[:, None]), optimizer=optimizers.Adam(0.01), epochs=5, loss="mse"
    )
    np.testing.assert_allclose(trace.losses, history.history["loss"], rtol=1e-5)
    for ours, theirs, end in zip(
        descended.get_weights(), fitted.get_weights(), trace.parameters, strict=True
    ):
        np.testing.assert_allclose(ours, theirs, **CLOSE)
        np.testing.assert_array_equal(ours, end)


def test_a_linear_classifier_learns_wine():
    x, y = load_wine(return_X_y=True)
    model = keras.Sequential([keras.Input((13,)), layers.Dense(3)])
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    data = (standard(x).astype("float32"), y)
    trace = descend(model, data, 16, optimizers.SGD(0.1), 10, loss=loss)
    assert trace.epoch_losses[-1] < 0.1 < trace.epoch_losses[0]
    assert (model.predict(data[0], verbose=0).argmax(axis=1) == y).mean() > 0.95


def test_one_optimiser_serves_for_several_descents():
    optimizer = optimizers.Adam(0.1)

    def loss(t):
        return ops.sum(t**2)

    traces = [descend(loss, optimizer=optimizer, epochs=4, parameters=[1.0, -2.0]) for _ in "ab"]
    np.testing.assert_array_equal(traces[0].path[0], traces[1].path[0])
    assert not optimizer.built


def test_the_path_is_kept_for_small_problems_alone(diabetes):
    x, y = diabetes
    kept = descend(squared_error, (x, y), epochs=2, parameters=start(), keep=11)
    dropped = descend(squared_error, (x, y), epochs=2, parameters=start(), keep=10)
    assert [p.shape for p in kept.path] == [(3, 10), (3,)]
    assert dropped.path is None
    np.testing.assert_array_equal(kept.parameters[0], dropped.parameters[0])


X = np.zeros((4, 2), "float32")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (dict(batch_size=0), "`batch_size` must be an integer of at least 1, received 0"),
        (dict(batch_size=5), "`batch_size` must be at most 4"),
        (dict(epochs=0), "`epochs`"),
        (dict(parameters=None), "`parameters` must be given"),
        (dict(data=(X, X[:3])), r"shapes (4, 2), (3, 2)"),
    ],
)
def test_bad_arguments(arguments, words):
    given = dict(data=(X, X), parameters=[1.0]) | arguments
    with pytest.raises(ValueError, match="`") as error:
        descend(lambda w, x, y: ops.sum(w) + ops.sum(x), **given)
    assert words in str(error.value)


def test_models_it_cannot_take():
    dense = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    dropping = keras.Sequential([keras.Input((2,)), layers.Dropout(0.5), layers.Dense(1)])
    normed = keras.Sequential([keras.Input((2,)), layers.BatchNormalization(), layers.Dense(1)])
    cases = [
        (keras.Sequential([layers.Dense(1)]), dict(loss="mse"), "built"),
        (dropping, dict(loss="mse"), "without dropout"),
        (normed, dict(loss="mse"), "moving_mean"),
        (dense, dict(), "`loss` must be given"),
        (dense, dict(loss="mse", parameters=[1.0]), "brings its own"),
    ]
    for model, arguments, words in cases:
        with pytest.raises(ValueError, match="`") as error:
            descend(model, (X, X[:, :1]), **arguments)
        assert words in str(error.value)
    with pytest.raises(ValueError, match="pair"):
        descend(dense, X, loss="mse")
