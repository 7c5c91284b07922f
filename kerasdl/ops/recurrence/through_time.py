"""Back-propagation through time, derived by hand: what all recurrent cells share."""

from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple

from keras import ops

from kerasdl.backend import (
    compiles_apart,
    fuse,
    joins_loops,
    runs_side_by_side,
    scan,
    with_gradient,
)
from kerasdl.ops.recurrence.halves import in_halves


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

    and after the loop, in one product over all steps each,

    $$\frac{\partial L}{\partial W} = \sum_t x_t^\top \frac{\partial L}{\partial a_t}, \qquad
      \frac{\partial L}{\partial U} = \sum_t h_{t-1}^\top \frac{\partial L}{\partial a_t}, \qquad
      \frac{\partial L}{\partial x_t} = \frac{\partial L}{\partial a_t} W^\top.$$

    Automatic differentiation adds to $\partial L / \partial W$ at every step instead, in a tensor
    as large as $W$; that is faster only where the batch is large beside $W$, and done there. Where
    the mask is 0, the state stays and its gradient passes unchanged.

    A TensorFlow graph on a CPU takes a large batch in two halves, a loop each, side by side.

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
    # A kernel for both directions, where it is one: told by a tensor it is compiled once.
    told = compiles_apart(x)
    loops = _loops(
        recurrence,
        len(states),
        len(weights),
        mask is not None,
        None if told else go_backwards,
        return_sequences,
        training,
    )
    direction = [ops.convert_to_tensor(go_backwards, "bool")] if told else []
    run = partial(_through_time, recurrence, loops, return_sequences, training, direction)
    if runs_side_by_side(x) and (x.shape[0] is None or x.shape[0] >= _WORTH_HALVING):
        return in_halves(run, x, states, weights, mask)
    return run(x, states, weights, mask)


# Examples from which on two loops over half the batch each take less time than one over all.
_WORTH_HALVING = 32


class _Loops(NamedTuple):
    """The loops over time as functions of tensors alone, so that calls share a compilation."""

    forwards: Callable
    backwards: Callable
    backwards_with_sums: Callable


@cache
def _loops(recurrence, n, weights, masked, go_backwards, return_sequences, training):
    """Write the loops for `n` states and so many weights, once for all layers of a kind.

    Behind the weights come the mask and, if `go_backwards` is `None`, the direction as a tensor.
    """
    kept = recurrence.kept if training else 0
    arguments = n + weights + int(masked) + int(go_backwards is None)

    def weights_in(rest):
        return rest[n : n + weights]

    def masks_in(rest):
        if not masked:
            return []
        return [ops.expand_dims(ops.transpose(rest[n + weights]), -1)]  # (T, B, 1)

    def goes_backwards(rest):
        return rest[-1] if go_backwards is None else go_backwards

    def goes_forwards(rest):
        return ops.logical_not(rest[-1]) if go_backwards is None else not go_backwards

    def forwards(x, *rest):
        prepared = recurrence.prepare(*weights_in(rest))

        def step(carry, at_t):
            new, to_keep = recurrence.step(at_t[0], carry, prepared)
            if masked:
                new = [ops.where(at_t[1], s, old) for s, old in zip(new, carry, strict=True)]
            return new, [*to_keep[:kept], *new[: int(return_sequences)]]

        like = [rest[0]] * (kept + int(return_sequences))
        sequences = [time_first(x), *masks_in(rest)]
        return scan(step, list(rest[:n]), sequences, like, reverse=goes_backwards(rest))

    def back(ds, at_t, prepared):
        """Take one step back; `at_t` is what was kept, dL/dh_t and the mask, where there are."""
        at_t, ds = list(at_t), list(ds)
        counts = at_t.pop() if masked else None
        if return_sequences:
            ds[0] = ds[0] + at_t.pop()
        if not masked:
            return recurrence.back(ds, at_t, prepared)
        nothing = ops.zeros_like(ds[0])
        da, back = recurrence.back([ops.where(counts, d, nothing) for d in ds], at_t, prepared)
        passed = [ops.where(counts, nothing, d) for d in ds]
        return da, [b + p for b, p in zip(back, passed, strict=True)]

    def backwards(*tensors):
        """Return dL/ds_0, and dL/da of all steps."""
        rest, upstream, at_steps = _cut(tensors, arguments, n)
        prepared = recurrence.prepare(*weights_in(rest))

        def step(ds, at_t):
            da, ds = back(ds, at_t, prepared)
            return ds, da

        like = [ops.concatenate([rest[0]] * k, axis=-1) for k in recurrence.pre_activations]
        sequences = [*at_steps, *masks_in(rest)]
        return scan(step, list(upstream), sequences, like, reverse=goes_forwards(rest))

    def backwards_with_sums(x, *tensors):
        """Return dL/ds_0, dL/dx, and the gradients of the weights."""
        rest, upstream, at_steps = _cut(tensors, arguments, n)
        prepared = recurrence.prepare(*weights_in(rest))

        def step(carry, at_t):
            da, ds = back(carry[:n], at_t[1:], prepared)
            dx, d_weights = recurrence.weight_gradients(
                at_t[0], at_t[1 : kept + 1], da, *weights_in(rest)
            )
            sums = [s + d for s, d in zip(carry[n:], d_weights, strict=True)]
            return [*ds, *sums], [dx]

        xs = time_first(x)
        start = [*upstream, *map(ops.zeros_like, weights_in(rest))]
        sequences = [xs, *at_steps, *masks_in(rest)]
        last, (dx,) = scan(step, start, sequences, [xs[0]], reverse=goes_forwards(rest))
        return last[:n], time_first(dx), last[n:]

    return _Loops(forwards, backwards, backwards_with_sums)


def _through_time(
    recurrence, loops, return_sequences, training, direction, x, states, weights, mask
):
    n = len(states)
    arguments = [ops.convert_to_tensor(t) for t in (*states, *weights)]
    not_learned = [*([] if mask is None else [ops.cast(mask, "bool")]), *direction]
    arguments += not_learned

    @with_gradient
    def unfolded(x, *rest):
        last, outputs = fuse(loops.forwards, x, *rest)
        for_later, outputs = _cut(outputs, recurrence.kept)

        def backward(*upstream):
            at_steps = (*rest, *upstream[:n], *for_later, *upstream[n:])
            if _sums_in_the_loop(x, rest[0]):
                ds, dx, d_weights = fuse(loops.backwards_with_sums, x, *at_steps)
                return (dx, *ds, *d_weights, *[None] * len(not_learned))
            ds, da = fuse(loops.backwards, *at_steps)
            xs = time_first(x)
            dx, d_weights = recurrence.weight_gradients(
                _as_rows(xs),
                [_as_rows(k) for k in for_later],
                [_as_rows(d) for d in da],
                *rest[n : n + len(weights)],
            )
            dx = time_first(ops.reshape(dx, ops.shape(xs)))
            return (dx, *ds, *d_weights, *[None] * len(not_learned))

        return (*last, *outputs), backward

    if training:
        results = unfolded(x, *arguments)
    else:
        last, outputs = fuse(loops.forwards, x, *arguments)
        results = [*last, *outputs]
    y = time_first(results[n]) if return_sequences else None
    return y, list(results[:n])


def _sums_in_the_loop(x, state):
    """Whether the gradients of the weights are added up step by step.

    After the loop, in one product, they need dL/da of all steps, 4u numbers an example and step in
    an LSTM, written and read again; in the loop, the sums so far, 4u (F + u) numbers, at each step.
    """
    batch = x.shape[0]
    return joins_loops(x) and batch is not None and x.shape[-1] + state.shape[-1] <= 2 * batch


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
