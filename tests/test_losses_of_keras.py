"""Every loss against its definition in NumPy, against Keras' own, and under hostile numbers."""

import keras
import numpy as np
import pytest
import tolerances as tol
from keras import ops

from kerasdl import activations, losses
from kerasdl.backend import value_and_grad
from kerasdl.parity import relative_error

BACKEND = keras.backend.backend()
B, N = 5, 4
EPSILON = keras.config.epsilon()


def clip(p, high=1 - EPSILON):
    return np.clip(p, EPSILON, high)


def sigma(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)


def huber(y, p, delta=1.0):
    e = np.abs(p - y)
    return np.where(e <= delta, e**2 / 2, delta * e - delta**2 / 2).mean(axis=-1)


def bce(y, p):
    return -(y * np.log(clip(p)) + (1 - y) * np.log(clip(1 - p))).mean(axis=-1)


def focal(y, p, alpha=None):
    q = y * p + (1 - y) * (1 - p)
    weight = 1 if alpha is None else y * alpha + (1 - y) * (1 - alpha)
    return -(weight * (1 - q) ** 2 * np.log(q)).mean(axis=-1)


def circle(y, x, gamma=8.0, m=0.4):
    """Equations 4 to 8 of the paper, pair by pair."""
    values = []
    for i in range(len(y)):
        attract = repel = 0.0
        for j in range(len(y)):
            d = max(1 - x[i] @ x[j], 0)
            if y[i] == y[j] and i != j:
                attract += np.exp(-gamma * max(m + d, 0) * (m - d))
            elif y[i] != y[j]:
                repel += np.exp(gamma * max(1 + m - d, 0) * (1 - m - d))
        values.append(np.log(1 + attract * repel))
    return np.array(values)


def numbers(rng):
    return rng.normal(size=(B, N)), rng.normal(size=(B, N))


def positive(rng):
    return rng.uniform(0.1, 2, size=(B, N)), rng.uniform(0.1, 2, size=(B, N))


def bits(rng):
    return rng.integers(0, 2, size=(B, N)).astype(float), rng.normal(size=(B, N))


def answers(rng):
    y, z = bits(rng)
    return y, sigma(z)


def classes(rng):
    return np.eye(N)[rng.integers(0, N, size=B)], rng.normal(size=(B, N))


def shares(rng):
    y, z = classes(rng)
    return y, softmax(z)


def two_distributions(rng):
    return softmax(rng.normal(size=(B, N))), softmax(rng.normal(size=(B, N)))


def labels(rng):
    return rng.permutation([0, 1, 2, 3, 1]), rng.normal(size=(B, N))


def labels_and_shares(rng):
    y, z = labels(rng)
    return y, softmax(z)


def embeddings(rng):
    x = rng.normal(size=(B, N))
    return np.array([0, 1, 0, 1, 2]), x / np.sqrt((x**2).sum(axis=-1, keepdims=True))


def of_class(y, p):
    return p[np.arange(B), y]


