"""Where a Vision Transformer looks."""

import numpy as np
from keras import ops

from kerasdl.errors import InputError
from kerasdl.models.patch_transformer import PatchTransformer
from kerasdl.ops import attention_rollout


def attention_maps(model: PatchTransformer, images: np.ndarray) -> list[np.ndarray]:
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
        >>> from kerasdl.models import ViT
        >>> model = ViT((8, 8, 1), 10, patch_size=4, num_layers=2, num_heads=2, hidden_dim=8)
        >>> [a.shape for a in attention_maps(model, np.zeros((3, 8, 8, 1)))]
        [(3, 2, 5, 5), (3, 2, 5, 5)]
    """
    _check_attention(model)
    maps = model.attend(ops.convert_to_tensor(images, dtype=model.input.dtype))
    return [ops.convert_to_numpy(weights) for weights in maps]


def class_token_attention(
    model: PatchTransformer, images: np.ndarray, layer: int = -1
) -> np.ndarray:
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
    if not model.class_tokens:
        raise ValueError(
            "The network needs a class token (pooling='token'), received pooling="
            f"{model.get_config().get('pooling')!r}."
        )
    weights = attention_maps(model, images)[layer]  # (B, heads, T, T)
    return ops.convert_to_numpy(to_patches(model, weights.mean(axis=1)))


def rollout(model: PatchTransformer, images: np.ndarray) -> np.ndarray:
    r"""Return how much of each patch has come through all layers to what is classified.

    $$M_{b,r,c} = R_{b,0,\,1 + r \cdot \text{columns} + c}$$

    R is the product of all layers' attention, see `kerasdl.ops.attention_rollout`. Without a class
    token the mean over all rows of R takes the place of row 0.

    Args:
        model: The network.
        images: Pixels in [0, 1], (B, H, W, C).

    Returns:
        Array (B, rows, columns), at most 1 in sum.

    Raises:
        InputError: If the network has no attention.

    Example:
        >>> from kerasdl.models import ViT
        >>> model = ViT((8, 8, 1), 10, patch_size=4, num_layers=2, num_heads=2, hidden_dim=8)
        >>> rollout(model, np.zeros((3, 8, 8, 1))).shape
        (3, 2, 2)
    """
    _check_attention(model)
    maps = model.attend(ops.convert_to_tensor(images, dtype=model.input.dtype))
    return ops.convert_to_numpy(to_patches(model, attention_rollout(maps)))


def to_patches(model: PatchTransformer, weights):
    """Return what the class token, or the mean token, takes from each patch, as the picture is.

    Args:
        model: The network.
        weights: Tensor or array (…, T, T): how much token t takes from token s.

    Returns:
        The same kind, (…, rows, columns).
    """
    first = model.class_tokens
    taken = weights[..., 0, :] if first else ops.sum(weights, axis=-2) / weights.shape[-2]
    return ops.reshape(taken[..., first:], (*ops.shape(taken)[:-1], *model.grid))


def _check_attention(model) -> None:
    if not isinstance(model, PatchTransformer):
        raise InputError(
            "Attention maps are those of a Vision Transformer (kerasdl.models.ViT); "
            f"{model.name!r} is of the class {type(model).__name__} and has none. "
            "`inspection.saliency` shows what any network looks at, `inspection.grad_cam` that of "
            "a CNN too."
        )
