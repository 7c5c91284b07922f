"""Changes of an image's values, and its mirror images."""

import keras


def flip(images, flips, axes, ops=keras.ops):
    r"""Mirror those images of a batch that are marked: $g(i) = f(n - 1 - i)$ along each axis.

    Args:
        images: Tensor (B, …).
        flips: Booleans (B, 1, …, 1).
        axes: Axes to mirror.
        ops: Operations to compute with.

    Returns:
        A tensor of the shape and dtype of `images`.

    Example:
        >>> x = keras.ops.array([[1, 2, 3], [1, 2, 3]])
        >>> keras.ops.convert_to_numpy(flip(x, keras.ops.array([[True], [False]]), (1,))).tolist()
        [[3, 2, 1], [1, 2, 3]]
    """
    return ops.where(flips, ops.flip(images, axis=tuple(axes)), images)


def adjust_contrast(images, factor, value_range, axes, ops=keras.ops):
    r"""Move every value away from the mean of its channel, or towards it.

    $$g = c f + (1 - c)\,\bar f, \qquad \bar f = \frac{1}{H W} \sum_{i,j} f_{ij}$$

    Args:
        images: Tensor (B, H, W, C) or another order.
        factor: $c$, (B, 1, 1, 1); 0 leaves the mean, 1 the image.
        value_range: Smallest and largest value; what lies beyond is clipped.
        axes: Axes of height and width.
        ops: Operations to compute with.

    Returns:
        A tensor of the shape and dtype of `images`. Half precision and integers are computed in
        float32.

    Source:
        Haeberli and Voorhies, 1994, Image Processing by Interpolation and Extrapolation.

    Example:
        >>> x = keras.ops.reshape(keras.ops.array([1.0, 3.0]), (1, 1, 2, 1))
        >>> y = adjust_contrast(x, 2.0, (0, 3.5), (1, 2))
        >>> [float(v) for v in keras.ops.reshape(y, (-1,))]
        [0.0, 3.5]
    """
    f, dtype = _computable(images, ops)
    mean = f
    for axis in axes:  # one after the other: two axes at once take twice as long
        # Σ/n and not `ops.mean`: on JAX that one computes float64 in float32.
        n = ops.cast(ops.shape(f)[axis], f.dtype)
        mean = ops.sum(mean, axis=axis, keepdims=True) / n
    c = ops.cast(factor, f.dtype)
    return _clipped(c * f + (1 - c) * mean, value_range, dtype, ops)


def adjust_brightness(images, delta, value_range, ops=keras.ops):
    r"""Add the same to every value: $g = f + \delta$.

    Args:
        images: Tensor (B, H, W, C) or another order.
        delta: $\delta$, (B, 1, 1, 1).
        value_range: Smallest and largest value; what lies beyond is clipped.
        ops: Operations to compute with.

    Returns:
        A tensor of the shape and dtype of `images`.

    Example:
        >>> y = adjust_brightness(keras.ops.array([0, 250], dtype="uint8"), -10.0, (0, 255))
        >>> [int(v) for v in y]
        [0, 240]
    """
    dtype = keras.backend.standardize_dtype(images.dtype)
    f = ops.cast(images, "float32") if "int" in dtype else images
    return _clipped(f + ops.cast(delta, f.dtype), value_range, dtype, ops)


def _computable(images, ops):
    """Images in float32 where their own type is too coarse for sums, and their own type."""
    dtype = keras.backend.standardize_dtype(images.dtype)
    if dtype in ("float32", "float64"):
        return images, dtype
    return ops.cast(images, "float32"), dtype


def _clipped(values, value_range, dtype, ops):
    values = ops.clip(values, *value_range)
    return ops.cast(ops.round(values) if "int" in dtype else values, dtype)
