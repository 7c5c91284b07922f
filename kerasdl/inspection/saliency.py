"""Which pixels and which patches a class score hangs on, through tf-keras-vis."""

import warnings

import keras
import numpy as np
from keras import ops

from kerasdl.errors import InputError
from kerasdl.models import CNN, ViT


def saliency(
    model: keras.Model,
    images: np.ndarray,
    classes,
    smooth_samples: int = 0,
    smooth_noise: float = 0.2,
) -> np.ndarray:
    r"""Return how strongly the score of a class reacts to each pixel.

    $$M_{b,h,w} = \max_c \left| \frac{\partial y_{b,k_b}}{\partial x_{b,h,w,c}} \right|,
      \qquad \text{then}\quad M_b \leftarrow \frac{M_b - \min M_b}{\max M_b - \min M_b}$$

    $y$ are the logits, $x$ the picture, $k_b$ the class asked about. With `smooth_samples` n > 0
    the absolute gradient is the mean over n copies of the picture with Gaussian noise (SmoothGrad);
    the noise comes from NumPy's global generator, which `keras.utils.set_random_seed` seeds.

    Args:
        model: Network from pictures (B, H, W, C) to logits (B, classes).
        images: Pixels in [0, 1], (B, H, W, C).
        classes: The class $k_b$ asked about for each picture, or one class for all.
        smooth_samples: Noisy copies to average over; 0 for the plain gradient.
        smooth_noise: Standard deviation of the noise, as a share of the range of each picture.

    Returns:
        Array (B, H, W), each map from 0 to 1.

    Raises:
        InputError: If images or classes do not fit the network, Keras does not run on TensorFlow,
            or tf-keras-vis is not installed.

    Source:
        Simonyan et al., 2014, Deep Inside Convolutional Networks, section 3; Smilkov et al., 2017,
        SmoothGrad.

    Example:
        >>> model = ViT((8, 8, 1), 10, patch_size=4, num_layers=1, num_heads=2, hidden_dim=8)
        >>> saliency(model, np.full((2, 8, 8, 1), 0.5, "float32"), [3, 7]).shape
        (2, 8, 8)
    """
    score, images = _score_and_images(model, images, classes)
    from tf_keras_vis.saliency import Saliency

    # tf-keras-vis passes its inputs as a list; Keras 3 warns unless the model was built with one.
    listed = keras.Model([model.input], [model.output])
    return Saliency(listed)(score, images, smooth_samples=smooth_samples, smooth_noise=smooth_noise)


def grad_cam(model: CNN | ViT, images: np.ndarray, classes, layer: int = -1) -> np.ndarray:
    r"""Return which places speak for a class: Grad-CAM.

    It was made for the feature maps of convolutions, $A \in \mathbb{R}^{\text{rows} \times
    \text{columns} \times D}$, here those that a block of a CNN has before it pools. The patch
    tokens that enter an encoder layer of a Vision Transformer are such a map once they are laid
    out as the picture is.

    $$\alpha_d = \frac{1}{N} \sum_{r,c} \frac{\partial y_k}{\partial A_{r,c,d}}, \qquad
      M_{r,c} = \mathrm{relu}\left( \sum_d \alpha_d\, A_{r,c,d} \right),$$

    scaled to 0 … 1 as in `saliency`. The tokens that *leave* a transformer's last layer would not
    do: the classifier reads the class token alone there, and the gradient of the others is zero.

    Args:
        model: The network.
        images: Pixels in [0, 1], (B, H, W, C).
        classes: The class asked about for each picture, or one class for all.
        layer: The block, or the encoder layer whose incoming tokens are weighted; -1 is the last.

    Returns:
        Array (B, rows, columns), each map from 0 to 1; all zero where nothing speaks for the class.

    Raises:
        InputError: If the network has no feature maps, images or classes do not fit it, Keras does
            not run on TensorFlow, or tf-keras-vis is not installed.

    Source:
        Selvaraju et al., 2017, Grad-CAM, equations 1 and 2.

    Example:
        >>> model = ViT((8, 8, 1), 10, patch_size=4, num_layers=1, num_heads=2, hidden_dim=8)
        >>> grad_cam(model, np.full((2, 8, 8, 1), 0.5, "float32"), 3).shape
        (2, 2, 2)
    """
    if not isinstance(model, CNN | ViT):
        raise InputError(
            f"Grad-CAM needs feature maps, as in kerasdl.models.CNN or ViT; {model.name!r} is of "
            f"the class {type(model).__name__}. `inspection.saliency` takes any network."
        )
    score, images = _score_and_images(model, images, classes)
    with warnings.catch_warnings():
        # It imports `zoom` from where SciPy 1 still keeps it.
        warnings.simplefilter("ignore", DeprecationWarning)
        from tf_keras_vis.gradcam import Gradcam
    if isinstance(model, CNN):
        # tf-keras-vis passes its inputs as a list; see `saliency`.
        listed, name = keras.Model([model.input], [model.output]), model.blocks[layer].name
    else:
        listed, name = _with_patch_grid(model, layer), "patch_grid"
    cam = Gradcam(listed)(
        score,
        images,
        penultimate_layer=name,
        seek_penultimate_conv_layer=False,  # it has been found
        expand_cam=False,
    )
    return np.asarray(cam)


def _with_patch_grid(model: ViT, layer: int) -> keras.Model:
    """Return the same network with a layer "patch_grid", (B, rows, columns, D), on its way."""
    tokens = model.encoders[layer].input  # (B, 1 + N, D), or (B, N, D) without class token
    D, (rows, columns) = tokens.shape[-1], model.grid
    first = tokens.shape[1] - rows * columns
    grid = keras.layers.Reshape((rows, columns, D), name="patch_grid")(tokens[:, first:])
    patches = keras.layers.Reshape((rows * columns, D))(grid)
    joined = ops.concatenate([tokens[:, :first], patches], axis=1)
    rest_of_network = keras.Model(tokens, model.output)
    return keras.Model([model.input], [rest_of_network(joined)])


def _score_and_images(model, images, classes):
    """Check the arguments; return tf-keras-vis' score function and the images as floats."""
    if keras.backend.backend() != "tensorflow":
        raise InputError(
            f"tf-keras-vis needs TensorFlow, but Keras runs on {keras.backend.backend()!r}. Load "
            "the model in a process with KERAS_BACKEND=tensorflow."
        )
    images = np.asarray(images, dtype=model.input.dtype)
    if images.ndim != 4 or images.shape[1:] != model.input_shape[1:] or not len(images):
        H, W, C = model.input_shape[1:]
        raise InputError(
            f"`images` must have the shape (B, {H}, {W}, {C}), received {images.shape}."
        )
    count = model.output_shape[-1]
    classes = np.asarray(classes)
    if classes.ndim == 0:
        classes = np.repeat(classes, len(images))
    if classes.shape != (len(images),) or classes.dtype.kind not in "iu":
        raise InputError(
            f"`classes` must be one integer, or one for each of the {len(images)} images; received "
            f"an array of type {classes.dtype} and shape {classes.shape}."
        )
    if classes.min() < 0 or classes.max() >= count:
        raise InputError(
            f"`classes` must lie between 0 and {count - 1}, received {classes.tolist()}."
        )
    try:
        from tf_keras_vis.utils.scores import CategoricalScore
    except ModuleNotFoundError as error:
        raise InputError(
            f"Saliency needs the Python package {error.name!r}, which is not installed. Install "
            "the extra `notebooks`: pip install 'kerasdl[notebooks]'."
        ) from error
    return CategoricalScore(classes.tolist()), images