# name: (class, arguments, numbers, the definition in NumPy)
LOGITS = dict(from_logits=True)
CASES = {
    "mse": ("MeanSquaredError", {}, numbers, lambda y, p: ((y - p) ** 2).mean(-1)),
    "mae": ("MeanAbsoluteError", {}, numbers, lambda y, p: np.abs(y - p).mean(-1)),
    "mape": (
        "MeanAbsolutePercentageError",
        {},
        numbers,
        lambda y, p: 100 * np.abs((y - p) / y).mean(-1),
    ),
    "msle": (
        "MeanSquaredLogarithmicError",
        {},
        positive,
        lambda y, p: ((np.log(1 + y) - np.log(1 + p)) ** 2).mean(-1),
    ),
    "cosine": (
        "CosineSimilarity",
        {},
        numbers,
        lambda y, p: -(y * p).sum(-1) / np.sqrt((y**2).sum(-1) * (p**2).sum(-1)),
    ),
    "huber": ("Huber", {}, numbers, huber),
    "huber_0.3": ("Huber", dict(delta=0.3), numbers, lambda y, p: huber(y, p, 0.3)),
    "log_cosh": ("LogCosh", {}, numbers, lambda y, p: np.log(np.cosh(p - y)).mean(-1)),
    "hinge": ("Hinge", {}, bits, lambda y, p: np.maximum(1 - (2 * y - 1) * p, 0).mean(-1)),
    "hinge_signs": ("Hinge", {}, numbers, lambda y, p: np.maximum(1 - y * p, 0).mean(-1)),
    "squared_hinge": (
        "SquaredHinge",
        {},
        bits,
        lambda y, p: (np.maximum(1 - (2 * y - 1) * p, 0) ** 2).mean(-1),
    ),
    "categorical_hinge": (
        "CategoricalHinge",
        {},
        classes,
        lambda y, p: np.maximum(((1 - y) * p).max(-1) - (y * p).sum(-1) + 1, 0),
    ),
    "kl": (
        "KLDivergence",
        {},
        two_distributions,
        lambda y, p: (y * np.log(y / p)).sum(-1),
    ),
    "poisson": ("Poisson", {}, positive, lambda y, p: (p - y * np.log(p + EPSILON)).mean(-1)),
    "bce": ("BinaryCrossentropy", {}, answers, bce),
    "bce_logits": ("BinaryCrossentropy", LOGITS, bits, lambda y, z: bce(y, sigma(z))),
    "bce_smooth": (
        "BinaryCrossentropy",
        dict(LOGITS, label_smoothing=0.2),
        bits,
        lambda y, z: bce(0.8 * y + 0.1, sigma(z)),
    ),
    "focal": ("BinaryFocalCrossentropy", {}, answers, focal),
    "focal_balanced": (
        "BinaryFocalCrossentropy",
        dict(LOGITS, apply_class_balancing=True),
        bits,
        lambda y, z: focal(y, sigma(z), 0.25),
    ),
    "cce": (
        "CategoricalCrossentropy",
        {},
        shares,
        lambda y, p: -(y * np.log(p)).sum(-1),
    ),
    "cce_unnormalised": (
        "CategoricalCrossentropy",
        {},
        lambda rng: (shares(rng)[0], 3 * shares(rng)[1]),
        lambda y, p: -(y * np.log(p / p.sum(-1, keepdims=True))).sum(-1),
    ),
    "cce_logits": (
        "CategoricalCrossentropy",
        LOGITS,
        classes,
        lambda y, z: -(y * np.log(softmax(z))).sum(-1),
    ),
    "cce_smooth": (
        "CategoricalCrossentropy",
        dict(LOGITS, label_smoothing=0.2),
        classes,
        lambda y, z: -((0.8 * y + 0.2 / N) * np.log(softmax(z))).sum(-1),
    ),
    "categorical_focal": (
        "CategoricalFocalCrossentropy",
        LOGITS,
        classes,
        lambda y, z: -(0.25 * (1 - softmax(z)) ** 2 * y * np.log(softmax(z))).sum(-1),
    ),
    "sparse": (
        "SparseCategoricalCrossentropy",
        {},
        labels_and_shares,
        lambda y, p: -np.log(of_class(y, p)),
    ),
    "sparse_logits": (
        "SparseCategoricalCrossentropy",
        LOGITS,
        labels,
        lambda y, z: -np.log(of_class(y, softmax(z))),
    ),
    "generalized": (
        "CategoricalGeneralizedCrossEntropy",
        dict(q=0.5),
        labels_and_shares,
        lambda y, p: (1 - np.sqrt(of_class(y, p))) / 0.5,
    ),
    "dice": (
        "Dice",
        dict(axis=(1,)),
        answers,
        lambda y, p: 1 - 2 * (y * p).sum(-1) / (y.sum(-1) + p.sum(-1) + EPSILON),
    ),
    "tversky": (
        "Tversky",
        dict(alpha=0.25, beta=0.75, axis=(1,)),
        answers,
        lambda y, p: (
            1
            - (y * p).sum(-1)
            / (
                (y * p).sum(-1)
                + 0.25 * (y * (1 - p)).sum(-1)
                + 0.75 * ((1 - y) * p).sum(-1)
                + EPSILON
            )
        ),
    ),
    "circle": ("Circle", dict(gamma=8.0), embeddings, circle),
}
# log 2 passes through float32 where a Python number does; ours is rounded likewise.
ROUNDED = {"log_cosh"}
# Keras computes float64 in float32 in these on PyTorch (`ops.maximum`, `mean`, `clip`, …) and JAX
# (`mean`); the definition in NumPy is the judge there.
KERAS_IS_EXACT = BACKEND == "tensorflow"


def pair(case, **arguments):
    name, own, _, _ = CASES[case]
    return [getattr(module.losses, name)(**own, **arguments) for module in (keras, _Ours)][::-1]


class _Ours:
    losses = losses


