"""Cases of the convolutions: the equation, and beside it the backend's primitive."""

from kerasdl.parity.case import Input, LayerCase

SEQUENCE = Input((2, 9, 4), free=(0, 1))
PICTURE = Input((2, 7, 8, 4), free=(0, 1, 2))
VOLUME = Input((2, 5, 6, 4, 2), free=(0, 1, 2, 3))


def convolution(name, inputs, label="", forms=("equation", "primitive"), **kwargs):
    """Return one case for each form of ours; the built-in is the same for all."""

    def make(form):
        def build(k):
            layer = getattr(k.layers, name)
            own = {"implementation": form} if k.__name__ == "kerasdl" else {}
            return layer(**kwargs, **own)

        return build

    return [
        LayerCase(
            symbol=f"layers.{name}",
            label=", ".join(filter(None, (label, form))),
            make=make(form),
            inputs=(inputs,),
        )
        for form in forms
    ]


FILTERS = {"filters": 3, "kernel_size": 3}

CASES = [
    *convolution("Conv1D", SEQUENCE, **FILTERS),
    *convolution(
        "Conv1D", SEQUENCE, "causal, dilated", **FILTERS, padding="causal", dilation_rate=2
    ),
    *convolution("Conv2D", PICTURE, **FILTERS),
    *convolution("Conv2D", PICTURE, "same, strided", **FILTERS, padding="same", strides=2),
    *convolution("Conv2D", PICTURE, "dilated", **FILTERS, dilation_rate=(2, 1)),
    *convolution("Conv2D", PICTURE, "groups", filters=6, kernel_size=(3, 2), groups=2),
    *convolution("Conv3D", VOLUME, filters=3, kernel_size=2, padding="same"),
    *convolution("DepthwiseConv1D", SEQUENCE, kernel_size=3, depth_multiplier=2),
    *convolution("DepthwiseConv2D", PICTURE, kernel_size=3, padding="same", strides=2),
    *convolution("SeparableConv1D", SEQUENCE, **FILTERS),
    *convolution("SeparableConv2D", PICTURE, **FILTERS, padding="same"),
    *convolution("Conv1DTranspose", SEQUENCE, **FILTERS, strides=2),
    *convolution("Conv2DTranspose", PICTURE, **FILTERS, strides=2, padding="same"),
    *convolution("Conv3DTranspose", VOLUME, filters=3, kernel_size=2, strides=2),
]
