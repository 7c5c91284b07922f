"""From pictures, words and positions to vectors."""

import math

import keras
import numpy as np
from keras import ops

from kerasdl.builtins import fall_back_to
from kerasdl.ops.image.upsample import KERNELS


def extract_patches(images, patch_size):
    r"""Cut pictures into non-overlapping patches and flatten each.

    $$x \in \mathbb{R}^{H \times W \times C} \;\to\;
      x_p \in \mathbb{R}^{N \times (P_h P_w C)}, \qquad N = \frac{H}{P_h} \cdot \frac{W}{P_w}$$

    Patches are read row by row from the top left, and so are the pixels inside a patch.

    Args:
        images: Tensor (B, H, W, C).
        patch_size: `(P_h, P_w)`, or one integer for square patches.

    Returns:
        Tensor (B, N, P_h * P_w * C).

    Raises:
        ValueError: If the picture does not divide into whole patches.

    Source:
        Dosovitskiy et al., 2021, An Image is Worth 16x16 Words, section 3.1.

    Example:
        >>> image = ops.reshape(ops.arange(16), (1, 4, 4, 1))
        >>> [int(v) for v in extract_patches(image, 2)[0, 1]]
        [2, 3, 6, 7]
    """
    P_h, P_w = (patch_size, patch_size) if isinstance(patch_size, int) else patch_size
    B, H, W, C = ops.shape(images)
    B = -1 if B is None else B  # of a symbolic tensor
    rows, columns = patch_grid((H, W), (P_h, P_w))
    x = ops.reshape(images, (B, rows, P_h, columns, P_w, C))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))  # (B, rows, columns, P_h, P_w, C)
    return ops.reshape(x, (B, rows * columns, P_h * P_w * C))


def join_patches(patches, image_size, patch_size):
    r"""Lay patches side by side: what `extract_patches` has cut, put together again.

    Args:
        patches: Tensor (B, N, P_h · P_w · C), row by row from the top left.
        image_size: `(H, W)` of the picture.
        patch_size: `(P_h, P_w)`, or one integer for square patches.

    Returns:
        Tensor (B, H, W, C).

    Raises:
        ValueError: If the picture does not divide into whole patches.

    Example:
        >>> image = ops.reshape(ops.arange(16), (1, 4, 4, 1))
        >>> [int(v) for v in join_patches(extract_patches(image, 2), (4, 4), 2)[0, 0, :, 0]]
        [0, 1, 2, 3]
    """
    P_h, P_w = (patch_size, patch_size) if isinstance(patch_size, int) else patch_size
    H, W = image_size
    rows, columns = patch_grid((H, W), (P_h, P_w))
    C = patches.shape[-1] // (P_h * P_w)
    x = ops.reshape(patches, (-1, rows, columns, P_h, P_w, C))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))  # (B, rows, P_h, columns, P_w, C)
    return ops.reshape(x, (-1, H, W, C))


def patch_grid(image_size, patch_size) -> tuple[int, int]:
    """Return how many patches fit down and across.

    Args:
        image_size: `(H, W)` in pixels.
        patch_size: `(P_h, P_w)` in pixels.

    Returns:
        `(rows, columns)`.

    Raises:
        ValueError: If the picture does not divide into whole patches.

    Example:
        >>> patch_grid((28, 28), (7, 4))
        (4, 7)
    """
    (H, W), (P_h, P_w) = image_size, patch_size
    if isinstance(H, int) and isinstance(W, int) and (H % P_h or W % P_w):
        raise ValueError(
            f"`patch_size` must divide the image: received patch_size={(P_h, P_w)} for an image "
            f"of height {H} and width {W}. Divisors of the height: {_divisors(H)}; "
            f"of the width: {_divisors(W)}."
        )
    return H // P_h, W // P_w


def resize_positions(E, grid, new_grid, prefix=0, interpolation="bicubic"):
    r"""Interpolate the learned positions of patches on their grid, for another number of patches.

    $$E'_{a,b} = \sum_{r,c} W^{\mathrm{rows}}_{a,r}\, W^{\mathrm{columns}}_{b,c}\, E_{r,c}, \qquad
      W_{a,r} = \frac{k(|x_a - r|)}{\sum_{r'} k(|x_a - r'|)}, \quad
      x_a = (a + \tfrac12) \frac{n}{n'} - \tfrac12$$

    with n positions before and n' after along an axis, and the kernel k of
    `kerasdl.ops.image.upsample`. Patches are areas: the halves make their outer edges coincide.

    Args:
        E: Positions (prefix + rows · columns, D), the patches row by row.
        grid: `(rows, columns)` before.
        new_grid: `(rows, columns)` after.
        prefix: How many positions stand before those of the patches, e.g. 1 for a class token; they
            stay as they are.
        interpolation: "bilinear", "bicubic", "lanczos3" or "lanczos5".

    Returns:
        Tensor (prefix + rows' · columns', D).

    Raises:
        ValueError: If E does not have as many positions, or there is no such interpolation.

    Source:
        Dosovitskiy et al., 2021, An Image is Worth 16x16 Words, section 3.2. Keys, 1981, for the
        cubic kernel.

    Example:
        >>> E = ops.array([[7.0], [0.0], [4.0]])
        >>> [float(v) for v in resize_positions(E, (1, 2), (1, 4), 1, "bilinear")[:, 0]]
        [7.0, 0.0, 1.0, 3.0, 4.0]
    """
    rows, columns = grid
    if E.shape[0] != prefix + rows * columns:
        raise ValueError(
            f"`E` must hold {prefix} + {rows} · {columns} positions, received the shape "
            f"{tuple(E.shape)}."
        )
    E = ops.convert_to_tensor(E)
    D = E.shape[1]
    W_rows, W_columns = (
        ops.convert_to_tensor(_resizing(n, m, interpolation), dtype=E.dtype)
        for n, m in zip(grid, new_grid, strict=True)
    )
    P = W_rows @ ops.reshape(E[prefix:], (rows, columns * D))  # (rows', columns D)
    P = W_columns @ ops.reshape(P, (-1, columns, D))  # (rows', columns', D)
    return ops.concatenate([E[:prefix], ops.reshape(P, (-1, D))], axis=0)


