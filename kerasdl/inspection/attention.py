"""Where a Vision Transformer looks."""

import keras
import numpy as np
from keras import ops

from kerasdl.errors import InputError
from kerasdl.models import ViT


def attention_maps(model: ViT, images: np.ndarray) -> list[np.ndarray]:
    r"""Return the attention weights of every encoder layer.

    $$A^{(l)}_{b,n,t,s} = \mathrm{softmax}_s\left(q_{b,n,t} \cdot k_{b,n,s} / \sqrt{d}\right)$$

    Args:
        model: The network.
        images: Pixels in [0, 1], (B, H, W, C).

    Returns:
        For each layer an array (B, heads, T, T): how much token t takes from token s. Token 0 is
        the class token if the network has one, then come the patches row by row.

    Raises:
        InputError: If the network has no attention.

    Example:
        >>> model = ViT((8, 8, 1), 10, patch_size=4, num_layers=2, num_heads=2, hidden_dim=8)
        >>> [a.shape for a in attention_maps(model, np.zeros((3, 8, 8, 1)))]
        [(3, 2, 5, 5), (3, 2, 5, 5)]
    """
    _check_attention(model)
    inputs_of_encoders = keras.Model(model.input, [encoder.input for encoder in model.encoders])
    states = inputs_of_encoders(ops.convert_to_tensor(images, dtype=model.input.dtype))
    states = states if isinstance(states, list | tuple) else [states]
    maps = []
    for encoder, state in zip(model.encoders, states, strict=True):
        _, weights = encoder(state, return_attention_scores=True)
        maps.append(ops.convert_to_numpy(weights))
    return maps


def class_token_attention(model: ViT, images: np.ndarray, layer: int = -1) -> np.ndarray:
    r"""Return how much the class token takes from each patch, laid out as the picture is.

    $$M_{b,r,c} = \frac{1}{N} \sum_{n=1}^{N} A^{(l)}_{b,n,0,\,1 + r \cdot \text{columns} + c}$$

    Args:
        model: A network with a class token.
        images: Pixels in [0, 1], (B, H, W, C).
        layer: Which encoder layer; -1 is the last, whose class token is classified.

    Returns:
        Array (B, rows, columns), mean over the heads; at most 1 in sum, the rest is what the token
        takes from itself.

    Raises:
        InputError: If the network has no attention.
        ValueError: If it has no class token.
    """
    _check_attention(model)
    if model.pooling != "token":
        raise ValueError(
            "The network needs a class token (pooling='token'), received pooling="
            f"{model.pooling!r}."
        )
    weights = attention_maps(model, images)[layer]  # (B, heads, T, T)
    to_patches = weights[:, :, 0, 1:].mean(axis=1)  # (B, patches)
    return to_patches.reshape(len(images), *model.grid)


def _check_attention(model) -> None:
    if not isinstance(model, ViT):
        raise InputError(
            "Attention maps are those of a Vision Transformer (kerasdl.models.ViT); "
            f"{model.name!r} is of the class {type(model).__name__} and has none. "
            "`inspection.saliency` shows what any network looks at, `inspection.grad_cam` that of "
            "a CNN too."
        )
