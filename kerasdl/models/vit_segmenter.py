"""A Vision Transformer that says of every pixel what it belongs to."""

import keras
from keras import ops

from kerasdl import layers
from kerasdl.models.common import head_dtype
from kerasdl.models.patch_transformer import PatchTransformer, checked_config, encoded_patches
from kerasdl.ops.embedding import extract_patches, join_patches


@keras.saving.register_keras_serializable(package="kerasdl")
class ViTSegmenter(PatchTransformer):
    r"""Semantic segmentation: each encoded patch is unfolded into the classes of its pixels.

    ```
    image                       (B, H, W, C)
      │ as in ViT               patches, positions, L encoder layers, LayerNormalization
      ▼
    z_L                         (B, N, D)
      │ beside it the patch     (B, N, D + P_h P_w C)
      │ Dense, GELU, Dense      the MLP head: P_h · P_w · K numbers of every patch
      ▼
    patches of logits           (B, N, P_h P_w K)
      │ join_patches            laid side by side, as the patches were cut
      ▼
    logits                      (B, H, W, K)
    ```

    A patch has seen all others when it is unfolded, so that it knows what it is a part of. Where in
    it the borders run, its pixels say, which the head is given once more: the tokens need not carry
    them through all layers.

    Args:
        image_shape: `(H, W, C)` of the pictures, values in [0, 1].
        num_classes: $K$, the background included.
        patch_size: Side of a patch in pixels, or `(height, width)`.
        num_layers: L, the number of encoder layers.
        num_heads: Heads of each attention; must divide `hidden_dim`.
        hidden_dim: D, the size of the token vectors.
        mlp_dim: Hidden size of the feed-forward networks; default `2 * hidden_dim`.
        dropout: Share dropped after the positions and in every encoder layer.
        attention_dropout: Share of attention weights dropped.
        stem: How patches are read: "patches" flattens and projects each, as in ViT;
            "convolutions" reads them by 3×3 filters of stride 2, see
            `kerasdl.models.patch_transformer.convolution_stem`.
        **kwargs: `name`, `dtype` of `keras.Model`.

    Call arguments:
        inputs: Pictures (B, H, W, C).

    Returns:
        Logits (B, H, W, K): scores before the softmax over the classes.

    Raises:
        ValueError: If the sizes do not divide.

    Source:
        Strudel et al., 2021, Segmenter: Transformer for Semantic Segmentation, section 3.2.

    Example:
        >>> model = ViTSegmenter((8, 8, 1), num_classes=3, num_layers=1, hidden_dim=16)
        >>> tuple(model(keras.ops.zeros((2, 8, 8, 1))).shape)
        (2, 8, 8, 3)

    Differences from the paper: its linear decoder gives K numbers a patch and interpolates between
    patches, which blurs borders finer than a patch; here each patch gives those of its pixels, and
    the head, an MLP, sees the patch beside its token.
    """

    def __init__(
        self,
        image_shape,
        num_classes,
        patch_size=4,
        num_layers=4,
        num_heads=4,
        hidden_dim=64,
        mlp_dim=None,
        dropout=0.1,
        attention_dropout=0.0,
        stem="patches",
        **kwargs,
    ):
        arguments = {
            "image_shape": image_shape,
            "num_classes": num_classes,
            "patch_size": patch_size,
            "num_layers": num_layers,
            "num_heads": num_heads,
            "hidden_dim": hidden_dim,
            "mlp_dim": mlp_dim,
            "dropout": dropout,
            "attention_dropout": attention_dropout,
            "stem": stem,
        }
        config, dtype = checked_config("ViTSegmenter", arguments, kwargs)
        P_h, P_w = config["patch_size"]
        image = keras.Input(config["image_shape"], name="image")
        z = encoded_patches(image, **config, dtype=dtype)
        x_p = extract_patches(image, (P_h, P_w))
        h = ops.concatenate([z, ops.cast(x_p, z.dtype)], axis=-1)
        h = layers.Dense(config["mlp_dim"], activation="gelu", dtype=dtype, name="mlp_head")(h)
        pixels = layers.Dense(P_h * P_w * num_classes, dtype=head_dtype(dtype), name="head")(h)
        logits = join_patches(pixels, config["image_shape"][:2], (P_h, P_w))
        super().__init__(image, logits, config, dtype, **kwargs)
