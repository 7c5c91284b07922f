"""Cases of the losses: functions of one example, and objects with their reductions."""

import numpy as np

from kerasdl.parity.case import FunctionCase, Input

B, N = 5, 4
Y = Input((B, N), differentiable=False)
P = Input((B, N))
BITS = Input((B, N), values="zeros_and_ones", differentiable=False)
SIGNS = Input((B, N), values="signs", differentiable=False)
ONE_HOT = Input((B, N), values="one_hot", differentiable=False)
LABELS = Input((B,), values="integers", high=N, differentiable=False)
POSITIVE = Input((B, N), values="positive")
POSITIVE_TARGET = Input((B, N), values="positive", differentiable=False)
SHARES = Input((B, N), values="probabilities")
TARGET_SHARES = Input((B, N), values="probabilities", differentiable=False)
WEIGHTS = Input((B,), values="positive", differentiable=False)


def inner_probabilities(rng, shape):
    """Draw answers of a sigmoid, away from 0 and 1."""
    return rng.uniform(0.1, 0.9, size=shape)


ANSWERS = Input((B, N), values=inner_probabilities)


def unit_vectors(rng, shape):
    """Draw embeddings of length 1."""
    x = rng.normal(size=shape)
    return x / np.sqrt((x * x).sum(axis=-1, keepdims=True))


EMBEDDINGS = Input((B, N), values=unit_vectors)

LOGITS = {"from_logits": True}

# class, function, targets, predictions, arguments
TABLE = [
    ("MeanSquaredError", "mean_squared_error", Y, P, {}),
    ("MeanAbsoluteError", "mean_absolute_error", Y, P, {}),
    ("MeanAbsolutePercentageError", "mean_absolute_percentage_error", Y, P, {}),
    (
        "MeanSquaredLogarithmicError",
        "mean_squared_logarithmic_error",
        POSITIVE_TARGET,
        POSITIVE,
        {},
    ),
    ("CosineSimilarity", "cosine_similarity", Y, P, {}),
    ("CosineSimilarity", "cosine_similarity", Y, P, {"axis": 0}),
    ("Huber", "huber", Y, P, {}),
    ("Huber", "huber", Y, P, {"delta": 0.25}),
    ("LogCosh", "log_cosh", Y, P, {}),
    ("Hinge", "hinge", SIGNS, P, {}),
    ("Hinge", "hinge", BITS, P, {}),
    ("SquaredHinge", "squared_hinge", SIGNS, P, {}),
    ("CategoricalHinge", "categorical_hinge", ONE_HOT, P, {}),
    ("KLDivergence", "kl_divergence", TARGET_SHARES, SHARES, {}),
    ("Poisson", "poisson", POSITIVE_TARGET, POSITIVE, {}),
    ("BinaryCrossentropy", "binary_crossentropy", BITS, ANSWERS, {}),
    ("BinaryCrossentropy", "binary_crossentropy", BITS, P, LOGITS),
    ("BinaryCrossentropy", "binary_crossentropy", BITS, P, {**LOGITS, "label_smoothing": 0.25}),
    ("BinaryFocalCrossentropy", "binary_focal_crossentropy", BITS, ANSWERS, {}),
    (
        "BinaryFocalCrossentropy",
        "binary_focal_crossentropy",
        BITS,
        P,
        {**LOGITS, "apply_class_balancing": True},
    ),
    ("CategoricalCrossentropy", "categorical_crossentropy", ONE_HOT, SHARES, {}),
    ("CategoricalCrossentropy", "categorical_crossentropy", ONE_HOT, P, LOGITS),
    (
        "CategoricalCrossentropy",
        "categorical_crossentropy",
        ONE_HOT,
        P,
        {**LOGITS, "label_smoothing": 0.25},
    ),
    ("CategoricalFocalCrossentropy", "categorical_focal_crossentropy", ONE_HOT, SHARES, {}),
    ("CategoricalFocalCrossentropy", "categorical_focal_crossentropy", ONE_HOT, P, LOGITS),
    ("SparseCategoricalCrossentropy", "sparse_categorical_crossentropy", LABELS, SHARES, {}),
    ("SparseCategoricalCrossentropy", "sparse_categorical_crossentropy", LABELS, P, LOGITS),
    (
        "SparseCategoricalCrossentropy",
        "sparse_categorical_crossentropy",
        LABELS,
        P,
        {**LOGITS, "ignore_class": 1},
    ),
    ("Dice", "dice", BITS, ANSWERS, {}),
    ("Dice", "dice", BITS, ANSWERS, {"axis": (1,)}),
    ("Tversky", "tversky", BITS, ANSWERS, {"alpha": 0.25, "beta": 0.75}),
    # A larger scale passes 20, from where PyTorch's own softplus is not exact any more.
    ("Circle", "circle", LABELS, EMBEDDINGS, {"gamma": 4.0}),
    (
        "CategoricalGeneralizedCrossEntropy",
        "categorical_generalized_cross_entropy",
        LABELS,
        SHARES,
        {"q": 0.5},
    ),
]


def _label(targets, arguments):
    words = [f"{name} {value}" for name, value in arguments.items()]
    return ", ".join((["labels 0 and 1"] if targets is BITS and not words else []) + words)


def _functions():
    for _, name, targets, predictions, arguments in TABLE:
        yield FunctionCase(
            symbol=f"losses.{name}",
            label=_label(targets, arguments),
            kwargs=arguments,
            inputs=(targets, predictions),
        )


def _objects():
    for reduction in ("sum_over_batch_size", "mean_with_sample_weight"):
        for name, _, targets, predictions, arguments in TABLE:
            if reduction == "sum_over_batch_size" or not arguments:
                # Some give one number for the whole batch: there is nothing to weight.
                whole = name in ("Dice", "Tversky") and not arguments.get("axis")
                whole = whole or arguments.get("axis") == 0
                yield FunctionCase(
                    symbol=f"losses.{name}",
                    label=", ".join(filter(None, [_label(targets, arguments), reduction])),
                    make=_maker(name, {**arguments, "reduction": reduction}),
                    inputs=(targets, predictions, *([] if whole else [WEIGHTS])),
                )


def _maker(name, arguments):
    def make(k):
        def loss(y_true, y_pred, sample_weight=None):
            made = getattr(k.losses, name)(**arguments, dtype=y_pred.dtype)
            return made(y_true, y_pred, sample_weight)

        return loss

    return make


def smoothed(labels, z, weights=None):
    """Cross-entropy between labels of which 0.1 is spread over all classes and logits."""
    p = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
    q = 0.9 * np.eye(z.shape[-1])[labels.astype(int)] + 0.1 / z.shape[-1]
    loss = -(q * np.log(p)).sum(axis=-1)
    return loss if weights is None else (weights * loss).mean()


CASES = [
    *_functions(),
    *_objects(),
    FunctionCase(
        symbol="losses.smoothed_sparse_categorical_crossentropy",
        inputs=(LABELS, P),
        reference=smoothed,
    ),
    FunctionCase(
        symbol="losses.SmoothedSparseCategoricalCrossentropy",
        make=_maker("SmoothedSparseCategoricalCrossentropy", {}),
        inputs=(LABELS, P, WEIGHTS),
        reference=smoothed,
    ),
]
