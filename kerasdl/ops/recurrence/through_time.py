"""Back-propagation through time, derived by hand: what all recurrent cells share."""

from collections.abc import Callable
from typing import NamedTuple

from keras import ops

from kerasdl.backend import fuse, scan, with_gradient


class Recurrence(NamedTuple):
    r"""One step of a recurrent cell, forwards and backwards.

    Args:
        prepare: Takes the weights; returns a list of what the steps multiply with, so that it is
            computed once.
        step: Takes $x_t$, the states $s_{t-1}$ and what `prepare` returned; returns $s_t$, of
            which the first is the output, and a list of what `back` reads.
        back: Takes $\partial L / \partial s_t$, what `step` kept, and the prepared weights;
            returns $\partial L / \partial a_t$ for each of its pre-activations, and
            $\partial L / \partial s_{t-1}$.
        kept: How many tensors of the shape of a state `step` keeps.
        pre_activations: For each $a$ of `back`, its width as a multiple of the state's.
        weight_gradients: Takes all $x$ (N, F), what was kept (N, u) each, and all
            $\partial L / \partial a$ (N, …), where N counts the steps of all examples, and the
            weights; returns $\partial L / \partial x$ (N, F) and the gradients of the weights.
    """

    prepare: Callable
    step: Callable
    back: Callable
    kept: int
    pre_activations: tuple[int, ...]
    weight_gradients: Callable


def through_time(
    recurrence,
    x,
    states,
    weights,
    mask=None,
    go_backwards=False,
    return_sequences=True,
    training=True,
):
    r"""Run a recurrence along a sequence, with back-propagation through time written out.

    Forwards, $s_t = f(x_t, s_{t-1})$, keeping what the way back reads. Backwards, from the last
    step to the first,

    $$\frac{\partial L}{\partial a_t} = \frac{\partial s_t}{\partial a_t}^{\!\top}
        \frac{\partial L}{\partial s_t}, \qquad
      \frac{\partial L}{\partial s_{t-1}} = U \frac{\partial L}{\partial a_t} + \dots$$

    and only after the loop, in one product over all steps each,

    $$\frac{\partial L}{\partial W} = \sum_t x_t^\top \frac{\partial L}{\partial a_t}, \qquad
      \frac{\partial L}{\partial U} = \sum_t h_{t-1}^\top \frac{\partial L}{\partial a_t}, \qquad
      \frac{\partial L}{\partial x_t} = \frac{\partial L}{\partial a_t} W^\top.$$

    Automatic differentiation adds to $\partial L / \partial W$ at every step instead, in a tensor
    as large as $W$. Where the mask is 0, the state stays and its gradient passes unchanged.

    Args:
        recurrence: A `Recurrence`.
        x: Tensor (B, T, F).
        states: $s_0$, a list of tensors (B, u).
        weights: List of tensors, in the order of `recurrence.weight_gradients`.
        mask: Booleans (B, T), `True` where a step counts; or `None`.
        go_backwards: Whether $t$ runs from $T$ down to 1.
        return_sequences: Whether the outputs of all steps are returned.
        training: Whether the way back is prepared. Without, nothing is kept, and a gradient that is
            asked for all the same is the automatic one.

    Returns:
        All outputs (B, T, u), each beside its input (`None` without `return_sequences`), and the
        list of the last states.

    Source:
        Werbos, 1990, Backpropagation Through Time. Goodfellow et al., 2016, Deep Learning, section
        10.2.2.
    """
    n, masked = len(states), mask is not None
    kept = recurrence.kept if training else 0

    def forwards(x, *rest):
        prepared = recurrence.prepare(*rest[n : n + len(weights)])

        def step(carry, at_t):
            new, to_keep = recurrence.step(at_t[0], carry, prepared)
            if masked:
                new = [ops.where(at_t[1], s, old) for s, old in zip(new, carry, strict=True)]
            return new, [*to_keep[:kept], *new[: int(return_sequences)]]

        sequences = [time_first(x), *_masks(rest)]
        like = [rest[0]] * (kept + int(return_sequences))
        return scan(step, list(rest[:n]), sequences, like, reverse=go_backwards)

    def backwards(*tensors):
        rest, upstream, kept_and_upstreams = _cut(tensors, len(arguments), n)
        prepared = recurrence.prepare(*rest[n : n + len(weights)])

        def step(carry, at_t):
            at_t, ds = list(at_t), list(carry)
            counts = at_t.pop() if masked else None
            if return_sequences:
                ds[0] = ds[0] + at_t.pop()
            if not masked:
                da, ds = recurrence.back(ds, at_t, prepared)
                return ds, da
            nothing = ops.zeros_like(ds[0])
            da, back = recurrence.back([ops.where(counts, d, nothing) for d in ds], at_t, prepared)
            passed = [ops.where(counts, nothing, d) for d in ds]
            return [b + p for b, p in zip(back, passed, strict=True)], da

        sequences = [*kept_and_upstreams, *_masks(rest)]
        like = [ops.concatenate([rest[0]] * k, axis=-1) for k in recurrence.pre_activations]
        return scan(step, list(upstream), sequences, like, reverse=not go_backwards)

    def _masks(rest):
        return [ops.expand_dims(ops.transpose(rest[-1]), -1)] if masked else []  # (T, B, 1)

    @with_gradient
    def unfolded(x, *rest):
        last, outputs = fuse(forwards, x, *rest)
        for_later, outputs = _cut(outputs, kept)

        def backward(*upstream):
            ds, da = fuse(backwards, *rest, *upstream[:n], *for_later, *upstream[n:])
            xs = time_first(x)
            dx, d_weights = recurrence.weight_gradients(
                _as_rows(xs),
                [_as_rows(k) for k in for_later],
                [_as_rows(d) for d in da],
                *rest[n : n + len(weights)],
            )
            dx = time_first(ops.reshape(dx, ops.shape(xs)))
            return (dx, *ds, *d_weights, *[None] * int(masked))

        return (*last, *outputs), backward

    arguments = [ops.convert_to_tensor(t) for t in (*states, *weights)]
    arguments += [ops.cast(mask, "bool")] if masked else []
    if training:
        results = unfolded(x, *arguments)
    else:
        last, outputs = fuse(forwards, x, *arguments)
        results = [*last, *outputs]
    y = time_first(results[n]) if return_sequences else None
    return y, list(results[:n])


def time_first(x):
    """Swap the first two axes: (B, T, …) to (T, B, …), and back.

    Example:
        >>> tuple(time_first(ops.ones((2, 3, 4))).shape)
        (3, 2, 4)
    """
    return ops.transpose(x, (1, 0, *range(2, len(x.shape))))


def _cut(tensors, *lengths):
    """Cut a tuple into pieces of these lengths, and the rest."""
    pieces = []
    for length in lengths:
        pieces.append(tensors[:length])
        tensors = tensors[length:]
    return (*pieces, tensors)


def _as_rows(x):
    return ops.reshape(x, (-1, x.shape[-1]))
