"""The Vision Transformer."""

import keras

from kerasdl import layers
from kerasdl.models.common import head_dtype
from kerasdl.models.patch_transformer import PatchTransformer, checked_config, encoded_patches


@keras.saving.register_keras_serializable(package="kerasdl")
class ViT(PatchTransformer):
    r"""Vision Transformer: a picture read as a sequence of patches.

    ```
    image                       (B, H, W, C)
      │ PatchEmbedding          split into N = (H/P)(W/P) patches, flatten, project
      ▼
    patches                     (B, N, D)
      │ ClassToken              one learned vector in front (pooling="token")
      ▼
    tokens                      (B, N + 1, D)
      │ PositionEmbedding       one learned vector per position, added
      │ Dropout
      ▼
    z₀                          (B, N + 1, D)
      │ TransformerEncoder × L  y = z + MHA(LN(z)),  z = y + FFN(LN(y))
      ▼
    z_L                         (B, N + 1, D)
      │ LayerNormalization
      │ pooling                 the class token, or the mean over all tokens
      ▼
    image representation        (B, D)
      │ Dense                   the MLP head
      ▼
    logits                      (B, classes)
    ```

    Args:
        image_shape: `(H, W, C)` of the pictures, values in [0, 1].
        num_classes: Number of classes.
        patch_size: Side of a patch in pixels, or `(height, width)`.
        num_layers: L, the number of encoder layers.
        num_heads: Heads of each attention; must divide `hidden_dim`.
        hidden_dim: D, the size of the token vectors.
        mlp_dim: Hidden size of the feed-forward networks; default `2 * hidden_dim`.
        dropout: Share dropped after the positions and in every encoder layer.
        attention_dropout: Share of attention weights dropped.
        pooling: `"token"` (the class token) or `"mean"` (no class token).
        **kwargs: `name`, `dtype` of `keras.Model`.

    Call arguments:
        inputs: Pictures (B, H, W, C).

    Returns:
        Logits (B, classes): scores before the softmax.

    Raises:
        ValueError: If the sizes do not divide, or `pooling` is unknown.

    Source:
        Dosovitskiy et al., 2021, An Image is Worth 16x16 Words, section 3.1, equations 1 to 4.

    Example:
        >>> model = ViT((8, 8, 1), num_classes=10, patch_size=2, num_layers=1, hidden_dim=16)
        >>> tuple(model(keras.ops.zeros((2, 8, 8, 1))).shape)
        (2, 10)

    Differences from the paper: small default sizes; positions start ten times larger; a linear head
    throughout (the paper uses one hidden layer in pre-training).
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
        pooling="token",
        **kwargs,
    ):
        if pooling not in ("token", "mean"):
            raise ValueError(f"`pooling` must be 'token' or 'mean', received {pooling!r}.")
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
            "pooling": pooling,
        }
        config, dtype = checked_config("ViT", arguments, kwargs)
        image = keras.Input(config["image_shape"], name="image")
        z = encoded_patches(image, class_token=pooling == "token", **config, dtype=dtype)
        y = z[:, 0] if pooling == "token" else keras.ops.mean(z, axis=1)
        logits = layers.Dense(num_classes, dtype=head_dtype(dtype), name="head")(y)
        super().__init__(image, logits, config, dtype, **kwargs)

    @property
    def pooling(self):
        """What stands for the picture: "token" or "mean"."""
        return self._config["pooling"]
