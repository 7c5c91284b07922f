"""Recurrence: one function applied to each element of a sequence, its state handed on."""

import keras
from keras import ops

from kerasdl.backend import scan
from kerasdl.ops.recurrence.over_time import time_first


def unfold(
    step,
    x,
    states,
    outputs_0,
    mask=None,
    go_backwards=False,
    unroll=False,
    zero_output_for_mask=False,
    return_sequences=True,
):
    r"""Apply a step to each element of a sequence, each time with the state that the last one left.

    $$(y_t, s_t) = f(x_t, s_{t-1}), \qquad t = 1, \dots, T$$

    Where the mask is 0, time stands still: $s_t = s_{t-1}$ and $y_t = y_{t-1}$ (or 0).

    The gradient is the automatic one. `lstm`, `gru` and `simple_rnn` have it derived by hand.

    Args:
        step: $f$: takes $x_t$ (B, …) and a list of states, returns a list of outputs and the new
            states.
        x: Tensor (B, T, …).
        states: $s_0$, a list of tensors (B, …), which may be nested.
        outputs_0: For each output what stands for it before the first step, (B, …): seen only where
            the mask begins with 0.
        mask: Booleans (B, T), `True` where a step counts.
        go_backwards: Whether $t$ runs from $T$ down to 1.
        unroll: Whether the steps are written out one behind the other instead of a loop; $T$ must
            be known.
        zero_output_for_mask: Whether $y_t = 0$ where the mask is 0.
        return_sequences: Whether the outputs of all steps are kept.

    Returns:
        The last outputs (B, …), the outputs of all steps (B, T, …), each beside its input, or
        `None`, and the last states.

    Source:
        Goodfellow et al., 2016, Deep Learning, section 10.1, equation 10.4.

    Example:
        >>> def add_up(x_t, states):
        ...     total = states[0] + x_t
        ...     return [total], [total]
        >>> x, zero = ops.array([[[1.0], [2.0], [3.0]]]), ops.zeros((1, 1))
        >>> last, all_of_them, _ = unfold(add_up, x, [zero], [zero])
        >>> float(last[0][0, 0]), [float(y) for y in all_of_them[0][0, :, 0]]
        (6.0, [1.0, 3.0, 6.0])
    """
    n = len(keras.tree.flatten(states))
    leaves = keras.tree.flatten(x)
    sequences = [time_first(leaf) for leaf in leaves]
    if mask is not None:
        sequences.append(ops.transpose(ops.cast(mask, "bool")))  # (T, B)

    def advance(carry, at_t):
        s, y = carry[:n], carry[n:]
        x_t = keras.tree.pack_sequence_as(x, list(at_t[: len(leaves)]))
        y_t, s_t = step(x_t, keras.tree.pack_sequence_as(states, list(s)))
        y_t = [ops.cast(now, before.dtype) for now, before in zip(y_t, y, strict=True)]
        s_t = [ops.cast(now, old.dtype) for now, old in zip(keras.tree.flatten(s_t), s)]
        if mask is not None:
            counts = at_t[-1]
            y = [ops.zeros_like(old) for old in y] if zero_output_for_mask else y
            s_t = [ops.where(_as_wide(counts, new), new, old) for new, old in zip(s_t, s)]
            y_t = [ops.where(_as_wide(counts, new), new, old) for new, old in zip(y_t, y)]
        return [*s_t, *y_t], y_t if return_sequences else []

    carry = [*keras.tree.flatten(states), *outputs_0]
    like = outputs_0 if return_sequences else []
    carry, outputs = scan(advance, carry, sequences, like, reverse=go_backwards, unroll=unroll)
    y = [time_first(output) for output in outputs] if return_sequences else None
    return carry[n:], y, keras.tree.pack_sequence_as(states, carry[:n])


def _as_wide(mask, x):
    return ops.reshape(mask, (-1, *[1] * (len(x.shape) - 1)))
