"""All that there is to see of a network that takes pictures."""

import keras
import numpy as np
from keras import ops

from kerasdl.inspection.attention import attention_maps, to_patches
from kerasdl.inspection.saliency import grad_cam, saliency
from kerasdl.models import CNN, ViT
from kerasdl.models.patch_transformer import PatchTransformer
from kerasdl.ops import attention_rollout


def explain(model: keras.Model, images: np.ndarray, classes=None) -> dict[str, np.ndarray]:
    """Return where a network looked, under the names of the exported signature `explain`.

    Args:
        model: A network that takes pictures.
        images: Pixels in [0, 1], (B, H, W, C).
        classes: The class asked about for each picture; default the one that the network gives.
            Only for classifiers.

    Returns:
        `image` as it came, and as far as the network has it: `attention` (B, layers, heads, T, T)
        and `rollout` (B, rows, columns) of a Vision Transformer; `grad_cam` (B, rows, columns) of
        a classifying one and of a CNN; `saliency` (B, H, W) of any classifier.

    Raises:
        InputError: If the images do not fit, or the saliency of a classifier is asked for and Keras
            does not run on TensorFlow or tf-keras-vis is missing.

    Example:
        >>> model = ViT((8, 8, 1), 10, patch_size=4, num_layers=2, num_heads=2, hidden_dim=8)
        >>> seen = explain(model, np.full((3, 8, 8, 1), 0.5, "float32"))
        >>> {name: numbers.shape for name, numbers in seen.items()}
        {'image': (3, 8, 8, 1), 'attention': (3, 2, 2, 5, 5), 'rollout': (3, 2, 2),
         'grad_cam': (3, 2, 2), 'saliency': (3, 8, 8)}
    """
    images = np.asarray(images, model.input.dtype)
    seen = {"image": images}
    if isinstance(model, PatchTransformer):
        maps = attention_maps(model, images)
        seen["attention"] = np.stack(maps, axis=1)
        seen["rollout"] = ops.convert_to_numpy(to_patches(model, attention_rollout(maps)))
    if len(model.output_shape) == 2:  # (B, classes)
        if classes is None:
            classes = ops.convert_to_numpy(model(images, training=False)).argmax(axis=-1)
        if isinstance(model, CNN | ViT):
            seen["grad_cam"] = grad_cam(model, images, classes)
        seen["saliency"] = np.asarray(saliency(model, images, classes))
    return seen
