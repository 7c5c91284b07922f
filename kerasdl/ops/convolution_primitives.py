"""The backends' own convolutions, and which form is faster where.

A primitive is to a convolution what `matmul` is to a sum of products: the same numbers, computed by
the vendor's kernels. Measured on a CPU (times of the primitive by those of the equation; training
step, inference):

| | TensorFlow, graph | TensorFlow, XLA | JAX |
| --- | --- | --- | --- |
| 3×3, two axes | 0.8, 0.6 | 0.4, 0.4 | 0.6, 0.2 |
| 1×1 | 1.0, 1.0 | 2.2, 1.2 | 6, 1.1 |
| three axes | 2.0, 0.4 | 4.7, 0.8 | 3.9, 1.2 |
| depthwise | 0.2, 0.5 | 58, 56 | 4, 39 |
| transposed, stride 2 | 0.1, 0.3 | 3, 2.5 | 5, 0.6 |
| 8 groups | 11, 2.5 | 22, 1.7 | 32, 0.4 |

So the vendors' kernels are tuned for the dense convolution of pictures and its gradient; elsewhere
the equation is far ahead. `"auto"` takes the primitive for the former and the equation where it
wins; where the primitive wins forwards alone, it runs forwards and the derived gradient backwards.
Groups are dense convolutions side by side. Keras compiles training with XLA unless told otherwise:
depthwise convolutions therefore take the equation. With an accelerator it is the primitive.
"""

import functools

import keras
from keras import ops
from keras.utils import standardize_dtype

from kerasdl import backend
from kerasdl.ops.convolution import convolution, depthwise_convolution, per_axis
from kerasdl.ops.shapes import conv_output_size, conv_transpose_output_size
from kerasdl.ops.transposed_convolution import transposed_convolution

IMPLEMENTATIONS = ("auto", "equation", "primitive")
# More groups than this as separate convolutions cost more than they save.
_MOST_GROUPS_APART = 16


def convolve(
    x,
    W,
    strides=1,
    padding="valid",
    dilation_rate=1,
    data_format="channels_last",
    implementation="auto",
):
    """Compute `kerasdl.ops.convolution` in the form asked for, without a bias.

    Args:
        x: As in `convolution`.
        W: As in `convolution`.
        strides: As in `convolution`.
        padding: As in `convolution`.
        dilation_rate: As in `convolution`.
        data_format: As in `convolution`.
        implementation: `"equation"`, `"primitive"` (the backend's own) or `"auto"`, the faster.

    Returns:
        As `convolution`.

    Example:
        >>> x, W = ops.ones((1, 5, 5, 2)), ops.ones((3, 3, 2, 4))
        >>> float(convolve(x, W)[0, 0, 0, 0])
        18.0
    """
    s, d = per_axis(strides, x), per_axis(dilation_rate, x)
    groups = x.shape[1 if data_format == "channels_first" else -1] // W.shape[-2]
    form = implementation
    if form == "auto":
        form = _faster(groups, W.shape[-2] == 1, W.shape[:-2], s, d, x)
    equation = functools.partial(
        convolution,
        strides=s,
        padding=padding,
        dilation_rate=d,
        data_format=data_format,
        derived=True,
    )
    if form == "equation":
        return equation(x, W)

    def primitive(x, W, data_format="channels_last"):
        zeros = "valid" if padding == "causal" else padding
        if padding == "causal":
            before = [(W.shape[0] - 1) * d[0], 0]
            last = data_format == "channels_last"
            x = ops.pad(x, [[0, 0], before, [0, 0]] if last else [[0, 0], [0, 0], before])
        if (
            1 < groups <= _MOST_GROUPS_APART
            and not accelerated()
            and backend_is("tensorflow", "jax")
        ):
            axis = -1 if data_format == "channels_last" else 1
            pairs = zip(ops.split(x, groups, axis), ops.split(W, groups, -1))
            parts = [ops.conv(x_g, W_g, s, zeros, data_format, d) for x_g, W_g in pairs]
            return ops.concatenate(parts, axis)
        return ops.conv(x, W, s, zeros, data_format, d)

    if form == "primitive forwards":
        return equation(x, W, forward=primitive)
    return _laid_out(primitive, x, W, data_format)


def convolve_depthwise(
    x,
    W,
    strides=1,
    padding="valid",
    dilation_rate=1,
    data_format="channels_last",
    implementation="auto",
):
    """Compute `kerasdl.ops.depthwise_convolution` in the form asked for, without a bias.

    Args:
        x: As in `depthwise_convolution`.
        W: As in `depthwise_convolution`.
        strides: As in `depthwise_convolution`.
        padding: As in `depthwise_convolution`.
        dilation_rate: As in `depthwise_convolution`.
        data_format: As in `depthwise_convolution`.
        implementation: `"equation"`, `"primitive"` or `"auto"`, the faster.

    Returns:
        As `depthwise_convolution`.

    Example:
        >>> x, W = ops.ones((1, 5, 5, 2)), ops.ones((3, 3, 2, 1))
        >>> float(convolve_depthwise(x, W)[0, 0, 0, 0])
        9.0
    """
    s, d = per_axis(strides, x), per_axis(dilation_rate, x)
    if implementation == "auto":
        implementation = _faster_depthwise(s, d)
    if implementation == "equation":
        return depthwise_convolution(x, W, None, s, padding, d, data_format, derived=True)
    return _laid_out(
        lambda x, W, data_format: ops.depthwise_conv(x, W, s, padding, data_format, d),
        x,
        W,
        data_format,
    )


