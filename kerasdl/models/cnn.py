"""The convolutional network."""

import keras

from kerasdl.layers.arguments import positive_integer
from kerasdl.models.common import (
    OURS,
    Network,
    head_dtype,
    reject_unknown,
    sizes,
    strength,
)


@keras.saving.register_keras_serializable(package="kerasdl")
class CNN(Network):
    r"""Convolutional network: filters that look for the same pattern everywhere in the picture.

    ```
    image                       (B, H, W, C)
      │ block × L
      │   Conv2D "same"         f filters of k × k, shared over all positions
      │   BatchNormalization    (batch_norm)
      │   Activation
      │   MaxPooling2D          the strongest answer of each 2 × 2 window; halves H and W
      ▼
    features                    (B, H/2ᴸ, W/2ᴸ, f_L)
      │ Flatten, Dropout
      │ Dense, Activation       (dense_units)
      │ Dropout
      ▼
    representation              (B, dense_units)
      │ Dense
      ▼
    logits                      (B, classes)
    ```

    With `l2` $= \lambda$ the loss grows by $\lambda \sum \lVert W \rVert_2^2$ over all kernels.

    Args:
        image_shape: `(H, W, C)` of the pictures, values in [0, 1].
        num_classes: Number of classes.
        filters: Filters of each block; its length L is the depth.
        kernel_size: Side k of the filters.
        activation: Non-linearity throughout.
        batch_norm: Whether the answers of each filter are normalised over the batch.
        dense_units: Units of the dense layer; 0 for none.
        dropout: Share dropped before and after the dense layer.
        l2: $\lambda$, the strength of the penalty on the kernels.
        **kwargs: `name`, `dtype` of `keras.Model`.

    Call arguments:
        inputs: Pictures (B, H, W, C).

    Returns:
        Logits (B, classes): scores before the softmax.

    Raises:
        ValueError: If a size or a share is out of range, or the picture is too small for so many
            blocks.

    Source:
        LeCun et al., 1998, Gradient-based learning applied to document recognition, section 2.
        Ioffe and Szegedy, 2015, Batch Normalization, for the order of the layers in a block.

    Example:
        >>> model = CNN((8, 8, 1), num_classes=10, filters=(4, 8), dense_units=16)
        >>> tuple(model(keras.ops.zeros((2, 8, 8, 1))).shape)
        (2, 10)

    Differences from the paper: rectified units, maxima in place of weighted means, batch
    normalisation, dropout.
    """

    def __init__(
        self,
        image_shape,
        num_classes,
        filters=(32, 64),
        kernel_size=3,
        activation="relu",
        batch_norm=True,
        dense_units=128,
        dropout=0.25,
        l2=0.0,
        **kwargs,
    ):
        dtype = kwargs.pop("dtype", None)
        reject_unknown("CNN", kwargs)
        H, W, C = image_shape
        config = {
            "image_shape": (H, W, C),
            "num_classes": positive_integer("num_classes", num_classes),
            "filters": sizes("filters", filters),
            "kernel_size": positive_integer("kernel_size", kernel_size),
            "activation": activation,
            "batch_norm": batch_norm,
            "dense_units": positive_integer("dense_units", dense_units) if dense_units else 0,
            "dropout": dropout,
            "l2": strength("l2", l2),
        }
        most = min(H, W).bit_length() - 1  # halvings that leave a pixel
        if not 1 <= len(config["filters"]) <= most:
            raise ValueError(
                f"`filters` must name 1 to {most} blocks for pictures of {H} × {W}: each halves "
                f"them; received {filters!r}."
            )
        super().__init__(*self.assemble(**config, dtype=dtype), config, dtype, **kwargs)

    @property
    def blocks(self):
        """The layers that give each block's feature maps, before they are pooled."""
        return [self.get_layer(f"activation_{i}") for i in range(len(self._config["filters"]))]

    @staticmethod
    def assemble(**config):
        """Return the symbolic input and the logits."""
        image = keras.Input(config["image_shape"], name="image")
        return image, cnn_logits(image, **config)


def cnn_logits(
    image,
    *,
    num_classes,
    filters,
    kernel_size,
    activation,
    batch_norm,
    dense_units,
    dropout,
    l2,
    dtype=None,
    library=OURS,
    **_,
):
    """Put the network together.

    Args:
        image: Symbolic tensor (B, H, W, C).
        num_classes: As in `CNN`, like all that follow.
        filters: See `CNN`.
        kernel_size: See `CNN`.
        activation: See `CNN`.
        batch_norm: See `CNN`.
        dense_units: See `CNN`.
        dropout: See `CNN`.
        l2: See `CNN`.
        dtype: Of all layers but the last under mixed precision.
        library: Where layers, activations and regularisers come from; `keras` for the built-ins.

    Returns:
        Logits (B, classes), symbolic.
    """
    layers, g = library.layers, library.activations.get(activation)
    penalty = {"kernel_regularizer": library.regularizers.L2(l2)} if l2 else {}
    a = image
    for i, count in enumerate(filters):
        a = layers.Conv2D(
            count,
            kernel_size,
            padding="same",
            use_bias=not batch_norm,  # the normalisation's beta is one
            kernel_initializer="he_normal",
            dtype=dtype,
            name=f"conv_{i}",
            **penalty,
        )(a)
        if batch_norm:
            a = layers.BatchNormalization(dtype=dtype, name=f"norm_{i}")(a)
        a = layers.Activation(g, dtype=dtype, name=f"activation_{i}")(a)
        a = layers.MaxPooling2D(2, dtype=dtype, name=f"pool_{i}")(a)
    a = layers.Flatten(dtype=dtype, name="flatten")(a)
    if dropout:
        a = layers.Dropout(dropout, dtype=dtype, name="features_dropout")(a)
    if dense_units:
        a = layers.Dense(
            dense_units, kernel_initializer="he_normal", dtype=dtype, name="dense", **penalty
        )(a)
        a = layers.Activation(g, dtype=dtype, name="activation")(a)
        if dropout:
            a = layers.Dropout(dropout, dtype=dtype, name="dropout")(a)
    return layers.Dense(num_classes, dtype=head_dtype(dtype), name="head", **penalty)(a)