def _resizing(n, m, interpolation):
    """Return the weights (m, n) that interpolate m positions between n."""
    if interpolation not in KERNELS:
        raise ValueError(
            f"`interpolation` must be one of {', '.join(KERNELS)}; received {interpolation!r}."
        )
    kernel, _ = KERNELS[interpolation]
    x = (np.arange(m)[:, np.newaxis] + 0.5) * n / m - 0.5  # (m, 1)
    k = kernel(np.abs(x - np.arange(n)))  # (m, n)
    return k / k.sum(axis=1, keepdims=True)


def _divisors(n: int) -> list[int]:
    return [d for d in range(1, n + 1) if n % d == 0]


def sinusoidal_encoding(length, dim, max_wavelength=10_000):
    r"""Positions as sines and cosines of geometrically growing wavelengths.

    $$\mathrm{PE}_{pos,\,2i} = \sin\left(pos / \lambda^{2i/d}\right), \qquad
      \mathrm{PE}_{pos,\,2i+1} = \cos\left(pos / \lambda^{2i/d}\right)$$

    Args:
        length: Number of positions.
        dim: Size $d$ of the encoding; when odd, the last cosine is left out.
        max_wavelength: $\lambda$; the longest wave is $2\pi\lambda$ positions.

    Returns:
        NumPy array (length, dim), float64.

    Source:
        Vaswani et al., 2017, Attention Is All You Need, section 3.5.

    Example:
        >>> sinusoidal_encoding(2, 2).round(4).tolist()
        [[0.0, 1.0], [0.8415, 0.5403]]
    """
    pos = np.arange(length)[:, np.newaxis]  # (length, 1)
    i = np.arange(math.ceil(dim / 2))[np.newaxis, :]  # (1, ⌈d/2⌉)
    angle = pos / max_wavelength ** (2 * i / dim)  # (length, ⌈d/2⌉)
    interleaved = np.stack([np.sin(angle), np.cos(angle)], axis=-1)  # (length, ⌈d/2⌉, 2)
    return interleaved.reshape(length, -1)[:, :dim]


def one_hot(x, num_classes, axis=-1, dtype=None, sparse=False):
    r"""Write each integer as a vector with a single 1.

    $$y_{\dots k} = \begin{cases} 1 & \text{if } k = x_{\dots} \\ 0 & \text{else} \end{cases},
      \qquad k = 0, \dots, K - 1$$

    Args:
        x: Integers (…). One outside 0 to K − 1 gives a vector of zeros.
        num_classes: $K$.
        axis: Where the new axis goes; −1 puts it last.
        dtype: Dtype of the result; default `keras.config.floatx()`.
        sparse: Whether to return a sparse tensor. That is a way of storing, no other equation: it
            is Keras' own.

    Returns:
        Tensor (…, K).

    Example:
        >>> [int(v) for v in one_hot(ops.array([2]), 4)[0]]
        [0, 0, 1, 0]

    Differences from Keras: none.
    """
    if sparse:
        return fall_back_to(keras.ops, __name__)("one_hot")(x, num_classes, axis, dtype, sparse)
    x = x if isinstance(x, keras.KerasTensor) else ops.convert_to_tensor(x)
    rank = len(x.shape) + 1
    along = [1] * rank
    along[axis] = num_classes
    k = ops.reshape(ops.cast(ops.arange(num_classes), x.dtype), along)
    y = ops.equal(ops.expand_dims(x, axis), k)
    return ops.cast(y, dtype or keras.config.floatx())


def embedding_lookup(E, x):
    r"""Look rows of a table up.

    $$y_{\dots} = E_{x_{\dots}} = \mathrm{onehot}(x_{\dots})\, E$$

    The product with one-hot vectors is the equation; reading the rows gives the same numbers
    without multiplying by zeros, and its gradient touches only the rows that were read.

    Args:
        E: Table (V, D).
        x: Integers (…), 0 ≤ x < V.

    Returns:
        Tensor (…, D).

    Example:
        >>> E = ops.array([[1.0, 2.0], [3.0, 4.0]])
        >>> [float(v) for v in embedding_lookup(E, ops.array(1))]
        [3.0, 4.0]
    """
    return ops.take(E, x, axis=0)