def convolve_transposed(
    x,
    W,
    strides=1,
    padding="valid",
    output_padding=None,
    dilation_rate=1,
    data_format="channels_last",
    implementation="auto",
):
    """Compute `kerasdl.ops.transposed_convolution` in the form asked for, without a bias.

    Args:
        x: As in `transposed_convolution`.
        W: As in `transposed_convolution`.
        strides: As in `transposed_convolution`.
        padding: As in `transposed_convolution`.
        output_padding: As in `transposed_convolution`.
        dilation_rate: As in `transposed_convolution`.
        data_format: As in `transposed_convolution`.
        implementation: `"equation"`, `"primitive"` or `"auto"`, the faster.

    Returns:
        As `transposed_convolution`.

    Example:
        >>> x, W = ops.ones((1, 5, 5, 2)), ops.ones((2, 2, 4, 2))
        >>> tuple(convolve_transposed(x, W, strides=2).shape)
        (1, 10, 10, 4)
    """
    s, d = per_axis(strides, x), per_axis(dilation_rate, x)
    form = implementation
    if form == "auto":
        out = (None,) * len(s) if output_padding is None else per_axis(output_padding, x)
        form = _faster_transposed(W.shape[:-2], s, d, padding, out, x)
    equation = functools.partial(
        transposed_convolution,
        strides=s,
        padding=padding,
        output_padding=output_padding,
        dilation_rate=d,
        data_format=data_format,
        derived=True,
    )
    if form == "equation":
        return equation(x, W)

    def primitive(x, W, data_format="channels_last"):
        return ops.conv_transpose(x, W, s, padding, output_padding, data_format, d)

    if form == "primitive forwards":
        return equation(x, W, forward=primitive)
    return _laid_out(primitive, x, W, data_format)


def _laid_out(primitive, x, W, data_format):
    """Call a primitive in a layout that the backend has."""
    x, W = ops.convert_to_tensor(x), ops.convert_to_tensor(W)
    # On a CPU, TensorFlow's have the channels last only.
    if data_format == "channels_first" and backend_is("tensorflow") and not accelerated():
        return ops.moveaxis(primitive(ops.moveaxis(x, 1, -1), W, "channels_last"), -1, 1)
    return primitive(x, W, data_format)


def backend_is(*names):
    """Whether Keras runs on one of these.

    Example:
        >>> backend_is("tensorflow", "jax", "torch")
        True
    """
    return keras.backend.backend() in names


@functools.cache
def accelerated():
    """Whether there is a GPU or TPU.

    Example:
        >>> accelerated() == bool(backend.accelerators())
        True
    """
    return bool(backend.accelerators())


def _can_mix(x):
    # The equation sums half precision in float32, which the primitive need not be slowed by.
    return standardize_dtype(x.dtype) in ("float32", "float64")


def _faster(groups, depthwise, F, s, d, x):
    if backend_is("tensorflow") and max(s) > 1 and max(d) > 1:
        return "equation"  # TensorFlow has no such convolution
    if accelerated() or backend_is("torch"):
        return "primitive"
    if groups > 1 and (depthwise or groups > _MOST_GROUPS_APART):
        return "equation"
    if groups == 1 and max(F) == 1 and max(s) == 1:
        return "equation"  # one product
    if groups == 1 and len(F) == 3:
        if backend_is("jax"):
            return "equation"
        return "primitive forwards" if _can_mix(x) else "primitive"
    return "primitive"


def _faster_depthwise(s, d):
    if backend_is("tensorflow") and len(set(s)) > 1:
        return "equation"  # TensorFlow has only equal strides
    return "primitive" if accelerated() or backend_is("torch") else "equation"


def _faster_transposed(F, s, d, padding, output_padding, x):
    if backend_is("tensorflow"):
        if max(d) > 1:
            return "equation"  # on a CPU TensorFlow has no such convolution
        for F_a, s_a, out in zip(F, s, output_padding):
            W = conv_transpose_output_size(2, F_a, s_a, padding, out)
            if conv_output_size(W, F_a, s_a, padding) != 2:
                return "equation"  # TensorFlow refuses sizes that no convolution leads from
    if backend_is("jax") and max(s) > 1 and not accelerated():
        if len(F) != 2:
            return "equation"
        return "primitive forwards" if _can_mix(x) else "primitive"
    return "primitive"
