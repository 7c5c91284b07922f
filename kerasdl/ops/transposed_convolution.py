"""Transposed convolution: the way back through a convolution, as a layer of its own."""

from kerasdl.backend import with_gradient
from kerasdl.ops.convolution import in_channels_last, per_axis
from kerasdl.ops.shapes import conv_transpose_output_size
from kerasdl.ops.windowed_products import (
    dense,
    gather_products,
    kernel_products,
    scatter_products,
)
from kerasdl.ops.windows import Window, pad_or_crop


def transposed_convolution(
    x,
    W,
    b=None,
    strides=1,
    padding="valid",
    output_padding=None,
    dilation_rate=1,
    data_format="channels_last",
    derived=False,
    forward=None,
):
    r"""Spread every input over the places that a convolution would have read it from.

    $$y[b, j, o] = \sum_{i, k \,:\, i s + k d = j + P} \sum_c x[b, i, c] \, W[k, o, c] + b[o]$$

    A convolution is linear, $y = A x$; this is $A^T$, its adjoint and its gradient (not its
    inverse). $P$ and the size of $y$ are those of the convolution that would lead from $y$ to $x$:
    `"same"` crops $F_{eff} - s$ places, half before ($P$) and half behind, the odd one behind.

    Backwards, with $\delta = \partial L / \partial y$, it is a convolution:

    $$\frac{\partial L}{\partial x[b, i, c]} = \sum_{k, o} \delta[b, i s + k d - P, o] \,
      W[k, o, c], \qquad
      \frac{\partial L}{\partial W[k, o, c]} = \sum_{b, i} \delta[b, i s + k d - P, o] \,
      x[b, i, c]$$

    Args:
        x: Tensor (B, spatial…, C), or (B, C, spatial…) with `"channels_first"`.
        W: Kernel (F…, O, C): a convolution's kernel from O to C channels.
        b: Bias (O,), or `None`.
        strides: $s$, an integer or one for each spatial axis.
        padding: `"valid"` or `"same"`.
        output_padding: Places added to the size behind; an integer, one for each axis or `None`;
            see `kerasdl.ops.shapes.conv_transpose_output_size`.
        dilation_rate: $d$.
        data_format: `"channels_last"` or `"channels_first"`.
        derived: Whether the backward pass is the one above or the automatic one.
        forward: As in `kerasdl.ops.convolution`.

    Returns:
        Tensor (B, places…, O), or (B, O, places…). Half precision is summed in float32.

    Raises:
        ValueError: If $x$ has other channels than the kernel.

    Source:
        Dumoulin and Visin, 2016, A guide to convolution arithmetic for deep learning, section 4.

    Example:
        >>> from keras import ops
        >>> x = ops.reshape(ops.array([1.0, 10.0]), (1, 2, 1))
        >>> W = ops.reshape(ops.array([1.0, 2.0, 3.0]), (3, 1, 1))
        >>> [float(v) for v in transposed_convolution(x, W, strides=2)[0, :, 0]]
        [1.0, 2.0, 13.0, 20.0, 30.0]
    """
    C = x.shape[1 if data_format == "channels_first" else -1]
    if C != W.shape[-1]:
        raise ValueError(
            "The kernel `W` (…, O, C) must have the input's channels, received "
            f"{C} channels and a kernel of shape {tuple(W.shape)}."
        )
    window = Window(tuple(W.shape[:-2]), per_axis(strides, x), per_axis(dilation_rate, x))
    if output_padding is None:
        output_padding = (None,) * len(window.strides)
    around = [_crop(*arguments, padding) for arguments in zip(*window, per_axis(output_padding, x))]
    return in_channels_last(
        lambda x, W: _scatter(window, around, x, W, derived, forward), x, W, b, data_format
    )


def _crop(F, s, d, output_padding, padding):
    """Places that are dropped (or, where positive, added) before and behind, an axis."""
    full = (F - 1) * d + 1  # of one input; each further one adds a stride, here and there
    size = conv_transpose_output_size(1, F, s, padding, output_padding, d)
    before = max(full - size, 0) // 2 if padding == "same" else 0
    return -before, size - full + before


def _scatter(window, around, x, W, derived, forward):
    p = dense()

    def function(x, W):
        y = forward(x, W) if forward else None
        if y is None:
            y = pad_or_crop(scatter_products(p, window, x, W), around)

        def backward(delta):
            delta = pad_or_crop(delta, [(-before, -behind) for before, behind in around])
            return gather_products(p, window, delta, W), kernel_products(p, window, delta, x)

        return y, backward

    return with_gradient(function)(x, W) if derived else function(x, W)[0]
