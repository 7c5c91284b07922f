r"""Sums of products over the taps of a window, the core of every convolution.

At one tap, channels meet a slice of the kernel: $y = p(x, W_k)$, linear in both. Each kind of
convolution has its own $p$ (`dense`, `grouped`, `depthwise`) with its two adjoints; the sums over
taps are the same. With $x_k$ what tap $k$ sees:

$$y = \sum_k p(x_k, W_k), \qquad
  \frac{\partial L}{\partial x} = \sum_k \mathrm{put\_back}_k \, p_x^*(\delta, W_k), \qquad
  \frac{\partial L}{\partial W_k} = p_W^*(x_k, \delta)$$
"""

from collections.abc import Callable
from functools import reduce
from typing import NamedTuple

from keras import ops

from kerasdl.ops.windows import put_back, seen_by


class Product(NamedTuple):
    """What channels do at one tap: a bilinear map and its adjoints."""

    forward: Callable
    to_input: Callable
    to_kernel: Callable


def gather_products(p, window, x, W):
    r"""Sum what the window sees, weighted: $y[b, i] = \sum_k p(x[b, i s + k d], W_k)$.

    Args:
        p: A `Product`.
        window: A `Window`.
        x: Tensor (B, spatial…, C), padded.
        W: Kernel (F…, ·, ·).

    Returns:
        Tensor (B, positions…, O).

    Example:
        >>> from kerasdl.ops.windows import Window
        >>> x, W = ops.ones((1, 5, 2)), ops.ones((3, 2, 4))
        >>> float(gather_products(dense(), Window((3,), (1,), (1,)), x, W)[0, 0, 0])
        6.0
    """
    return reduce(ops.add, [p.forward(seen_by(k, window, x), W[k]) for k in window.taps])


def scatter_products(p, window, y, W):
    r"""Give every place its share back, the adjoint of `gather_products` in $x$.

    $$x[b, j] = \sum_{i, k \,:\, i s + k d = j} p_x^*(y[b, i], W_k)$$

    Args:
        p: A `Product`.
        window: A `Window`.
        y: Tensor (B, positions…, O).
        W: Kernel (F…, ·, ·).

    Returns:
        Tensor (B, places…, C), $(n - 1) s + F_{eff}$ places along an axis of $n$ positions.

    Example:
        >>> from kerasdl.ops.windows import Window
        >>> y, W = ops.ones((1, 2, 1)), ops.ones((3, 1, 1))
        >>> [float(v) for v in scatter_products(dense(), Window((3,), (1,), (1,)), y, W)[0, :, 0]]
        [1.0, 2.0, 2.0, 1.0]
    """
    return reduce(ops.add, [put_back(k, window, p.to_input(y, W[k])) for k in window.taps])


def kernel_products(p, window, x, y):
    r"""Correlate input and output: $W_k = p_W^*(x_k, y)$, the adjoint of `gather_products` in $W$.

    Args:
        p: A `Product`.
        window: A `Window`.
        x: Tensor (B, spatial…, C), padded.
        y: Tensor (B, positions…, O).

    Returns:
        A tensor of the kernel's shape.

    Example:
        >>> from kerasdl.ops.windows import Window
        >>> x, y = ops.ones((1, 5, 2)), ops.ones((1, 3, 4))
        >>> tuple(kernel_products(dense(), Window((3,), (1,), (1,)), x, y).shape)
        (3, 2, 4)
    """
    slices = [p.to_kernel(seen_by(k, window, x), y) for k in window.taps]
    return ops.reshape(ops.stack(slices), (*window.kernel_size, *slices[0].shape))


def dense():
    r"""Every output channel sees every input channel: $y_o = \sum_c x_c W_{co}$."""

    # `@` and not `ops.matmul`: on PyTorch that one computes float64 in float32.
    def forward(x, W_k):
        return ops.reshape(_rows(x) @ W_k, (*ops.shape(x)[:-1], W_k.shape[-1]))

    def to_input(y, W_k):
        return forward(y, ops.transpose(W_k))

    def to_kernel(x, y):
        return ops.transpose(_rows(x)) @ _rows(y)

    return Product(forward, to_input, to_kernel)


def _rows(t):
    return ops.reshape(t, (-1, t.shape[-1]))


def grouped(G):
    r"""Within each of $G$ groups: $y_{go} = \sum_c x_{gc} W_{c,go}$.

    Args:
        G: Number of groups; consecutive channels belong together.
    """

    def split(t):
        return ops.reshape(t, (-1, G, t.shape[-1] // G))

    def multiply(equation, a, b, like):
        y = ops.einsum(equation, a, b)
        return ops.reshape(y, (*ops.shape(like)[:-1], y.shape[-2] * y.shape[-1]))

    def forward(x, W_k):
        return multiply("ngc,cgo->ngo", split(x), split(W_k), like=x)

    def to_input(y, W_k):
        return multiply("ngo,cgo->ngc", split(y), split(W_k), like=y)

    def to_kernel(x, y):
        W_k = ops.einsum("ngc,ngo->cgo", split(x), split(y))
        return ops.reshape(W_k, (W_k.shape[0], y.shape[-1]))

    return Product(forward, to_input, to_kernel)


def depthwise():
    r"""Every channel by itself: $y_c = x_c W_c$, with a kernel slice (C, 1)."""

    def multiply(x, W_k):
        return x * W_k[:, 0]

    def to_kernel(x, y):
        return ops.expand_dims(ops.sum(_rows(x) * _rows(y), axis=0), -1)

    return Product(forward=multiply, to_input=multiply, to_kernel=to_kernel)
