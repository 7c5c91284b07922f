"""Cases of the layers that only move numbers."""

from kerasdl.parity.case import Input, LayerCase

SEQUENCE = Input((2, 5, 3), free=(0, 1))
PICTURE = Input((2, 6, 7, 3), free=(0, 1, 2))
VOLUME = Input((2, 5, 6, 7, 3), free=(0, 1, 2, 3))
FIRST = Input((2, 3, 6, 7), free=(0, 2, 3))


def case(name, inputs, label="", **kwargs):
    """Return a case of a layer on one input."""
    return LayerCase(symbol=f"layers.{name}", label=label, kwargs=kwargs, inputs=(inputs,))


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
    case("UpSampling3D", VOLUME, size=(1, 2, 3)),
    case("RepeatVector", Input((2, 5)), n=3),
    case("Flatten", Input((2, 4, 5, 3))),
    case("Flatten", Input((2, 3, 4, 5)), "channels first", data_format="channels_first"),
    case("Permute", Input((2, 4, 5, 3), free=(0, 1, 2)), dims=(3, 1, 2)),
]
