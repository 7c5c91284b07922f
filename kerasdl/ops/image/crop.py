"""Windows of images: where they lie, cutting them out, and bringing them to a size."""

import keras

from kerasdl.ops.image.sampling import clamp, sample


def crop(images, top, left, height, width, data_format="channels_last", ops=keras.ops):
    r"""Cut a window out: $g(i, j) = f(i + t,\; j + l)$.

    Args:
        images: Tensor (B, H, W, C), or (B, C, H, W) if `data_format` says so, or without B.
        top: $t$, an integer or an integer scalar.
        left: $l$, likewise.
        height: Rows of the window, an integer.
        width: Columns of the window, an integer.
        data_format: "channels_last" or "channels_first".
        ops: Operations to compute with.

    Returns:
        Tensor (B, height, width, C) or as `images` is ordered.

    Example:
        >>> x = keras.ops.reshape(keras.ops.arange(6), (2, 3, 1))
        >>> keras.ops.convert_to_numpy(crop(x, 1, 1, 1, 2)).ravel().tolist()
        [4, 5]
    """
    rank = len(images.shape)
    row = rank - 3 + (1 if data_format == "channels_first" else 0)
    start, shape = [0] * rank, list(ops.shape(images))
    start[row : row + 2] = top, left
    shape[row : row + 2] = height, width
    # the starts become one vector: all of one type, also where one of them is drawn
    return ops.slice(images, [ops.cast(s, "int32") for s in start], shape)


def central_window(H, W, height, width, ops=keras.ops):
    r"""Place a window in the middle, or, where it does not fit, the largest of its shape.

    Args:
        H: Rows of the image, an integer or an integer scalar.
        W: Columns of the image, likewise.
        height: Rows wanted, an integer.
        width: Columns wanted, an integer.
        ops: Operations to compute with.

    Returns:
        top, left, rows and columns of the window; integers if H and W are.

    Example:
        >>> central_window(9, 11, 5, 5), central_window(4, 9, 6, 6)
        ((2, 3, 5, 5), (0, 2, 4, 4))
    """
    top, left, rows, columns = largest_window(H, W, height, width, ops)
    if isinstance(H, int) and isinstance(W, int):
        if not (H >= height and W >= width):
            return top, left, rows, columns
        return (H - height) // 2, (W - width) // 2, height, width
    fits = ops.logical_and(H >= height, W >= width)
    rows, columns = ops.where(fits, height, rows), ops.where(fits, width, columns)
    return (H - rows) // 2, (W - columns) // 2, rows, columns


def largest_window(H, W, height, width, ops=keras.ops):
    r"""Find the largest window in the middle whose sides are as height : width.

    $$h' = \min(H, \lfloor W \tfrac{h}{w} \rfloor), \quad
      w' = \min(W, \lfloor H \tfrac{w}{h} \rfloor), \quad
      t = \lfloor \tfrac{H - h'}{2} \rfloor, \quad l = \lfloor \tfrac{W - w'}{2} \rfloor$$

    Args:
        H: Rows of the image, an integer or an integer scalar.
        W: Columns of the image, likewise.
        height: $h$, an integer.
        width: $w$, an integer.
        ops: Operations to compute with.

    Returns:
        top, left, rows and columns of the window, at least one each; integers if H and W are.

    Example:
        >>> largest_window(8, 16, 10, 10)
        (0, 4, 8, 8)
    """
    static = isinstance(H, int) and isinstance(W, int)
    smaller, larger = (min, max) if static else (ops.minimum, ops.maximum)
    rows = larger(smaller(H, W * height // width), 1)
    columns = larger(smaller(W, H * width // height), 1)
    return (H - rows) // 2, (W - columns) // 2, rows, columns


def resize_window(
    images,
    window,
    height,
    width,
    interpolation="bilinear",
    data_format="channels_last",
    ops=keras.ops,
):
    r"""Bring a window of the image to a size.

    $$x = l + \mathrm{clip}\big((u + \tfrac12) \tfrac{w'}{w} - \tfrac12,\; 0,\; w' - 1\big)$$

    Pixels are squares: the half makes their outer edges coincide, not the centres of the outermost.

    Args:
        images: Tensor (B, H, W, C), or (B, C, H, W) if `data_format` says so, or without B.
        window: Its top, left ($l$), rows and columns ($w'$).
        height: Rows of the result, an integer.
        width: $w$, columns of the result, an integer.
        interpolation: "bilinear" or "nearest".
        data_format: "channels_last" or "channels_first".
        ops: Operations to compute with.

    Returns:
        Tensor (B, height, width, C) or as `images` is ordered, of the dtype of `images`.

    Example:
        >>> x = keras.ops.reshape(keras.ops.array([0.0, 4.0]), (1, 2, 1))
        >>> [float(v) for v in keras.ops.reshape(resize_window(x, (0, 0, 1, 2), 1, 4), (-1,))]
        [0.0, 1.0, 3.0, 4.0]
    """
    top, left, rows, columns = window
    if len(images.shape) == 3:
        resized = resize_window(
            images[None], window, height, width, interpolation, data_format, ops
        )
        return ops.squeeze(resized, axis=0)
    channels_first = data_format == "channels_first"
    f = ops.transpose(images, (0, 2, 3, 1)) if channels_first else images
    double = keras.backend.standardize_dtype(f.dtype) == "float64"

    def source(start, size, n):
        dtype = "float64" if double else "float32"
        start, size = ops.cast(start, dtype), ops.cast(size, dtype)
        centres = (ops.arange(n, dtype=dtype) + 0.5) * (size / n) - 0.5
        if interpolation == "nearest":
            centres = ops.cast(ops.cast(centres + 0.5, "int32"), dtype)
        return start + clamp(centres, size - 1, ops)

    x = source(left, columns, width)[None, None, :]
    y = source(top, rows, height)[None, :, None]
    g = sample(f, x, y, interpolation, "nearest", ops=ops)
    return ops.transpose(g, (0, 3, 1, 2)) if channels_first else g