@pytest.mark.parametrize("case", CASES)
def test_equal_to_its_definition_and_to_keras(rng, case):
    y, p = CASES[case][2](rng)
    ours, theirs = pair(case, reduction=None, dtype="float64")
    values = ours(y, p)
    limit = 1e-8 if case in ROUNDED else tol.FORWARD_64
    assert relative_error(values, CASES[case][3](y, p)) <= limit
    rounded = 0 if KERAS_IS_EXACT else 1e-6
    assert relative_error(values, theirs(y, p)) <= max(tol.FORWARD_64, rounded)

    w = ops.convert_to_tensor(rng.normal(size=values.shape))
    (dp,), (dp_theirs,) = (
        value_and_grad(lambda p, f=loss: ops.sum(f(y, p) * w), [p])[1] for loss in (ours, theirs)
    )
    assert relative_error(dp, dp_theirs) <= max(tol.GRADIENT_64, rounded * 10)
    direction, h = rng.normal(size=p.shape), 1e-6
    up, down = (float(ops.sum(ours(y, p + s * h * direction) * w)) for s in (1, -1))
    slope = float((ops.convert_to_numpy(dp) * direction).sum())
    assert relative_error(slope, (up - down) / (2 * h)) <= 10 * tol.FINITE_DIFFERENCE


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean_with_sample_weight", "sum"])
def test_reductions_with_sample_weights(rng, case, reduction):
    y, p = CASES[case][2](rng)
    weights = rng.uniform(0.1, 2, size=B)
    ours, theirs = pair(case, reduction=reduction)
    assert relative_error(ours(y, p, weights), theirs(y, p, weights)) <= tol.FORWARD_32


@pytest.mark.parametrize("case", CASES)
def test_config_round_trip_and_lookup(case):
    ours, theirs = pair(case, reduction="sum")
    again = losses.deserialize(losses.serialize(ours))
    assert type(again) is type(ours)
    assert again.get_config() == ours.get_config()
    assert theirs.get_config().items() <= ours.get_config().items()
    name = CASES[case][0]
    assert type(losses.get(name)) is type(ours)
    from_keras = losses.deserialize(keras.losses.serialize(theirs))
    assert type(from_keras) is type(ours)


@pytest.mark.parametrize("case", ["bce_logits", "cce_logits", "sparse_logits", "focal_balanced"])
def test_stable_for_huge_logits(case):
    z = np.array([[1e4, -1e4, 0.0, 30.0]] * 2, "float32")
    y = np.array([0, 1]) if case.startswith("sparse") else np.eye(4, dtype="float32")[[0, 1]]
    ours, _ = pair(case)
    value, (dz,) = value_and_grad(lambda z: ours(y, z), [z])
    assert np.isfinite(float(value))
    assert np.isfinite(ops.convert_to_numpy(dz)).all()


def test_gradients_of_logits_are_p_minus_y(rng):
    y, z = classes(rng)
    for loss, p in ((losses.categorical_crossentropy, softmax(z)), (None, sigma(z))):
        loss = loss or (lambda y, z, **k: N * losses.binary_crossentropy(y, z, **k))
        _, (dz,) = value_and_grad(lambda z, f=loss: ops.sum(f(y, z, from_logits=True)), [z])
        assert relative_error(dz, p - y) <= tol.GRADIENT_64


def test_labels_that_do_not_sum_to_one(rng):
    """The derivative of −Σ y log p is p Σy − y; Keras' on TensorFlow is p − y."""
    y, z = rng.uniform(size=(B, N)), rng.normal(size=(B, N))
    _, (dz,) = value_and_grad(
        lambda z: ops.sum(losses.categorical_crossentropy(y, z, from_logits=True)), [z]
    )
    assert relative_error(dz, softmax(z) * y.sum(-1, keepdims=True) - y) <= tol.GRADIENT_64


def test_label_smoothing_counts_the_classes_along_its_axis(rng):
    """Keras divides by the size of the last axis, whatever the axis of the classes."""
    y, z = classes(rng)
    plain = losses.categorical_crossentropy(y, z, from_logits=True, label_smoothing=0.3)
    first = losses.categorical_crossentropy(y.T, z.T, True, label_smoothing=0.3, axis=0)
    assert relative_error(first, plain) <= tol.FORWARD_64


def test_gradient_of_the_labels(rng):
    """Distillation may train the teacher: labels have a gradient too."""
    y, z = two_distributions(rng)
    _, (dy,) = value_and_grad(
        lambda y: ops.sum(losses.categorical_crossentropy(y, ops.convert_to_tensor(z), True)), [y]
    )
    assert relative_error(dy, -np.log(softmax(z))) <= tol.GRADIENT_64
    _, (dy,) = value_and_grad(
        lambda y: N * ops.sum(losses.binary_crossentropy(y, ops.convert_to_tensor(z), True)), [y]
    )
    assert relative_error(dy, -z) <= tol.GRADIENT_64


