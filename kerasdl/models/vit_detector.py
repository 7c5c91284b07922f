"""A Vision Transformer that says what is where."""

import keras
import numpy as np
from keras import ops

from kerasdl import activations, layers
from kerasdl.models.common import head_dtype
from kerasdl.models.patch_transformer import PatchTransformer, checked_config, encoded_patches
from kerasdl.ops.boxes import non_max_suppression


@keras.saving.register_keras_serializable(package="kerasdl")
class ViTDetector(PatchTransformer):
    r"""Object detection: each encoded patch says whether an object's centre lies in it, and which.

    ```
    image                       (B, H, W, C)
      │ as in ViT               patches, positions, L encoder layers, LayerNormalization
      ▼
    z_L                         (B, N, D)
      ├ Dense                   logits of "nothing" and of K classes      (B, N, 1 + K)
      ├ Dense                   t_y, t_x, t_h, t_w                        (B, N, 4)
      │   patch_boxes           y0, x0, y1, x1 in pixels                  (B, N, 4)
      ▼ side by side
    answers                     (B, N, 1 + K + 4)
    ```

    The patch (r, c) that holds the centre of an object owns it:

    $$y = P_h (r + \sigma(t_y)), \quad x = P_w (c + \sigma(t_x)), \quad
      h = H\, \sigma(t_h), \quad w = W\, \sigma(t_w)$$

    Why the patches and no free set of queries with bipartite matching, as in DETR: who answers for
    what is settled before training, so that every step teaches the same; the matched queries need
    hundreds of epochs to divide the picture among themselves. Its price: two objects whose centres
    share a patch are one, and an object found twice must be found out (`detect` does).

    Args:
        image_shape: `(H, W, C)` of the pictures, values in [0, 1].
        num_classes: $K$, without "nothing".
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
        Tensor (B, N, 1 + K + 4): of each patch the logits, "nothing" first, and the box in pixels.

    Raises:
        ValueError: If the sizes do not divide.

    Source:
        Redmon et al., 2016, You Only Look Once, section 2 (the cell of the centre answers); Fang
        et al., 2021, You Only Look at One Sequence, for detection from a plain ViT.

    Example:
        >>> model = ViTDetector((8, 8, 1), num_classes=3, num_layers=1, hidden_dim=16)
        >>> tuple(model(keras.ops.zeros((2, 8, 8, 1))).shape)
        (2, 4, 8)
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
        config, dtype = checked_config("ViTDetector", arguments, kwargs)
        image = keras.Input(config["image_shape"], name="image")
        z = encoded_patches(image, **config, dtype=dtype)
        logits = layers.Dense(1 + num_classes, dtype=head_dtype(dtype), name="head")(z)
        t = layers.Dense(4, dtype=head_dtype(dtype), name="box_head")(z)
        boxes = patch_boxes(t, config["image_shape"][:2], config["patch_size"])
        answers = ops.concatenate([logits, boxes], axis=-1)
        super().__init__(image, answers, config, dtype, **kwargs)

    def detect(self, images, most=10, overlap=0.5):
        """Find objects, each once.

        Args:
            images: Pictures (B, H, W, C).
            most: How many objects are given at most.
            overlap: Of two boxes whose intersection over union is larger, the less probable goes.

        Returns:
            Boxes (B, n, 4), y0, x0, y1, x1 in pixels; classes (B, n), from 0; and scores (B, n),
            their probabilities, falling. What has gone has the score 0.
        """
        answers = ops.convert_to_tensor(self(images, training=False))
        probabilities = activations.softmax(answers[..., :-4])[..., 1:]  # (B, N, K)
        n = min(most, answers.shape[1])
        scores, order = ops.top_k(ops.max(probabilities, axis=-1), n)
        boxes = _in_order(answers[..., -4:], order)
        classes = ops.argmax(_in_order(probabilities, order), axis=-1)
        stays = non_max_suppression(boxes, overlap)
        scores, order = ops.top_k(ops.where(stays, scores, ops.zeros_like(scores)), n)
        return _in_order(boxes, order), ops.take_along_axis(classes, order, axis=1), scores


def _in_order(x, order):
    """Return the patches of (B, N, d) that `order` (B, n) names; n stays known in a graph."""
    chosen = ops.take_along_axis(x, order[..., None], axis=1)
    return ops.reshape(chosen, (-1, order.shape[1], x.shape[-1]))


def patch_boxes(t, image_size, patch_size):
    """Return the boxes (B, N, 4) in pixels that patches speak of; see `ViTDetector`.

    Args:
        t: $t_y, t_x, t_h, t_w$, (B, N, 4).
        image_size: (H, W).
        patch_size: (P_h, P_w).

    Example:
        >>> [float(edge) for edge in patch_boxes(ops.zeros((1, 4, 4)), (4, 8), (2, 4))[0, 1]]
        [0.0, 4.0, 2.0, 8.0]
    """
    (H, W), (P_h, P_w) = image_size, patch_size
    r, c = np.divmod(np.arange((H // P_h) * (W // P_w)), W // P_w)  # (N,)
    corner = np.stack([P_h * r, P_w * c], axis=-1).astype("float32")  # (N, 2)
    share = activations.sigmoid(t)
    centre = share[..., :2] * np.array([P_h, P_w], "float32") + corner  # (B, N, 2)
    size = share[..., 2:] * np.array([H, W], "float32")
    return ops.concatenate([centre - size / 2, centre + size / 2], axis=-1)
