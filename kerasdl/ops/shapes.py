"""Arithmetic of shapes: which sizes follow from which."""

import re
from typing import NamedTuple

from keras import ops


class EinsumShapes(NamedTuple):
    """Shapes that belong to an einsum projection."""

    kernel: tuple
    bias: tuple | None
    output: tuple
    input_axes: list[int]
    output_axes: list[int]


_TERMS = re.compile(r"(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?")


def einsum_weight_shapes(
    equation, input_shape, output_shape, bias_axes=None, weights_only=False
) -> EinsumShapes:
    """Work out the kernel, bias and output shapes of `"input,kernel->output"`.

    Args:
        equation: One letter an axis. `...` may lead or trail, in input and output alike.
        input_shape: Shape of the input, batch included.
        output_shape: Sizes of the output without the batch and without `...`; `None` entries
            follow from the input.
        bias_axes: Letters of the output that have their own bias, or `None`.
        weights_only: Whether the input may have more axes than the equation names. The weights do
            not depend on them; the output is none then.

    Returns:
        The shapes, and the kernel's axes that are inputs and outputs.

    Raises:
        ValueError: If the equation has another form, names an axis that nothing defines, or the
            shapes contradict each other.

    Example:
        >>> einsum_weight_shapes("btd,dnh->btnh", (None, 5, 8), (None, 2, 4), "nh").kernel
        (8, 2, 4)
    """
    match = _TERMS.fullmatch(equation.replace(" ", ""))
    lead_in, x, trail_in, w, lead_out, y, trail_out = match.groups() if match else [None] * 7
    if not match or lead_in != lead_out or trail_in != trail_out or (lead_in and trail_in):
        raise ValueError(
            "`equation` must have the form 'ab,bc->ac', '...b,bc->...c' or 'ab...,bc->ac...', "
            f"received {equation!r}."
        )
    input_shape = tuple(input_shape)
    hidden = len(input_shape) - len(x)  # axes behind the dots
    unnamed = hidden > 0 and not (lead_in or trail_in)
    if hidden < 0 or (unnamed and not weights_only):
        raise ValueError(
            f"`equation` {equation!r} names {len(x)} input axes, the input has the shape "
            f"{input_shape}."
        )

    first = hidden if lead_in else 0
    sizes = dict(zip(x, input_shape[first : first + len(x)], strict=True))
    dots = input_shape[:hidden] if lead_in else input_shape[len(x) :] if trail_in else ()
    # The batch axis has no entry in `output_shape`: it hides behind the dots or is y's first.
    named = y if lead_in and hidden else y[1:]
    if len(named) != len(output_shape) and not unnamed:
        raise ValueError(
            f"`output_shape` must give the sizes of {', '.join(named)} in {equation!r}, "
            f"received {tuple(output_shape)}."
        )
    for letter, size in zip(named, output_shape):
        known = sizes.get(letter)
        if size is not None and known is not None and size != known:
            raise ValueError(
                f"Axis '{letter}' of {equation!r} has size {known} in the input and {size} in "
                "`output_shape`."
            )
        sizes[letter] = known if size is None else size

    for letter in w + y:
        if letter not in sizes or (letter in w and sizes[letter] is None):
            raise ValueError(
                f"Axis '{letter}' of {equation!r} has no size: it must be in the input or in "
                f"`output_shape`, received input shape {input_shape} and output_shape "
                f"{tuple(output_shape)}."
            )
    visible = tuple(sizes[letter] for letter in y)
    output = dots + visible if lead_in else visible + dots
    return EinsumShapes(
        kernel=tuple(sizes[letter] for letter in w),
        bias=_bias_shape(equation, y, sizes, bias_axes, hidden if trail_in or unnamed else 0),
        output=output,
        input_axes=[i for i, letter in enumerate(w) if letter not in y],
        output_axes=[i for i, letter in enumerate(w) if letter in y],
    )


def _bias_shape(equation, y, sizes, bias_axes, trailing):
    if bias_axes is None:
        return None
    unknown = [letter for letter in bias_axes if letter not in y]
    if unknown or not bias_axes:
        raise ValueError(
            f"`bias_axes` must be letters of the output '{y}' of {equation!r}, "
            f"received {bias_axes!r}."
        )
    first = min(y.index(letter) for letter in bias_axes)
    shape = tuple(sizes[letter] if letter in bias_axes else 1 for letter in y[first:])
    return shape + (1,) * trailing


