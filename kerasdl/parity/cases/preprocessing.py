"""Cases of the augmentation layers: the identity at inference, what they draw in training.

That a transformation equals Keras' for the same drawn angle, shift or factor is tested in
`tests/layers/preprocessing`.
"""

import numpy as np

from kerasdl.parity.case import Input, LayerCase

PICTURES = Input((6, 8, 9, 3), "uniform")


def flipped(x, y):
    """Each picture is one of its four mirror images, and not all are the same one."""
    errors, kinds = [], set()
    for before, after in zip(x, y, strict=True):
        mirrored = [before, before[::-1], before[:, ::-1], before[::-1, ::-1]]
        distances = [np.abs(after - m).max() for m in mirrored]
        kinds.add(int(np.argmin(distances)))
        errors.append(min(distances))
    return {"a mirror image": (max(errors), 1e-6), "several kinds": (0 if len(kinds) > 1 else 1, 0)}


def within(x, y):
    """Interpolation invents no value outside the picture's, and something has moved."""
    beyond = max(0.0, y.max() - x.max(), x.min() - y.min())
    return {"range": (beyond, 1e-6), "moved": (0.0 if np.abs(x - y).max() > 1e-3 else 1.0, 0.0)}


def contrasted(x, y):
    """Each picture and channel is stretched about its mean."""
    errors = []
    for before, after in zip(x, y, strict=True):
        mean = before.mean(axis=(0, 1))
        factor = ((after - mean) * (before - mean)).sum() / ((before - mean) ** 2).sum()
        errors.append(np.abs(mean + factor * (before - mean) - after).max())
    return {"stretched about the mean": (max(errors), 1e-4)}


def brightened(x, y):
    """One number is added to each picture."""
    added = (y - x).reshape(len(x), -1)
    return {"one number": (np.ptp(added, axis=1).max(), 1e-5)}


def cropped(x, y):
    """Each result is a window of its picture."""
    h, w = y.shape[1:3]
    errors = []
    for before, after in zip(x, y, strict=True):
        windows = [
            before[i : i + h, j : j + w]
            for i in range(before.shape[0] - h + 1)
            for j in range(before.shape[1] - w + 1)
        ]
        errors.append(min(np.abs(after - window).max() for window in windows))
    return {"a window": (max(errors), 1e-6)}


def drawing(name, draws, **kwargs):
    """Return the case of a layer that draws while training."""
    return LayerCase(
        symbol=f"layers.{name}", kwargs={"seed": 1, **kwargs}, inputs=(PICTURES,), draws=draws
    )


CASES = [
    drawing("RandomFlip", flipped),
    drawing("RandomRotation", within, factor=0.2),
    drawing("RandomTranslation", within, height_factor=0.3, width_factor=0.2),
    drawing("RandomZoom", within, height_factor=0.3),
    drawing("RandomContrast", contrasted, factor=(0.1, 0.5), value_range=(-10, 10)),
    drawing("RandomBrightness", brightened, factor=0.2, value_range=(-10, 10)),
    LayerCase(
        symbol="layers.RandomCrop",
        kwargs={"height": 5, "width": 6, "seed": 1},
        inputs=(Input((6, 10, 12, 3), "uniform"),),
        draws=cropped,
        # The largest window of 5 : 6 is the whole picture; halved, each pixel is a mean of four.
        reference=lambda weights, x, training: x.reshape(6, 5, 2, 6, 2, 3).mean(axis=(2, 4)),
        builtin_is_wrong={"all": "returns the whole picture at inference"},
    ),
    LayerCase(symbol="layers.CenterCrop", kwargs={"height": 5, "width": 6}, inputs=(PICTURES,)),
    LayerCase(symbol="layers.Rescaling", kwargs={"scale": 0.5, "offset": -1.0}, inputs=(PICTURES,)),
]