def test_logits_of_another_activation_are_not_taken(rng):
    """A sigmoid's logits are no softmax's; Keras on TensorFlow takes them all the same."""
    y, z = classes(rng)
    p = activations.sigmoid(ops.convert_to_tensor(z))
    exact = -(y * np.log(sigma(z) / sigma(z).sum(-1, keepdims=True))).sum(-1)
    assert relative_error(losses.categorical_crossentropy(y, p), exact) <= tol.FORWARD_64
    p = activations.softmax(ops.convert_to_tensor(z))
    assert relative_error(losses.binary_crossentropy(y, p), bce(y, softmax(z))) <= tol.FORWARD_64


def test_saturated_probabilities_go_back_to_their_logits():
    z = ops.convert_to_tensor(np.array([[100.0]], "float32"))
    p = activations.sigmoid(z)
    if hasattr(p, "_keras_logits"):  # arrays of JAX take no attributes
        assert float(losses.binary_crossentropy([[0.0]], p)[0]) == 100
        with pytest.warns(UserWarning, match="is no logits"):
            losses.binary_crossentropy([[0.0]], p, from_logits=True)


def test_ranks_that_differ_by_one_are_matched(rng):
    y, p = rng.normal(size=(B,)), rng.normal(size=(B, 1))
    for name in ("MeanSquaredError", "Huber", "Hinge"):
        flat = getattr(losses, name)()(y, p)
        assert relative_error(flat, getattr(losses, name)()(y[:, None], p)) <= tol.FORWARD_32


def test_generalized_cross_entropy_takes_a_column_of_labels(rng):
    """Keras documents the shape (B, 1) and returns (B, B) for it."""
    y, p = labels_and_shares(rng)
    loss = losses.categorical_generalized_cross_entropy
    p = ops.convert_to_tensor(p)
    assert relative_error(loss(y[:, None], p, 0.5), loss(y, p, 0.5)) == 0
    with pytest.raises(ValueError, match="q must be in the interval"):
        losses.CategoricalGeneralizedCrossEntropy(q=1.0)


def test_cosine_of_a_zero_vector_has_a_finite_gradient():
    x = np.zeros((1, 3), "float32")
    _, (dx,) = value_and_grad(
        lambda p: ops.sum(losses.cosine_similarity(np.ones((1, 3), "float32"), p)), [x]
    )
    assert np.isfinite(ops.convert_to_numpy(dx)).all()


def test_circle_without_partners_is_zero_and_does_not_count(rng):
    x = embeddings(rng)[1]
    alone = losses.circle(np.arange(B), x)
    assert not ops.convert_to_numpy(alone).any()
    _, (dx,) = value_and_grad(lambda x: ops.sum(losses.circle(np.arange(B), x)), [x])
    assert not ops.convert_to_numpy(dx).any()


def test_wrong_shapes_are_named():
    for name in ("binary_crossentropy", "categorical_crossentropy"):
        with pytest.raises(ValueError, match="must have the same shape"):
            getattr(losses, name)(np.zeros((2, 3)), np.zeros((2, 4)))
    with pytest.raises(ValueError, match="`axis` must be of type `int`"):
        losses.categorical_crossentropy(np.zeros((2, 3)), np.zeros((2, 3)), axis=True)
    with pytest.warns(SyntaxWarning, match="binary_crossentropy"):
        losses.categorical_crossentropy(np.zeros((2, 1)), np.zeros((2, 1)))


def test_every_name_of_keras_is_ours():
    theirs = {n for n in dir(keras.losses) if not n.startswith("_")}
    for name in theirs - {"get", "serialize", "deserialize", "CTC", "ctc", "Loss"}:
        assert getattr(losses, name) is not getattr(keras.losses, name), name
    for alias in ("mse", "MAE", "bce", "kld", "msle", "MAPE"):
        assert losses.get(alias) is not keras.losses.get(alias)
        assert losses.get(alias).__name__ == keras.losses.get(alias).__name__
    assert losses.get(None) is None
    assert losses.get(keras.losses.mean_squared_error) is keras.losses.mean_squared_error
    with pytest.raises(ValueError, match="nonsense"):
        losses.get("nonsense")


def test_huber_keeps_its_delta_when_it_is_saved():
    """Keras' config of it forgets delta."""
    loss = losses.deserialize(losses.serialize(losses.Huber(delta=0.5)))
    assert loss.delta == 0.5
    assert "delta" not in losses.Huber().get_config()


def test_a_compiled_model_keeps_its_loss(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(loss=losses.Huber(delta=0.5))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert type(again.loss) is losses.Huber
    assert again.loss.delta == 0.5
