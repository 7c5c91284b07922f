"""Values of an image between its pixels and beyond its edges."""

import keras


def sample(images, x, y, interpolation, fill_mode, fill_value=0, ops=keras.ops):
    r"""Values of images at points between their pixels and beyond their edges.

    $$\tilde f(x, y) = \sum_{i=0}^{1} \sum_{j=0}^{1} w_i(y)\, w_j(x)\,
      f(\lfloor y \rfloor + i,\; \lfloor x \rfloor + j), \qquad
      w_1(t) = t - \lfloor t \rfloor, \quad w_0 = 1 - w_1$$

    ("bilinear"; "nearest" is $f$ at the rounded point, halves away from zero.) Points beyond the
    edges are folded back onto the image first. "constant" is "nearest" on the image framed by one
    row and column of the constant.

    Args:
        images: $f$, (B, H, W, C).
        x: Columns, a floating tensor that broadcasts to (B, H', W').
        y: Rows, likewise.
        interpolation: "bilinear" or "nearest".
        fill_mode: "constant" or a mode of `fold`.
        fill_value: The constant.
        ops: Operations to compute with.

    Returns:
        Tensor (B, H', W', C) of the dtype of `images`.

    Example:
        >>> f = keras.ops.reshape(keras.ops.array([0.0, 10.0]), (1, 1, 2, 1))
        >>> x, y = keras.ops.full((1, 1, 1), 0.25), keras.ops.zeros((1, 1, 1))
        >>> float(sample(f, x, y, "bilinear", "nearest")[0, 0, 0, 0])
        2.5
    """
    dtype = keras.backend.standardize_dtype(images.dtype)
    integers = "int" in dtype
    if interpolation == "nearest":
        x, y = _round_half_away(x, ops), _round_half_away(y, ops)
    if fill_mode == "constant":
        constant = int(fill_value) if integers else float(fill_value)
        frame = ((0, 0), (1, 1), (1, 1), (0, 0))
        images = ops.pad(images, frame, mode="constant", constant_values=constant)
        x, y, fill_mode = x + 1, y + 1, "nearest"
    batch, height, width, channels = ops.shape(images)
    x, y = fold(x, width, fill_mode, ops), fold(y, height, fill_mode, ops)

    pixels = ops.reshape(images, (-1, channels))
    first = ops.arange(batch, dtype="int32")[:, None, None] * (height * width)

    def f(i, j):
        return ops.take(pixels, first + i * width + j, axis=0)

    j0, i0 = ops.cast(x, "int32"), ops.cast(y, "int32")  # the floor: folded, they are not negative
    if interpolation == "nearest":
        return f(i0, j0)

    if fill_mode == "wrap":
        j1, i1 = (j0 + 1) % width, (i0 + 1) % height
    else:  # at the edge the neighbour beyond it has weight 0
        j1, i1 = ops.minimum(j0 + 1, width - 1), ops.minimum(i0 + 1, height - 1)
    pixels = ops.cast(pixels, x.dtype)
    w_x, w_y = (x - ops.cast(j0, x.dtype))[..., None], (y - ops.cast(i0, x.dtype))[..., None]
    # (1 − w) a + w b, written so that a = b gives a exactly
    upper, lower = f(i0, j0), f(i1, j0)
    upper = upper + w_x * (f(i0, j1) - upper)
    lower = lower + w_x * (f(i1, j1) - lower)
    g = upper + w_y * (lower - upper)
    return ops.cast(_round_half_away(g, ops) if integers else g, dtype)


def fold(x, n, fill_mode, ops=keras.ops):
    r"""Fold a coordinate beyond the edges back onto 0 … n − 1.

    | mode | pixels a b c d go on as | $x$ becomes |
    | --- | --- | --- |
    | nearest | a a a · a b c d · d d d | $\min(\max(x, 0), n - 1)$ |
    | wrap | b c d · a b c d · a b c | $x \bmod n$ |
    | reflect | c b a · a b c d · d c b | $\min(r, 2n - 1 - r)$, $r = x \bmod 2n$, as nearest |
    | mirror | d c b · a b c d · c b a | $\min(r, 2n - 2 - r)$, $r = x \bmod (2n - 2)$ |

    Args:
        x: A floating tensor of any shape.
        n: Number of pixels along the axis.
        fill_mode: One of the modes above.
        ops: Operations to compute with.

    Returns:
        A tensor of the shape of `x` in [0, n − 1]; in [0, n) for "wrap".

    Example:
        >>> [float(v) for v in fold(keras.ops.array([-1.0, 1.5, 4.0]), 4, "reflect")]
        [0.0, 1.5, 3.0]
    """
    n = ops.cast(n, x.dtype)
    if fill_mode != "nearest":
        period = {"wrap": n, "reflect": 2 * n, "mirror": ops.where(n > 1, 2 * n - 2, n)}[fill_mode]
        x = x - period * _floor(x / period, ops)
        if fill_mode == "wrap":
            # −1e-9 + n is n when rounded; −1e-38 / n is 0, and stays where it is.
            return ops.where((x >= n) | (x < 0), ops.zeros_like(x), x)
        mirrored = (period - 1 if fill_mode == "reflect" else period) - x
        x = ops.where(x > mirrored, mirrored, x)
    return clamp(x, n - 1, ops)


def clamp(x, high, ops=keras.ops):
    """Clip to [0, `high`]; `ops.minimum` computes float64 in float32 on PyTorch.

    Example:
        >>> [float(v) for v in clamp(keras.ops.array([-1.0, 1.0, 3.0]), keras.ops.array(2.0))]
        [0.0, 1.0, 2.0]
    """
    x = ops.where(x < 0, ops.zeros_like(x), x)
    return ops.where(x > high, ops.cast(high, x.dtype), x)


def _floor(x, ops):
    """Round down; `ops.floor` computes float64 in float32 on JAX and PyTorch."""
    whole = ops.cast(ops.cast(x, "int32"), x.dtype)
    return ops.where(whole > x, whole - 1, whole)


def _round_half_away(x, ops):
    return ops.sign(x) * ops.cast(ops.cast(ops.abs(x) + 0.5, "int32"), x.dtype)
