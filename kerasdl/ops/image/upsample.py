"""More pixels: interpolation by a kernel, one axis after the other."""

import functools

import numpy as np
from keras import ops
from keras.utils import standardize_dtype

from kerasdl import backend
from kerasdl.backend import with_gradient
from kerasdl.ops.pooling import along, in_floats


def linear(t):
    """Return the weight of a pixel at distance t: the triangle."""
    return np.maximum(1 - t, 0)


def cubic(t):
    """Return the weight of a pixel at distance t: Keys' cubic convolution, a = −1/2."""
    near = (1.5 * t - 2.5) * t**2 + 1
    far = ((-0.5 * t + 2.5) * t - 4) * t + 2
    return np.where(t < 1, near, np.where(t < 2, far, 0))


def lanczos(t, a):
    """Return the weight of a pixel at distance t: a windowed sinc."""
    return np.where(t < a, np.sinc(t) * np.sinc(t / a), 0)


# Kernel, and up to which distance it reaches.
KERNELS = {
    "bilinear": (linear, 1),
    "bicubic": (cubic, 2),
    "lanczos3": (functools.partial(lanczos, a=3), 3),
    "lanczos5": (functools.partial(lanczos, a=5), 5),
}
INTERPOLATIONS = ("nearest", *KERNELS)


def upsample(images, size, interpolation="nearest", data_format="channels_last"):
    r"""Interpolate pictures to a multiple of their size.

    $$g_i = \frac{\sum_j k(|x_i - j|)\, f_j}{\sum_j k(|x_i - j|)}, \qquad
      x_i = (i + \tfrac12) / s - \tfrac12$$

    along each axis, over the pixels $j$ of the picture. Pixels are squares: the halves make their
    outer edges coincide. With $t = |x_i - j|$, the kernel is

    | interpolation | $k(t)$ |
    | --- | --- |
    | nearest | 1 for $t \le 1/2$: every pixel is repeated |
    | bilinear | $1 - t$ for $t < 1$ |
    | bicubic | $\tfrac32 t^3 - \tfrac52 t^2 + 1$ for $t < 1$, |
    | | $-\tfrac12 t^3 + \tfrac52 t^2 - 4 t + 2$ for $t < 2$ |
    | lanczos3, lanczos5 | $\mathrm{sinc}(t)\, \mathrm{sinc}(t / a)$ for $t < a$ = 3 or 5 |

    The distances repeat with every pixel, so that each of the $s$ new ones per pixel has its own
    few weights.

    Args:
        images: $f$, tensor (B, H, W, C), or (B, C, H, W).
        size: $s$ of rows and of columns.
        interpolation: One of the above.
        data_format: "channels_last" or "channels_first".

    Returns:
        Tensor (B, s_h·H, s_w·W, C), or (B, C, s_h·H, s_w·W), of the dtype of `images`. Half
        precision is computed in float32; integers are rounded.

    Raises:
        ValueError: If `interpolation` is none of these.

    Source:
        Keys, 1981, Cubic convolution interpolation for digital image processing. Duchon, 1979,
        Lanczos filtering in one and two dimensions.

    Example:
        >>> f = ops.reshape(ops.array([0.0, 4.0]), (1, 1, 2, 1))
        >>> [float(v) for v in ops.reshape(upsample(f, (1, 2), "bilinear"), (-1,))]
        [0.0, 1.0, 3.0, 4.0]

    Differences from Keras: the same equation on every backend. There, TensorFlow computes float64
    in float32 and rounds the weights of "bicubic" to 1/1024 of a pixel; PyTorch takes a = −3/4 for
    "bicubic", repeats the border, and has no "lanczos3" and "lanczos5".
    """
    if interpolation not in INTERPOLATIONS:
        raise ValueError(
            f"Invalid value for argument `interpolation`. Expected one of {INTERPOLATIONS}. "
            f"Received: interpolation={interpolation!r}"
        )
    first = 2 if data_format == "channels_first" else 1
    factors = [(first + i, s) for i, s in enumerate(size) if s > 1]
    if interpolation == "nearest":
        for axis, s in factors:
            images = ops.repeat(images, s, axis=axis)
        return images

    @in_floats
    def interpolate(x):
        for axis, s in reversed(factors):  # columns first: of rows, the long ones are the many
            new_size = ops.shape(x)[axis] * s
            x = along(axis, new_size, functools.partial(_upsample, s, *KERNELS[interpolation]), x)
        return x

    dtype = standardize_dtype(images.dtype)
    g = backend.fuse(interpolate, ops.convert_to_tensor(images))
    return g if "float" in dtype else ops.saturate_cast(ops.round(g), dtype)


def _upsample(s, kernel, radius, x):
    """Interpolate along the middle axis of (N, n, M)."""
    n, M = ops.shape(x)[1:]
    x_i = (np.arange(s) + 0.5) / s - 0.5
    taps = np.arange(-radius, radius + 1)
    k = kernel(np.abs(x_i - taps[:, None]))  # (taps, s)
    used = [t for t in range(len(taps)) if k[t].any()]
    weights = _weights(n, taps, k, x.dtype)  # (taps, n, s, 1)

    @with_gradient
    def interpolate(x):
        framed = ops.expand_dims(ops.pad(x, [[0, 0], [radius, radius], [0, 0]]), 2)
        g = sum(weights[t] * framed[:, t : t + n] for t in used)  # (N, n, s, M)

        def backward(dg):
            dg = ops.split(ops.reshape(dg, (-1, n, s * M)), s, axis=2)  # s times (N, n, M)
            df = 0
            for t in used:
                sent = sum(weights[t, :, p] * dg[p] for p in range(s) if k[t, p])
                df = df + ops.pad(sent, [[0, 0], [t, 2 * radius - t], [0, 0]])
            return (df[:, radius : radius + n],)

        return ops.reshape(g, (-1, n * s, M)), backward

    return interpolate(x)


def _weights(n, taps, k, dtype):
    """Return the kernel at each pixel, 0 outside the picture, divided by its sum."""
    taps, k = taps.astype("int32")[:, None, None, None], k[:, None, :, None]
    if isinstance(n, int):
        j = np.arange(n)[:, None, None] + taps
        weights = k * ((j >= 0) & (j < n))
        return ops.convert_to_tensor(weights / weights.sum(axis=0), dtype=dtype)
    j = ops.arange(n, dtype="int32")[:, None, None] + taps
    k = ops.convert_to_tensor(k, dtype=dtype)
    weights = ops.where(ops.logical_and(j >= 0, j < n), k, ops.zeros_like(k))
    return weights / ops.sum(weights, axis=0)
