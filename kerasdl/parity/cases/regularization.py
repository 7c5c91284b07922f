r"""Cases of the layers that make training noisier.

Training outputs are proven by their distribution: six standard errors leave one run in a thousand
million outside, and the seed is fixed. Inference is compared with the built-in.
"""

import numpy as np

from kerasdl.parity.case import Input, LayerCase

RATE = 0.3
TABLE = Input((60, 100), "positive")
SEQUENCE = Input((60, 3, 40), "positive", free=(0, 1))
PICTURE = Input((60, 3, 2, 40), "positive", free=(0, 1, 2))
VOLUME = Input((60, 3, 2, 2, 40), "positive", free=(0, 1, 2, 3))


def share(found, expected, draws):
    """Return the distance of a share from its probability, and six standard errors."""
    return abs(found - expected), 6 * np.sqrt(expected * (1 - expected) / draws)


def dropped(draws_of):
    """Return the check of a layer that drops and scales; `draws_of` picks one unit a draw."""

    def check(x, y):
        drop = draws_of(y) == 0
        kept = y != 0
        shared = np.where(np.broadcast_to(y == 0, y.shape), 0, x / (1 - RATE))
        return {
            "share of dropped units": share(drop.mean(), RATE, drop.size),
            "scale of the others": (np.max(np.abs(y / x - 1 / (1 - RATE))[kept]), 1e-5),
            "one draw for each": (np.max(np.abs(shared - y)), 1e-5),
            "one draw wherever it is shared": (disagreement(y, drop), 0.0),
        }

    return check


def disagreement(y, drop):
    """Count the units that were not dropped together with the unit that stands for them."""
    return np.sum((y == 0) != np.broadcast_to(drop, y.shape))


def gaussian_noise(x, y):
    """The difference is normal with mean 0 and the given deviation."""
    noise = (y - x) / 0.3
    error = 6 / np.sqrt(noise.size)
    return {
        "mean": (abs(noise.mean()), error),
        "variance": (abs(noise.var() - 1), np.sqrt(2) * error),
        "beyond two deviations": share((np.abs(noise) > 2).mean(), 0.0455, noise.size),
    }


def gaussian_dropout(x, y):
    """The quotient is normal with mean 1 and dropout's variance."""
    noise = (y / x - 1) / np.sqrt(RATE / (1 - RATE))
    return gaussian_noise(np.zeros_like(noise), 0.3 * noise)


def alpha_dropout(x, y):
    """Dropped units have one value, the others are on one line; both as the paper says."""
    alpha, scale = 1.6732632423543772, 1.0507009873554805
    lower = -alpha * scale
    a = 1 / np.sqrt((1 - RATE) * (1 + RATE * lower**2))
    b = -a * RATE * lower
    drop = np.abs(y - (a * lower + b)) < 1e-5
    return {
        "share of dropped units": share(drop.mean(), RATE, drop.size),
        "line of the others": (np.max(np.abs(y - a * x - b)[~drop]), 1e-5),
    }


def case(name, inputs, draws, label="", masks=None, **kwargs):
    """Return the case of a layer that draws."""
    return LayerCase(
        symbol=f"layers.{name}",
        label=label,
        kwargs={"seed": 5, **kwargs},
        inputs=(inputs,),
        masks=masks,
        draws=draws,
    )


CASES = [
    case("Dropout", TABLE, dropped(lambda y: y), rate=RATE),
    case(
        "Dropout",
        SEQUENCE,
        dropped(lambda y: y[:, :1]),
        "noise shape",
        masks=((60, 3),),
        rate=RATE,
        noise_shape=(None, 1, None),
    ),
    case("SpatialDropout1D", SEQUENCE, dropped(lambda y: y[:, :1]), rate=RATE),
    case("SpatialDropout2D", PICTURE, dropped(lambda y: y[:, :1, :1]), rate=RATE),
    case(
        "SpatialDropout2D",
        Input((60, 40, 3, 2), "positive", free=(0, 2, 3)),
        dropped(lambda y: y[:, :, :1, :1]),
        "channels first",
        rate=RATE,
        data_format="channels_first",
    ),
    case("SpatialDropout3D", VOLUME, dropped(lambda y: y[:, :1, :1, :1]), rate=RATE),
    case("GaussianNoise", TABLE, gaussian_noise, stddev=0.3),
    case("GaussianDropout", TABLE, gaussian_dropout, rate=RATE),
    case("AlphaDropout", TABLE, alpha_dropout, rate=RATE),
    LayerCase(
        symbol="layers.ActivityRegularization",
        kwargs={"l1": 0.1, "l2": 0.2},
        inputs=(Input((4, 3)),),
        reference=lambda weights, x, training: x,
    ),
]
