"""Cases of the normalisations."""

import numpy as np

from kerasdl.parity.case import Input, LayerCase

SEQUENCE = Input((3, 5, 6), free=(0, 1))
PICTURE = Input((3, 4, 5, 6), free=(0, 1, 2))


def layer_normalization(weights, x, training):
    """Each example's features to mean 0 and variance 1, then scaled and shifted."""
    y = np.zeros(x.shape)
    for b in range(x.shape[0]):
        for t in range(x.shape[1]):
            mu = x[b, t].mean()
            sigma_2 = ((x[b, t] - mu) ** 2).mean()
            y[b, t] = weights["gamma"] * (x[b, t] - mu) / np.sqrt(sigma_2 + 1e-3) + weights["beta"]
    return y


def spectral_normalization(weights, x, training):
    """The kernel divided by σ of three power iterations."""
    W, u = weights["dense/kernel"], weights["vector_u"]
    if training:
        for _ in range(3):
            v = u @ W.T / np.linalg.norm(u @ W.T)
            u = v @ W / np.linalg.norm(v @ W)
        W = W / (v @ W @ u.T)
    return x @ W + weights["dense/bias"]


def rms_normalization(weights, x, training):
    """Each example's features divided by their root mean square, then scaled."""
    rms = np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-6)
    return weights["scale"] * x / rms


def batch_normalization(epsilon=1e-3, axis=-1):
    """Return the loop over the channels: the batch's moments in training, the averages else."""

    def reference(weights, x, training):
        x = np.moveaxis(x, axis, -1)
        y = np.zeros(x.shape)
        for c in range(x.shape[-1]):
            mu, sigma_2 = weights["moving_mean"][c], weights["moving_variance"][c]
            if training:
                mu = x[..., c].mean()
                sigma_2 = ((x[..., c] - mu) ** 2).mean()
            gamma = weights["gamma"][c] if "gamma" in weights else 1
            y[..., c] = gamma * (x[..., c] - mu) / np.sqrt(sigma_2 + epsilon) + weights["beta"][c]
        return np.moveaxis(y, -1, axis)

    return reference


CASES = [
    LayerCase(
        symbol="layers.BatchNormalization",
        inputs=(SEQUENCE,),
        masks=((3, 5),),
        reference=batch_normalization(),
    ),
    LayerCase(
        symbol="layers.BatchNormalization",
        label="pictures",
        inputs=(PICTURE,),
        reference=batch_normalization(),
    ),
    LayerCase(
        symbol="layers.BatchNormalization",
        label="renormalised",
        kwargs={"renorm": True, "renorm_clipping": {"rmax": 1.5, "rmin": 0.5, "dmax": 0.25}},
        inputs=(PICTURE,),
        skip={"finite differences": "the paper takes the correction for constant in the gradient"},
    ),
    LayerCase(
        symbol="layers.BatchNormalization",
        label="channels first, no scale",
        kwargs={"axis": 1, "scale": False, "momentum": 0.8, "epsilon": 0.01},
        inputs=(Input((3, 6, 4, 5), free=(0, 2, 3)),),
        reference=batch_normalization(epsilon=0.01, axis=1),
    ),
    LayerCase(
        symbol="layers.LayerNormalization",
        inputs=(SEQUENCE,),
        masks=((3, 5),),
        reference=layer_normalization,
    ),
    LayerCase(
        symbol="layers.LayerNormalization",
        label="two axes, no shift",
        kwargs={"axis": (1, 2), "center": False},
        inputs=(Input((3, 5, 6)),),
        builtin_is_wrong={
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
        reference=rms_normalization,
    ),
    LayerCase(
        symbol="layers.SpectralNormalization",
        make=lambda k: k.layers.SpectralNormalization(k.layers.Dense(4, name="dense"), 3),
        inputs=(SEQUENCE,),
        reference=spectral_normalization,
        skip={"finite differences": "each call divides the variable, where no gradient flows"},
    ),
    LayerCase(symbol="layers.GroupNormalization", kwargs={"groups": 3}, inputs=(PICTURE,)),
    LayerCase(symbol="layers.UnitNormalization", inputs=(SEQUENCE,), masks=((3, 5),)),
]
