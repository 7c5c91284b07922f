"""Bounding boxes (left, top, right, bottom) under what is done to their image."""

import keras


def transform_boxes(boxes, transform, ops=keras.ops):
    r"""Move boxes with an image: the smallest upright boxes around the moved corners.

    The image was fetched by $x = A u + a$, so a point of it has gone to $u = A^{-1} (x - a)$.

    Args:
        boxes: $x_1, y_1, x_2, y_2$, (B, N, 4).
        transform: The map from output to input as in `affine_transform`, (B, 8).
        ops: Operations to compute with.

    Returns:
        Tensor (B, N, 4).

    Example:
        >>> moved = transform_boxes(keras.ops.array([[[1.0, 2, 3, 4]]]),
        ...                         keras.ops.array([[1.0, 0, -1, 0, 1, -2, 0, 0]]))
        >>> [float(v) for v in moved[0, 0]]
        [2.0, 4.0, 4.0, 6.0]
    """
    A = ops.cast(transform, boxes.dtype)
    a0, a1, a2, b0, b1, b2 = (A[:, k, None, None] for k in range(6))  # (B, 1, 1)
    x1, y1, x2, y2 = ops.split(boxes, 4, axis=-1)
    x = ops.concatenate([x1, x2, x2, x1], axis=-1) - a2  # (B, N, 4), the four corners
    y = ops.concatenate([y1, y1, y2, y2], axis=-1) - b2
    determinant = a0 * b1 - a1 * b0
    u = (b1 * x - a1 * y) / determinant
    v = (a0 * y - b0 * x) / determinant
    return ops.stack(
        [ops.min(u, axis=-1), ops.min(v, axis=-1), ops.max(u, axis=-1), ops.max(v, axis=-1)],
        axis=-1,
    )


def crop_boxes(boxes, window, height, width, ops=keras.ops):
    r"""Move boxes with a window of the image that is cut out and brought to a size.

    $$u = \mathrm{clip}\big((x - l) \tfrac{w}{w'},\; 0,\; w\big)$$

    Args:
        boxes: $x_1, y_1, x_2, y_2$, (…, 4).
        window: Its top, left ($l$), rows and columns ($w'$).
        height: Rows of the result.
        width: $w$, columns of the result.
        ops: Operations to compute with.

    Returns:
        Tensor (…, 4).

    Example:
        >>> boxes = keras.ops.array([[1.0, 2.0, 6.0, 4.0]])
        >>> [float(v) for v in crop_boxes(boxes, (2, 1, 4, 4), 8, 8)[0]]
        [0.0, 0.0, 8.0, 4.0]
    """
    top, left, rows, columns = (ops.cast(w, boxes.dtype) for w in window)
    x1, y1, x2, y2 = ops.split(boxes, 4, axis=-1)

    def along(x, start, size, n):
        return ops.clip((x - start) * (n / size), 0, n)

    return ops.concatenate(
        [
            along(x1, left, columns, width),
            along(y1, top, rows, height),
            along(x2, left, columns, width),
            along(y2, top, rows, height),
        ],
        axis=-1,
    )
