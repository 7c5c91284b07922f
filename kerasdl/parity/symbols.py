"""What kerasdl offers: the symbols that must be proven."""

import functools
import inspect
from types import ModuleType

import keras

import kerasdl

NAMESPACES = (
    "activations",
    "callbacks",
    "constraints",
    "initializers",
    "layers",
    "losses",
    "ops",
    "optimizers",
    "optimizers.schedules",
    "regularizers",
)
# Public, but no equation: look-ups, shapes, bases, display.
WITHOUT_EQUATION = {
    "get",
    "serialize",
    "deserialize",
    "attention_equations",
    "compute_fans",
    "fresh_copy",
    "with_axes",
    "RandomInitializer",
    "ProgressBar",
    "BestWeights",
}

# A function of `kerasdl.ops` that is the whole of an object's equation is proven through it.
PROVEN_THROUGH = {
    "adadelta_update": "optimizers.Adadelta",
    "adafactor_update": "optimizers.Adafactor",
    "adagrad_update": "optimizers.Adagrad",
    "adam_update": "optimizers.Adam",
    "adamax_update": "optimizers.Adamax",
    "adamw_update": "optimizers.AdamW",
    "amsgrad_update": "optimizers.Adam",
    "centered_rmsprop_update": "optimizers.RMSprop",
    "exponential_moving_average": "optimizers.RMSprop",
    "ftrl_update": "optimizers.Ftrl",
    "lamb_update": "optimizers.Lamb",
    "lion_update": "optimizers.Lion",
    "momentum_update": "optimizers.SGD",
    "muon_update": "optimizers.Muon",
    "nadam_update": "optimizers.Nadam",
    "nesterov_update": "optimizers.SGD",
    "newton_schulz": "optimizers.Muon",
    "rmsprop_update": "optimizers.RMSprop",
    "schedule_free_update": "optimizers.ScheduleFreeAdamW",
    "sgd_update": "optimizers.SGD",
    "alpha_dropout": "layers.AlphaDropout",
    "dropout": "layers.Dropout",
    "gaussian_dropout": "layers.GaussianDropout",
    "gaussian_noise": "layers.GaussianNoise",
    "batch_normalization": "layers.BatchNormalization",
    "fast_batch_normalization": "layers.BatchNormalization",
    "moments": "layers.BatchNormalization",
    "renormalization": "layers.BatchNormalization",
    "group_normalization": "layers.GroupNormalization",
    "fast_group_normalization": "layers.GroupNormalization",
    "layer_normalization": "layers.LayerNormalization",
    "fast_layer_normalization": "layers.LayerNormalization",
    "rms_normalization": "layers.RMSNormalization",
    "fast_rms_normalization": "layers.RMSNormalization",
    "deviation_scaling": "layers.LayerNormalization",
    "spectral_norm": "layers.SpectralNormalization",
    "unit_normalization": "layers.UnitNormalization",
    "convolution": "layers.Conv2D",
    "depthwise_convolution": "layers.DepthwiseConv2D",
    "transposed_convolution": "layers.Conv2DTranspose",
    "einsum_affine": "layers.EinsumDense",
    "embedding_lookup": "layers.Embedding",
    "adaptive_average_pooling": "layers.AdaptiveAveragePooling2D",
    "adaptive_max_pooling": "layers.AdaptiveMaxPooling2D",
    "batch_dot": "layers.Dot",
    "average_pooling": "layers.AveragePooling2D",
    "average_pooling_equation": "layers.AveragePooling2D",
    "max_pooling": "layers.MaxPooling2D",
    "max_pooling_equation": "layers.MaxPooling2D",
    "l2_norm_pooling": "layers.L2NormPooling2D",
    "l2_norm_pooling_equation": "layers.L2NormPooling2D",
    "global_average_pooling": "layers.GlobalAveragePooling2D",
    "global_max_pooling": "layers.GlobalMaxPooling2D",
    "global_l2_norm_pooling": "layers.GlobalL2NormPooling2D",
    "perceptron": "layers.Perceptron",
    "perceptron_epoch": "layers.Perceptron",
    "perceptron_update": "layers.Perceptron",
}


def _namespace(root, path: str):
    try:
        return functools.reduce(getattr, path.split("."), root)
    except AttributeError:
        return None


def offered() -> dict[str, tuple]:
    """Map each public name that Keras has and we replace to (Keras', ours).

    Example:
        >>> theirs, ours = offered()["layers.Dense"]
        >>> theirs is keras.layers.Dense, ours is kerasdl.layers.Dense
        (True, True)
    """
    found = {}
    for path in NAMESPACES:
        builtin, own = _namespace(keras, path), _namespace(kerasdl, path)
        if own is None:
            continue
        for name in dir(builtin):
            theirs = getattr(builtin, name)
            ours = getattr(own, name, theirs)
            if (
                not name.startswith("_")
                and not isinstance(theirs, ModuleType)
                and ours is not theirs
            ):
                found[f"{path}.{name}"] = (theirs, ours)
    return found


def public() -> dict[str, object]:
    """Map every public symbol of ours that needs a proof to the object, aliases once.

    Example:
        >>> "layers.ClassToken" in public(), "layers.get" in public()
        (True, False)
    """
    found = {}
    for path in NAMESPACES:
        own, builtin = _namespace(kerasdl, path), _namespace(keras, path)
        if own is None:
            continue
        for name, value in sorted(vars(own).items(), key=_class_names_first):
            if (
                not name.startswith("_")
                and name not in WITHOUT_EQUATION
                and not (path == "ops" and name in PROVEN_THROUGH)
                and (inspect.isclass(value) or inspect.isfunction(value))
                and getattr(builtin, name, None) is not value
                and _lives_here(value, path)
            ):
                found.setdefault(id(value), (f"{path}.{name}", value))
    return dict(found.values())


def _class_names_first(entry):
    name, value = entry
    return name != getattr(value, "__name__", name), name


def _lives_here(value, path: str) -> bool:
    """Whether the object belongs to the namespace and was not just imported for use."""
    return value.__module__.startswith(f"kerasdl.{path.split('.')[0]}")
