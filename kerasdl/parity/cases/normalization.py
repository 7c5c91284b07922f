"""Cases of the normalisations."""

import numpy as np

from kerasdl.parity.case import Input, LayerCase

SEQUENCE = Input((3, 5, 6), free=(0, 1))
PICTURE = Input((3, 4, 5, 6), free=(0, 1, 2))
ROUNDS = {"jax:float64": "computes float64 in float32"}


def layer_normalization(weights, x, training):
    """Each example's features to mean 0 and variance 1, then scaled and shifted."""
    y = np.zeros(x.shape)
    for b in range(x.shape[0]):
        for t in range(x.shape[1]):
            mu = x[b, t].mean()
            sigma_2 = ((x[b, t] - mu) ** 2).mean()
            y[b, t] = weights["gamma"] * (x[b, t] - mu) / np.sqrt(sigma_2 + 1e-3) + weights["beta"]
    return y


def rms_normalization(weights, x, training):
    """Each example's features divided by their root mean square, then scaled."""
    rms = np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-6)
    return weights["scale"] * x / rms


CASES = [
    LayerCase(
        symbol="layers.BatchNormalization",
        inputs=(SEQUENCE,),
        masks=((3, 5),),
    ),
    LayerCase(symbol="layers.BatchNormalization", label="pictures", inputs=(PICTURE,)),
    LayerCase(
        symbol="layers.BatchNormalization",
        label="channels first, no scale",
        kwargs={"axis": 1, "scale": False, "momentum": 0.8, "epsilon": 0.01},
        inputs=(Input((3, 6, 4, 5), free=(0, 2, 3)),),
    ),
    LayerCase(
        symbol="layers.LayerNormalization",
        inputs=(SEQUENCE,),
        masks=((3, 5),),
        builtin_is_wrong=ROUNDS,
        reference=layer_normalization,
    ),
    LayerCase(
        symbol="layers.LayerNormalization",
        label="two axes, no shift",
        kwargs={"axis": (1, 2), "center": False},
        inputs=(Input((3, 5, 6)),),
        builtin_is_wrong={
            **ROUNDS,
            "torch": "normalises over the last axes only as one, with other weights",
        },
        reference=lambda weights, x, training: (
            weights["gamma"]
            * (x - x.mean(axis=(1, 2), keepdims=True))
            / np.sqrt(x.var(axis=(1, 2), keepdims=True) + 1e-3)
        ),
    ),
    LayerCase(
        symbol="layers.RMSNormalization",
        inputs=(SEQUENCE,),
        masks=((3, 5),),
        builtin_is_wrong=ROUNDS,
        reference=rms_normalization,
    ),
    LayerCase(symbol="layers.GroupNormalization", kwargs={"groups": 3}, inputs=(PICTURE,)),
    LayerCase(symbol="layers.UnitNormalization", inputs=(SEQUENCE,), masks=((3, 5),)),
]
