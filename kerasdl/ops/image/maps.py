"""Affine maps from output coordinates to input coordinates, as `affine_transform` takes them."""

import math

import keras


def rotation(angle, height, width, ops=keras.ops):
    r"""Turn about the centre of the image, counter-clockwise.

    $$A = \begin{pmatrix} \cos\theta & -\sin\theta \\ \sin\theta & \cos\theta \end{pmatrix}$$

    Args:
        angle: $\theta$ in degrees, (B,).
        height: H of the image.
        width: W of the image.
        ops: Operations to compute with.

    Returns:
        The map from output to input for `affine_transform`, (B, 8).

    Example:
        >>> [round(float(v), 3) for v in rotation(keras.ops.array([90.0]), 5, 5)[0]]
        [-0.0, -1.0, 4.0, 1.0, -0.0, 0.0, 0.0, 0.0]
    """
    theta = angle * (math.pi / 180)
    cos, sin = ops.cos(theta), ops.sin(theta)
    return _about_centre(cos, -sin, sin, cos, height, width, ops)


def zoom(height_zoom, width_zoom, height, width, ops=keras.ops):
    r"""Scale about the centre of the image; factors above 1 show more, smaller.

    $$A = \begin{pmatrix} z_x & 0 \\ 0 & z_y \end{pmatrix}$$

    Args:
        height_zoom: $z_y$, (B,).
        width_zoom: $z_x$, (B,).
        height: H of the image.
        width: W of the image.
        ops: Operations to compute with.

    Returns:
        The map from output to input for `affine_transform`, (B, 8).

    Example:
        >>> [float(v) for v in zoom(keras.ops.array([1.0]), keras.ops.array([2.0]), 3, 5)[0]]
        [2.0, 0.0, -2.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    """
    zero = ops.zeros_like(width_zoom)
    return _about_centre(width_zoom, zero, zero, height_zoom, height, width, ops)


def translation(dx, dy, ops=keras.ops):
    r"""Move the image by $d_x$ pixels to the right and $d_y$ down: $A = I$, $(x, y) = (u, v) - d$.

    Args:
        dx: Pixels to the right, (B,).
        dy: Pixels down, (B,).
        ops: Operations to compute with.

    Returns:
        The map from output to input for `affine_transform`, (B, 8).

    Example:
        >>> [float(v) for v in translation(keras.ops.array([1.0]), keras.ops.array([2.0]))[0]]
        [1.0, 0.0, -1.0, 0.0, 1.0, -2.0, 0.0, 0.0]
    """
    one, zero = ops.ones_like(dx), ops.zeros_like(dx)
    return ops.stack([one, zero, -dx, zero, one, -dy, zero, zero], axis=-1)


def _about_centre(a0, a1, b0, b1, height, width, ops):
    """Complete a linear map A by the shift c − A c, which leaves the centre where it is."""
    c_x = (ops.cast(width, a0.dtype) - 1) / 2
    c_y = (ops.cast(height, a0.dtype) - 1) / 2
    a2 = c_x - a0 * c_x - a1 * c_y
    b2 = c_y - b0 * c_x - b1 * c_y
    zero = ops.zeros_like(a0)
    return ops.stack([a0, a1, a2, b0, b1, b2, zero, zero], axis=-1)
