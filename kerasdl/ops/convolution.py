"""Convolution in any number of dimensions, from its equation."""

from keras import ops
from keras.utils import standardize_dtype

from kerasdl.backend import with_gradient
from kerasdl.ops.shapes import conv_padding
from kerasdl.ops.windowed_products import (
    dense,
    depthwise,
    gather_products,
    grouped,
    kernel_products,
    scatter_products,
)
from kerasdl.ops.windows import Window, pad_or_crop


def convolution(
    x,
    W,
    b=None,
    strides=1,
    padding="valid",
    dilation_rate=1,
    data_format="channels_last",
    derived=False,
    forward=None,
):
    r"""Slide a kernel along the input: at each position a weighted sum of what it covers.

    $$y[b, i, o] = \sum_k \sum_c x[b, i s + k d, c] \, W[k, c, o] + b[o]$$

    with an $i$ and a $k$ for each spatial axis. (A cross-correlation, to be exact: the kernel is
    not flipped, as in all of deep learning.) Every output sees $F$ inputs an axis only (sparse
    connectivity), all positions share $W$ (parameter sharing), hence a shifted input gives a
    shifted output (translation equivariance).

    Backwards, with $\delta = \partial L / \partial y$:

    $$\frac{\partial L}{\partial W[k, c, o]} = \sum_{b, i} x[b, i s + k d, c] \, \delta[b, i, o],
      \qquad
      \frac{\partial L}{\partial x[b, j, c]}
      = \sum_{i, k \,:\, i s + k d = j} \sum_o \delta[b, i, o] \, W[k, c, o]$$

    The second is the `transposed_convolution` of $\delta$ with the same kernel.

    Where the kernel has fewer input channels than $x$, the channels form $G = C / C_W$ groups that
    are convolved apart, each for its share of the outputs.

    Args:
        x: Tensor (B, spatial…, C), or (B, C, spatial…) with `"channels_first"`.
        W: Kernel (F…, C / G, O).
        b: Bias (O,), or `None`.
        strides: $s$, an integer or one for each spatial axis.
        padding: `"valid"`, `"same"` or `"causal"`; see `kerasdl.ops.shapes.conv_padding`.
        dilation_rate: $d$, likewise.
        data_format: `"channels_last"` or `"channels_first"`.
        derived: Whether the backward pass is the one above, derived by hand (three times faster
            in TensorFlow's graphs), or the automatic one of the forward pass.
        forward: Computes the sum in place of this function, e.g. a backend's own, from the same
            $x$, channels last, and $W$; only with `derived`.

    Returns:
        Tensor (B, positions…, O), or (B, O, positions…). Half precision is summed in float32.

    Raises:
        ValueError: If the channels of $x$ are no multiple of the kernel's.

    Source:
        LeCun et al., 1989, Backpropagation Applied to Handwritten Zip Code Recognition. Goodfellow
        et al., 2016, Deep Learning, equation 9.6. Groups: Krizhevsky et al., 2012, section 3.5.
        Dilation: Yu and Koltun, 2016, equation 2.

    Example:
        >>> x = ops.reshape(ops.array([1.0, 2.0, 4.0, 8.0]), (1, 4, 1))
        >>> W = ops.reshape(ops.array([-1.0, 1.0]), (2, 1, 1))
        >>> [float(v) for v in convolution(x, W)[0, :, 0]]
        [1.0, 2.0, 4.0]
    """
    C = x.shape[1 if data_format == "channels_first" else -1]
    if C % W.shape[-2] or W.shape[-1] % (C // W.shape[-2]):
        raise ValueError(
            "The kernel `W` (…, C / G, O) must have a divisor of the input's channels, and O a "
            f"multiple of G, received {C} channels and a kernel of shape {tuple(W.shape)}."
        )
    G = C // W.shape[-2]
    if W.shape[-2] == 1 < C:  # each channel by itself
        W = ops.reshape(W, (*W.shape[:-2], C, W.shape[-1] // C))
        return depthwise_convolution(x, W, b, strides, padding, dilation_rate, data_format, derived)
    p = dense() if G == 1 else grouped(G)
    window = Window(tuple(W.shape[:-2]), per_axis(strides, x), per_axis(dilation_rate, x))
    return in_channels_last(
        lambda x, W: _gather(p, window, padding, x, W, derived, forward), x, W, b, data_format
    )


def depthwise_convolution(
    x,
    W,
    b=None,
    strides=1,
    padding="valid",
    dilation_rate=1,
    data_format="channels_last",
    derived=False,
):
    r"""Convolve each channel by itself, with $M$ kernels of its own.

    $$y[b, i, c M + m] = \sum_k x[b, i s + k d, c] \, W[k, c, m] + b[c M + m]$$

    Args:
        x: Tensor (B, spatial…, C), or (B, C, spatial…) with `"channels_first"`.
        W: Kernel (F…, C, M).
        b: Bias (C M,), or `None`.
        strides: As in `convolution`.
        padding: As in `convolution`.
        dilation_rate: As in `convolution`.
        data_format: As in `convolution`.
        derived: As in `convolution`.

    Returns:
        Tensor (B, positions…, C M), or (B, C M, positions…).

    Raises:
        ValueError: If $x$ and the kernel have different channels.

    Source:
        Chollet, 2017, Xception, section 1.

    Example:
        >>> x = ops.array([[[1.0, 10.0], [2.0, 20.0]]])
        >>> [float(v) for v in depthwise_convolution(x, ops.ones((2, 2, 1)))[0, 0]]
        [3.0, 30.0]
    """
    C = x.shape[1 if data_format == "channels_first" else -1]
    if C != W.shape[-2]:
        raise ValueError(
            "The kernel `W` (…, C, M) must have the input's channels, received "
            f"{C} channels and a kernel of shape {tuple(W.shape)}."
        )
    window = Window(tuple(W.shape[:-2]), per_axis(strides, x), per_axis(dilation_rate, x))
    M = W.shape[-1]

    def form(x, W):
        if M > 1:  # as many channels as kernels, each channel M times in a row
            x = ops.repeat(x, M, axis=-1)
            W = ops.reshape(W, (*W.shape[:-2], C * M, 1))
        return _gather(depthwise(), window, padding, x, W, derived)

    return in_channels_last(form, x, W, b, data_format)


def _gather(p, window, padding, x, W, derived, forward=None):
    sizes = ops.shape(x)[1:-1]
    zeros = [conv_padding(size, F, s, padding, d) for size, F, s, d in zip(sizes, *window)]

    def function(x, W):
        y = forward(x, W) if forward else None
        x = pad_or_crop(x, zeros)

        def backward(delta):
            dx = scatter_products(p, window, delta, W)
            # Places behind the last window got nothing: where the stride does not come out even.
            around = [
                (-before, size + before - got)
                for size, (before, _), got in zip(sizes, zeros, ops.shape(dx)[1:-1])
            ]
            return pad_or_crop(dx, around), kernel_products(p, window, x, delta)

        return gather_products(p, window, x, W) if y is None else y, backward

    return with_gradient(function)(x, W) if derived else function(x, W)[0]


def per_axis(value, x):
    """Return a setting as a tuple with an entry for each spatial axis of a tensor.

    Example:
        >>> per_axis(2, ops.ones((1, 8, 8, 3)))
        (2, 2)
    """
    return (value,) * (len(x.shape) - 2) if isinstance(value, int) else tuple(value)


def in_channels_last(form, x, W, b, data_format):
    """Call `form(x, W)` with the channels of `x` last, at least in float32, and add a bias.

    Args:
        form: Takes x (B, spatial…, C) and W, returns (B, positions…, O).
        x: Tensor in `data_format`.
        W: Kernel.
        b: Bias (O,), or `None`.
        data_format: `"channels_last"` or `"channels_first"`.

    Returns:
        The result in `data_format` and in the dtype of `x`.

    Example:
        >>> x = ops.ones((1, 3, 8))
        >>> tuple(in_channels_last(ops.matmul, x, ops.ones((3, 4)), None, "channels_first").shape)
        (1, 4, 8)
    """
    x, W = ops.convert_to_tensor(x), ops.convert_to_tensor(W)
    # Out of a layer, W is still a variable on TensorFlow, which a function with a gradient of its
    # own refuses; a reshape reads it and moves no numbers.
    W = ops.reshape(W, W.shape)
    dtype = standardize_dtype(x.dtype)
    if dtype in ("float16", "bfloat16"):
        x, W = ops.cast(x, "float32"), ops.cast(W, "float32")  # sums of many terms
    if data_format == "channels_first":
        x = ops.moveaxis(x, 1, -1)
    y = form(x, W)
    if b is not None:
        y = y + ops.cast(b, y.dtype)
    if data_format == "channels_first":
        y = ops.moveaxis(y, -1, 1)
    return ops.cast(y, dtype)
