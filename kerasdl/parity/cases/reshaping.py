"""Cases of the layers that only move numbers, or put new ones between them."""

import numpy as np

from kerasdl.parity.case import Input, LayerCase

SEQUENCE = Input((2, 5, 3), free=(0, 1))
PICTURE = Input((2, 6, 7, 3), free=(0, 1, 2))
VOLUME = Input((2, 5, 6, 7, 3), free=(0, 1, 2, 3))
FIRST = Input((2, 3, 6, 7), free=(0, 2, 3))


def case(name, inputs, label="", **kwargs):
    """Return a case of a layer on one input."""
    return LayerCase(symbol=f"layers.{name}", label=label, kwargs=kwargs, inputs=(inputs,))


def some_steps_zero(rng, shape):
    """Draw a sequence with padding."""
    return rng.normal(size=shape) * (rng.uniform(size=shape[:2]) < 0.7)[..., None]


def kernel(t, interpolation):
    """Return the weight of a pixel at distance t."""
    if interpolation == "bilinear":
        return max(0.0, 1 - t)
    if interpolation == "bicubic":
        if t < 1:
            return 1.5 * t**3 - 2.5 * t**2 + 1
        return -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2 if t < 2 else 0.0
    a = int(interpolation[-1])
    return np.sinc(t) * np.sinc(t / a) if t < a else 0.0


def interpolated(size, interpolation):
    """Return interpolation as loops: a matrix of weights for rows and one for columns."""

    def matrix(n, s):
        K = np.array(
            [
                [kernel(abs((i + 0.5) / s - 0.5 - j), interpolation) for j in range(n)]
                for i in range(n * s)
            ]
        )
        return K / K.sum(axis=1, keepdims=True)

    def reference(weights, x, training):
        rows, columns = matrix(x.shape[1], size[0]), matrix(x.shape[2], size[1])
        return np.einsum("ij,bjkc,lk->bilc", rows, x, columns)

    return reference


def up_sampling(interpolation, size, wrong, skip=()):
    """Return a case of interpolation."""
    return LayerCase(
        symbol="layers.UpSampling2D",
        label=interpolation,
        kwargs={"size": size, "interpolation": interpolation},
        inputs=(PICTURE,),
        reference=interpolated(size, interpolation),
        builtin_is_wrong={**wrong, **ROUNDS},
        skip=dict(skip),
    )


ROUNDS = {"tensorflow:float64": "computes float64 in float32"}
OTHER = {"torch": "takes another cubic, with a = −3/4, and repeats the border"}
AT_THE_VALUE = {"finite differences": "a masked step that moves is no longer masked"}
LANCZOS = (
    {
        "torch": "there is no Lanczos interpolation",
        "tensorflow:bfloat16": "there is no gradient for bfloat16",
    },
    {"weights": "there are none, and on PyTorch there is no such built-in"},
)

CASES = [
    case("Cropping1D", SEQUENCE, cropping=(1, 2)),
    case("Cropping2D", PICTURE, cropping=((1, 0), (2, 1))),
    case("Cropping2D", FIRST, "channels first", cropping=1, data_format="channels_first"),
    case("Cropping3D", VOLUME, cropping=((1, 0), (2, 1), (0, 3))),
    case("ZeroPadding1D", SEQUENCE, padding=(1, 2)),
    case("ZeroPadding2D", PICTURE, padding=((1, 0), (2, 1))),
    case("ZeroPadding2D", FIRST, "channels first", padding=1, data_format="channels_first"),
    case("ZeroPadding3D", VOLUME, padding=((1, 0), (2, 1), (0, 3))),
    case("UpSampling1D", SEQUENCE, size=3),
    case("UpSampling2D", PICTURE, size=(2, 3)),
    case("UpSampling2D", FIRST, "channels first", data_format="channels_first"),
    up_sampling("bilinear", (3, 2), {}),
    up_sampling("bicubic", (2, 4), OTHER),
    up_sampling("lanczos3", (2, 3), *LANCZOS),
    up_sampling("lanczos5", (2, 3), *LANCZOS),
    case("UpSampling3D", VOLUME, size=(1, 2, 3)),
    case("RepeatVector", Input((2, 5)), n=3),
    case("Reshape", Input((2, 4, 6)), target_shape=(3, 8)),
    case("Reshape", Input((2, 6, 4), free=(0, 1)), "one size follows", target_shape=(-1, 2)),
    LayerCase(
        symbol="layers.Masking",
        inputs=(Input((3, 6, 2), some_steps_zero, free=(0, 1)),),
        skip=AT_THE_VALUE,
    ),
    LayerCase(
        symbol="layers.Masking",
        label="another value",
        kwargs={"mask_value": -1.0},
        inputs=(Input((3, 6, 1), "signs", free=(0, 1)),),
        masks=((3, 6),),
        skip=AT_THE_VALUE,
    ),
    case("Identity", Input((2, 5, 3))),
    case("Flatten", Input((2, 4, 5, 3))),
    case("Flatten", Input((2, 3, 4, 5)), "channels first", data_format="channels_first"),
    case("Permute", Input((2, 4, 5, 3), free=(0, 1, 2)), dims=(3, 1, 2)),
]
