"""Which pixels each word of a caption hangs on."""

import math
from pathlib import Path

import numpy as np
from keras import ops
from matplotlib.figure import Figure

from kerasdl import activations
from kerasdl.backend import value_and_grad
from kerasdl.errors import InputError
from kerasdl.files import written_whole
from kerasdl.inspection.explanation_plots import draw_map, draw_picture
from kerasdl.models import Captioner
from kerasdl.models.decoding import START, TARGET_RESERVED

COLUMNS = 5  # maps in a row


def word_saliency(model: Captioner, image: np.ndarray) -> tuple[list[str], np.ndarray]:
    r"""Write a caption, and return for each word how strongly it reacts to each pixel.

    $$M_{t,h,w} = \max_c \left|
      \frac{\partial \log p(y_t \mid y_{<t}, x)}{\partial x_{h,w,c}} \right|$$

    The captioner has no attention that could be shown: the picture enters as the decoder's first
    state. What each word hangs on is in the gradient.

    Args:
        model: The network.
        image: Pixels in [0, 1], (H, W, C).

    Returns:
        The words of the greedy caption, and an array (words, H, W).

    Raises:
        InputError: If the picture does not fit.

    Example:
        >>> model = Captioner((16, 16, 1), ["a", "bag"], target_length=5, filters=[4], units=8)
        >>> words, maps = word_saliency(model, np.full((16, 16, 1), 0.5, "float32"))
        >>> maps.shape == (len(words), 16, 16)
        True
    """
    image = np.asarray(image, "float32")
    if image.shape != model.image_shape:
        raise InputError(
            f"`image` must have the shape {model.image_shape}, received {image.shape}."
        )
    x = ops.convert_to_tensor(image[np.newaxis])
    (tokens,) = ops.convert_to_numpy(model.generate(x)).tolist()
    tokens = [token for token in tokens if token]
    previous = ops.convert_to_tensor([[START, *tokens[:-1]]], dtype="int32")
    maps = np.zeros((len(tokens), *image.shape[:2]), "float32")
    for t, token in enumerate(tokens):

        def log_probability(x, t=t, token=token):
            return activations.log_softmax(model([x, previous], training=False))[0, t, token]

        _, (gradient,) = value_and_grad(log_probability, [x])
        maps[t] = np.abs(ops.convert_to_numpy(gradient)[0]).max(axis=-1)
    return [model.target_vocabulary[token - TARGET_RESERVED] for token in tokens], maps


def save_word_saliency(path: Path, image: np.ndarray, words: list[str], maps: np.ndarray) -> None:
    """Draw a picture and, for each word of its caption, which pixels it hangs on.

    Args:
        path: PNG to write.
        image: (H, W, C), pixels in [0, 1].
        words: Of the caption.
        maps: (words, H, W).
    """
    rows = math.ceil((1 + len(words)) / COLUMNS)
    figure = Figure(figsize=(1.9 * COLUMNS, 2.15 * rows + 0.4), layout="constrained")
    axes = figure.subplots(rows, COLUMNS, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    draw_picture(axes.flat[0], image)
    axes.flat[0].set_title("picture", fontsize=10)
    for axis, word, weights in zip(axes.flat[1:], words, maps, strict=False):
        draw_map(axis, image, weights)
        axis.set_title(word, fontsize=10)
    figure.suptitle("which pixels each word hangs on, each map from 0 to its most", fontsize=10)
    with written_whole(path) as part:
        figure.savefig(part, dpi=120)
