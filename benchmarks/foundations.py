"""The foundations against Keras' built-ins: `make bench-foundations`."""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from harness import LayerBench, LossBench, OptimizerBench, main
from keras import ops


def numbers(values, dtype="float32"):
    return ops.convert_to_tensor(np.asarray(values), dtype=dtype)


def tokens():
    rng = np.random.default_rng(0)
    return [numbers(rng.integers(10_000, size=(64, 128)), "int32")]


def labelled(B=512, classes=100):
    rng = np.random.default_rng(0)
    return numbers(rng.integers(classes, size=B), "int32"), numbers(rng.normal(size=(B, classes)))


def distributions(B=512, classes=100):
    rng = np.random.default_rng(0)
    return (
        numbers(np.eye(classes)[rng.integers(classes, size=B)]),
        numbers(rng.dirichlet(np.ones(classes), size=B)),
    )


def one_hot(B=512, classes=100):
    labels, logits = labelled(B, classes)
    return numbers(np.eye(classes)[np.asarray(labels)]), logits


def real(B=4096, features=64):
    rng = np.random.default_rng(0)
    return numbers(rng.normal(size=(B, features))), numbers(rng.normal(size=(B, features)))


def binary(B=4096, features=64):
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=(B, features))
    return numbers(y), numbers(rng.normal(size=(B, features)))


LAYERS = [
    LayerBench("Dense 256×512→512", lambda k: k.layers.Dense(512), ((256, 512),)),
    LayerBench(
        "Dense 64×128×256→256 relu", lambda k: k.layers.Dense(256, "relu"), ((64, 128, 256),)
    ),
    LayerBench(
        "LayerNormalization 64×128×256", lambda k: k.layers.LayerNormalization(), ((64, 128, 256),)
    ),
    LayerBench(
        "RMSNormalization 64×128×256", lambda k: k.layers.RMSNormalization(), ((64, 128, 256),)
    ),
    LayerBench(
        "BatchNormalization 64×28×28×32",
        lambda k: k.layers.BatchNormalization(),
        ((64, 28, 28, 32),),
    ),
    LayerBench(
        "BatchNormalization 256×512", lambda k: k.layers.BatchNormalization(), ((256, 512),)
    ),
    LayerBench(
        "Embedding 10000×128, 64×128", lambda k: k.layers.Embedding(10_000, 128), inputs=tokens
    ),
    LayerBench("Dropout 64×128×256", lambda k: k.layers.Dropout(0.5, seed=0), ((64, 128, 256),)),
]

PICTURES = {"32×28×28×32": (32, 28, 28, 32), "32×64×64×16": (32, 64, 64, 16)}
POOLING = [
    LayerBench(f"{name} {label} {size}", make, (shape,))
    for size, shape in PICTURES.items()
    for name, label, make in (
        ("MaxPooling2D", "2", lambda k: k.layers.MaxPooling2D(2)),
        ("MaxPooling2D", "3/2 same", lambda k: k.layers.MaxPooling2D(3, 2, "same")),
        ("AveragePooling2D", "2", lambda k: k.layers.AveragePooling2D(2)),
        ("AveragePooling2D", "3/2 same", lambda k: k.layers.AveragePooling2D(3, 2, "same")),
        ("GlobalMaxPooling2D", "", lambda k: k.layers.GlobalMaxPooling2D()),
        ("GlobalAveragePooling2D", "", lambda k: k.layers.GlobalAveragePooling2D()),
    )
]


def convolution(implementation, filters):
    return lambda k: k.layers.Conv2D(filters, 3, padding="same", implementation=implementation)


CONVOLUTION = [
    LayerBench(
        f"Conv2D 3×3 {size} {implementation}",
        (lambda filters: lambda k: k.layers.Conv2D(filters, 3, padding="same"))(shape[-1]),
        (shape,),
        ours=convolution(implementation, shape[-1]),
    )
    for size, shape in PICTURES.items()
    for implementation in ("auto", "primitive", "equation")
]


def positive(B=4096, features=64):
    rng = np.random.default_rng(0)
    return tuple(numbers(rng.uniform(0.1, 1.1, size=(B, features))) for _ in range(2))


def yes_or_no(B=4096, features=64):
    """Return answers and probabilities."""
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=(B, features))
    return numbers(y), numbers(rng.uniform(0.01, 0.99, size=(B, features)))


def classes(B=512, number=100):
    """Return integer labels and probabilities."""
    labels, _ = labelled(B, number)
    return labels, distributions(B, number)[1]


