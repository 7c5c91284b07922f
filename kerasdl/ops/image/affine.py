"""Images under an affine map of their coordinates."""

import keras

from kerasdl import backend
from kerasdl.ops.image.sampling import sample

INTERPOLATIONS = ("nearest", "bilinear")
FILL_MODES = ("constant", "nearest", "wrap", "reflect", "mirror")


def affine_transform(
    images,
    transform,
    interpolation="bilinear",
    fill_mode="constant",
    fill_value=0,
    data_format=None,
    ops=keras.ops,
):
    r"""Fetch each output pixel from where an affine map says it comes from.

    $$g(u, v) = \tilde f(x, y), \qquad
      \begin{pmatrix} x \\ y \end{pmatrix} =
      \begin{pmatrix} a_0 & a_1 \\ b_0 & b_1 \end{pmatrix}
      \begin{pmatrix} u \\ v \end{pmatrix} + \begin{pmatrix} a_2 \\ b_2 \end{pmatrix}$$

    The map goes from the output back to the input, so that no output pixel stays empty. $\tilde f$
    is the image between its pixels and beyond its edges, see `sample`.

    Args:
        images: Tensor (B, H, W, C), or (B, C, H, W) if `data_format` says so, or without B.
        transform: $(a_0, a_1, a_2, b_0, b_1, b_2, 0, 0)$, (B, 8), or (8,) for all images.
        interpolation: "bilinear" or "nearest".
        fill_mode: What stands beyond the edges, see `fold`; "constant" for `fill_value`.
        fill_value: A number.
        data_format: "channels_last", "channels_first", or `None` for Keras' default.
        ops: Operations to compute with.

    Returns:
        A tensor of the shape and dtype of `images`. Coordinates are computed in float32, of
        float64 images in float64; integers are rounded.

    Raises:
        ValueError: If `interpolation`, `fill_mode` or a rank is none of these.

    Source:
        Gonzalez and Woods, Digital Image Processing, section 2.6 (inverse mapping).

    Example:
        >>> image = keras.ops.reshape(keras.ops.arange(4, dtype="float32"), (1, 4, 1))
        >>> moved = affine_transform(image, [1.0, 0, -1, 0, 1, 0, 0, 0])  # to the right by one
        >>> [float(v) for v in keras.ops.reshape(moved, (-1,))]
        [0.0, 0.0, 1.0, 2.0]

    Differences from Keras: the same equation on every backend. TensorFlow's kernel uses another
    period in "wrap" from n − 1 pixels beyond the edge on, cuts integers off, computes float64
    coordinates in float32, and its gradient is not that of the equation.
    """
    images = ops.convert_to_tensor(images)
    transform = ops.convert_to_tensor(transform)
    _check_one_of("interpolation", interpolation, INTERPOLATIONS)
    _check_one_of("fill_mode", fill_mode, FILL_MODES)
    _check_rank("images", images, (3, 4))
    _check_rank("transform", transform, (1, 2))
    channels_first = (data_format or keras.config.image_data_format()) == "channels_first"

    def transformed(images, transform):
        f = ops.transpose(images, (0, 2, 3, 1)) if channels_first else images
        height, width = ops.shape(f)[1:3]
        double = keras.backend.standardize_dtype(f.dtype) == "float64"
        A = ops.cast(transform, "float64" if double else "float32")
        a0, a1, a2, b0, b1, b2 = (A[:, k, None, None] for k in range(6))  # (B, 1, 1)
        u = ops.arange(width, dtype=A.dtype)[None, None, :]  # (1, 1, W)
        v = ops.arange(height, dtype=A.dtype)[None, :, None]  # (1, H, 1)
        x = a0 * u + (a1 * v + a2)  # (B, H, W)
        y = b0 * u + (b1 * v + b2)
        g = sample(f, x, y, interpolation, fill_mode, fill_value, ops)
        return ops.transpose(g, (0, 3, 1, 2)) if channels_first else g

    if len(transform.shape) == 1:
        transform = transform[None]
    if len(images.shape) == 3:
        return ops.squeeze(backend.fuse(transformed, images[None], transform), axis=0)
    return backend.fuse(transformed, images, transform)


def _check_one_of(name, value, allowed):
    if value not in allowed:
        raise ValueError(f"`{name}` must be one of {allowed}, received {value!r}.")


def _check_rank(name, tensor, ranks):
    if len(tensor.shape) not in ranks:
        raise ValueError(f"`{name}` must have rank {ranks[0]} or {ranks[1]}, got {tensor.shape}.")