def conv_padding(size, kernel, stride=1, padding="valid", dilation=1):
    r"""Work out how many zeros a convolution puts before and behind an axis.

    `"same"` gives $\lceil W / S \rceil$ outputs and centres the window, the odd zero behind;
    `"causal"` puts all $F_{eff} - 1$ zeros before, so that no output sees the future.

    Args:
        size: $W$, or a scalar integer tensor where it is known only at run time.
        kernel: $F$.
        stride: $S$.
        padding: `"valid"`, `"same"` or `"causal"`.
        dilation: $d$; the window covers $F_{eff} = (F - 1) d + 1$.

    Returns:
        Zeros before and behind.

    Raises:
        ValueError: If `padding` is none of these.

    Example:
        >>> conv_padding(5, kernel=3, stride=2, padding="same")
        (1, 1)
    """
    F_eff = (kernel - 1) * dilation + 1
    if padding == "valid":
        return 0, 0
    if padding == "causal":
        return F_eff - 1, 0
    if padding != "same":
        raise ValueError(f"`padding` must be 'valid', 'same' or 'causal', received {padding!r}.")
    if stride == 1:
        total = F_eff - 1  # whatever the size
    else:
        total = (-(-size // stride) - 1) * stride + F_eff - size
        total = max(total, 0) if isinstance(total, int) else ops.maximum(total, 0)
    return total // 2, total - total // 2


def conv_output_size(size, kernel, stride=1, padding="valid", dilation=1):
    r"""Count the positions of a window along an axis.

    $$\frac{W - F_{eff} + 2P}{S} + 1, \qquad F_{eff} = (F - 1) d + 1$$

    rounded down, with $2P$ the zeros of `conv_padding`. The same for pooling.

    Args:
        size: $W$, or `None` where it is unknown.
        kernel: $F$.
        stride: $S$.
        padding: `"valid"`, `"same"` or `"causal"`.
        dilation: $d$.

    Returns:
        The number; zero or less where the window does not fit; `None` for a `size` of `None`.

    Raises:
        ValueError: If `padding` is none of these.

    Example:
        >>> conv_output_size(28, kernel=5), conv_output_size(28, 3, stride=2, padding="same")
        (24, 14)
    """
    before, behind = conv_padding(1 if size is None else size, kernel, stride, padding, dilation)
    if size is None:
        return None
    F_eff = (kernel - 1) * dilation + 1
    return (size - F_eff + before + behind) // stride + 1


def conv_transpose_output_size(
    size, kernel, stride=1, padding="valid", output_padding=None, dilation=1
):
    r"""Work out the size from which a convolution would have made `size` outputs.

    $$W = (n - 1) S + F_{eff} - 2P + P_{out}$$

    Several sizes lead to the same $n$. Without `output_padding` it is $n S$ for `"same"` and
    $(n - 1) S + \max(F_{eff}, S)$ for `"valid"`; with it, `"same"` crops $F_{eff}$ down to its
    parity, $(n - 1) S + F_{eff} \bmod 2 + P_{out}$, as Keras does.

    Args:
        size: $n$, or `None` where it is unknown.
        kernel: $F$.
        stride: $S$.
        padding: `"valid"` or `"same"`.
        output_padding: $P_{out}$, or `None`.
        dilation: $d$.

    Returns:
        The size; `None` for a `size` of `None`.

    Raises:
        ValueError: If `padding` is none of these.

    Example:
        >>> conv_transpose_output_size(14, kernel=3, stride=2, padding="same")
        28
    """
    if padding not in ("valid", "same"):
        raise ValueError(f"`padding` must be 'valid' or 'same', received {padding!r}.")
    if size is None:
        return None
    F_eff = (kernel - 1) * dilation + 1
    if padding == "valid":
        last = max(F_eff, stride) if output_padding is None else F_eff + output_padding
    else:
        last = stride if output_padding is None else F_eff % 2 + output_padding
    return (size - 1) * stride + last