def embedded(B=256, features=64):
    """Return labels and vectors of length 1."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(B, features))
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    return numbers(rng.integers(10, size=B), "int32"), numbers(vectors)


LOSSES = [
    LossBench(f"{name} {label}", make, inputs)
    for name, label, make, inputs in (
        ("MeanSquaredError", "4096×64", lambda k: k.losses.MeanSquaredError(), real),
        ("MeanAbsoluteError", "4096×64", lambda k: k.losses.MeanAbsoluteError(), real),
        (
            "MeanAbsolutePercentageError",
            "4096×64",
            lambda k: k.losses.MeanAbsolutePercentageError(),
            positive,
        ),
        (
            "MeanSquaredLogarithmicError",
            "4096×64",
            lambda k: k.losses.MeanSquaredLogarithmicError(),
            positive,
        ),
        ("CosineSimilarity", "4096×64", lambda k: k.losses.CosineSimilarity(), real),
        ("Huber", "4096×64", lambda k: k.losses.Huber(), real),
        ("LogCosh", "4096×64", lambda k: k.losses.LogCosh(), real),
        ("Hinge", "4096×64", lambda k: k.losses.Hinge(), real),
        ("SquaredHinge", "4096×64", lambda k: k.losses.SquaredHinge(), real),
        ("CategoricalHinge", "512×100", lambda k: k.losses.CategoricalHinge(), one_hot),
        ("KLDivergence", "4096×64", lambda k: k.losses.KLDivergence(), positive),
        ("Poisson", "4096×64", lambda k: k.losses.Poisson(), positive),
        (
            "BinaryCrossentropy",
            "logits 4096×64",
            lambda k: k.losses.BinaryCrossentropy(from_logits=True),
            binary,
        ),
        ("BinaryCrossentropy", "4096×64", lambda k: k.losses.BinaryCrossentropy(), yes_or_no),
        (
            "BinaryFocalCrossentropy",
            "4096×64",
            lambda k: k.losses.BinaryFocalCrossentropy(),
            yes_or_no,
        ),
        (
            "CategoricalCrossentropy",
            "logits 512×100",
            lambda k: k.losses.CategoricalCrossentropy(from_logits=True),
            one_hot,
        ),
        (
            "CategoricalCrossentropy",
            "512×100",
            lambda k: k.losses.CategoricalCrossentropy(),
            distributions,
        ),
        (
            "CategoricalFocalCrossentropy",
            "512×100",
            lambda k: k.losses.CategoricalFocalCrossentropy(),
            distributions,
        ),
        (
            "CategoricalGeneralizedCrossEntropy",
            "512×100",
            lambda k: k.losses.CategoricalGeneralizedCrossEntropy(),
            classes,
        ),
        (
            "SparseCategoricalCrossentropy",
            "logits 512×100",
            lambda k: k.losses.SparseCategoricalCrossentropy(from_logits=True),
            labelled,
        ),
        (
            "SparseCategoricalCrossentropy",
            "512×100",
            lambda k: k.losses.SparseCategoricalCrossentropy(),
            classes,
        ),
        ("Dice", "4096×64", lambda k: k.losses.Dice(), yes_or_no),
        ("Tversky", "4096×64", lambda k: k.losses.Tversky(), yes_or_no),
        ("Circle", "256×64", lambda k: k.losses.Circle(), embedded),
    )
]

WEIGHTS = ((512, 512),) * 6 + ((64, 64),) * 10 + ((64,),) * 20
OPTIMIZERS = [
    OptimizerBench("SGD", lambda k: k.optimizers.SGD(), WEIGHTS),
    OptimizerBench("SGD momentum", lambda k: k.optimizers.SGD(momentum=0.9), WEIGHTS),
    OptimizerBench(
        "SGD Nesterov", lambda k: k.optimizers.SGD(momentum=0.9, nesterov=True), WEIGHTS
    ),
    OptimizerBench("Adafactor", lambda k: k.optimizers.Adafactor(), WEIGHTS),
    OptimizerBench("Adagrad", lambda k: k.optimizers.Adagrad(), WEIGHTS),
    OptimizerBench("RMSprop", lambda k: k.optimizers.RMSprop(), WEIGHTS),
    OptimizerBench("RMSprop centred", lambda k: k.optimizers.RMSprop(centered=True), WEIGHTS),
    OptimizerBench("Adadelta", lambda k: k.optimizers.Adadelta(), WEIGHTS),
    OptimizerBench("Adam", lambda k: k.optimizers.Adam(), WEIGHTS),
    OptimizerBench("Adam AMSGrad", lambda k: k.optimizers.Adam(amsgrad=True), WEIGHTS),
    OptimizerBench("AdamW", lambda k: k.optimizers.AdamW(), WEIGHTS),
    OptimizerBench("Adamax", lambda k: k.optimizers.Adamax(), WEIGHTS),
    OptimizerBench("Nadam", lambda k: k.optimizers.Nadam(), WEIGHTS),
    OptimizerBench("Ftrl", lambda k: k.optimizers.Ftrl(), WEIGHTS),
    OptimizerBench("Lion", lambda k: k.optimizers.Lion(), WEIGHTS),
    OptimizerBench("Lamb", lambda k: k.optimizers.Lamb(), WEIGHTS),
    OptimizerBench("Muon", lambda k: k.optimizers.Muon(), WEIGHTS),
    OptimizerBench("ScheduleFreeAdamW", lambda k: k.optimizers.ScheduleFreeAdamW(), WEIGHTS),
]

CASES = [*LAYERS, *POOLING, *CONVOLUTION, *LOSSES, *OPTIMIZERS]

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="run the cases whose name matches")
    parser.add_argument("--no-memory", dest="memory", action="store_false")
    main("foundations", CASES, parser.parse_args())
