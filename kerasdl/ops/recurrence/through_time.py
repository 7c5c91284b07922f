"""Back-propagation through time, derived by hand: what all recurrent cells share."""

from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple

from keras import ops

from kerasdl.backend import (
    compiles_apart,
    fuse,
    joins_loops,
    joins_steps,
    runs_side_by_side,
    with_gradient,
)
from kerasdl.ops.recurrence.halves import in_halves
from kerasdl.ops.recurrence.parts import added, cut, deal, joined, scan_parts


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

    On a CPU, TensorFlow takes a large batch in two halves, a loop each, side by side; a program of
    XLA, where one loop is taken after the other, in four parts within one loop.

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

    Raises:
        ValueError: If the mask has another number of steps.

    Source:
        Werbos, 1990, Backpropagation Through Time. Goodfellow et al., 2016, Deep Learning, section
        10.2.2.
    """
    if mask is not None:
        mask = ops.convert_to_tensor(mask)
        T, given = x.shape[1], mask.shape[1]
        if T is not None and given is not None and given != T:
            raise ValueError(  # a kernel of XLA would read its last step again
                f"The `mask` must have a boolean for each of the {T} steps of the sequence, "
                f"received a mask of shape {tuple(mask.shape)}."
            )
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
        _parts(x),
    )
    direction = [ops.convert_to_tensor(go_backwards, "bool")] if told else []
    run = partial(_through_time, recurrence, loops, return_sequences, training, direction)
    if runs_side_by_side(x) and _worth_parting(x):
        return in_halves(run, x, states, weights, mask)
    return run(x, states, weights, mask)


# Examples from which on parts of a batch side by side take less time than the whole.
_WORTH_PARTING = 32
# Parts within one loop, measured: an LSTM of 128 examples and 512 steps takes 57 ms as a whole, 70
# in two parts, 48 in three, 35 in four, 47 in eight.
_PARTS = 4


def _worth_parting(x):
    return x.shape[0] is None or x.shape[0] >= _WORTH_PARTING


def _parts(x):
    """Into how many parts the batch is cut that go through one loop side by side."""
    return _PARTS if joins_steps(x) and _worth_parting(x) else 1


class _Loops(NamedTuple):
    """The loops over time as functions of tensors alone, so that calls share a compilation."""

    parts: int
    forwards: Callable
    backwards: Callable
    backwards_with_sums: Callable


@cache
def _loops(recurrence, n, weights, masked, go_backwards, return_sequences, training, parts):
    """Write the loops for `n` states and so many weights, once for all layers of a kind.

    Behind the weights come the mask and, if `go_backwards` is `None`, the direction as a tensor.
    What is kept for the way back comes part by part.
    """
    kept = recurrence.kept if training else 0
    arguments = n + weights + int(masked) + int(go_backwards is None)

    def weights_in(rest):
        return rest[n : n + weights]

    def masks_in(rest):
        if not masked:
            return [[]] * parts
        return [[ops.expand_dims(ops.transpose(m), -1)] for m in cut(rest[n + weights], parts)]

    def goes_backwards(rest):
        return rest[-1] if go_backwards is None else go_backwards

    def goes_forwards(rest):
        return ops.logical_not(rest[-1]) if go_backwards is None else not go_backwards

    def of_parts(tensors):
        """Return the states, or their gradients, of each part."""
        return [list(part) for part in zip(*(cut(t, parts) for t in tensors), strict=True)]

    def at_steps_of_parts(at_steps, masks):
        """Return what was kept, dL/dh_t and the mask of each part, where there are."""
        found = []
        for p, mask in enumerate(masks):
            upstream = [cut(dh, parts, axis=1)[p] for dh in at_steps[kept * parts :]]
            found.append([*at_steps[kept * p : kept * (p + 1)], *upstream, *mask])
        return found

    def forwards(x, *rest):
        prepared = recurrence.prepare(*weights_in(rest))

        def step(carry, at_t):
            new, to_keep = recurrence.step(at_t[0], carry, prepared)
            if masked:
                new = [ops.where(at_t[1], s, old) for s, old in zip(new, carry, strict=True)]
            return new, [*to_keep[:kept], *new[: int(return_sequences)]]

        carries = of_parts(rest[:n])
        sequences = [
            [time_first(x_p), *m] for x_p, m in zip(cut(x, parts), masks_in(rest), strict=True)
        ]  # (T, B / parts, F), (T, B / parts, 1)
        like = [[carry[0]] * (kept + int(return_sequences)) for carry in carries]
        lasts, outputs = scan_parts(step, carries, sequences, like, goes_backwards(rest))
        last = [joined(s) for s in zip(*lasts, strict=True)]  # (B, u) each
        y = [joined([o[kept] for o in outputs], axis=1)] if return_sequences else []
        return last, [*(k for o in outputs for k in o[:kept]), *y]

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
        """Return dL/ds_0, and dL/da of all steps, part by part."""
        rest, upstream, at_steps = _cut(tensors, arguments, n)
        prepared = recurrence.prepare(*weights_in(rest))

        def step(ds, at_t):
            da, ds = back(ds, at_t, prepared)
            return ds, da

        carries = of_parts(upstream)
        like = [
            [ops.concatenate([ds[0]] * k, axis=-1) for k in recurrence.pre_activations]
            for ds in carries
        ]
        sequences = at_steps_of_parts(at_steps, masks_in(rest))
        lasts, da = scan_parts(step, carries, sequences, like, goes_forwards(rest))
        return [joined(ds) for ds in zip(*lasts, strict=True)], da

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

        xs = [time_first(x_p) for x_p in cut(x, parts)]
        carries = [[*ds, *map(ops.zeros_like, weights_in(rest))] for ds in of_parts(upstream)]
        at_steps = at_steps_of_parts(at_steps, masks_in(rest))
        sequences = [[x_p, *rest_p] for x_p, rest_p in zip(xs, at_steps, strict=True)]
        lasts, dx = scan_parts(
            step, carries, sequences, [[x_p[0]] for x_p in xs], goes_forwards(rest)
        )
        ds = [joined(d) for d in zip(*(last[:n] for last in lasts), strict=True)]
        d_weights = [added(d) for d in zip(*(last[n:] for last in lasts), strict=True)]
        return ds, joined([time_first(dx_p) for (dx_p,) in dx]), d_weights

    return _Loops(parts, forwards, backwards, backwards_with_sums)


def _through_time(
    recurrence, loops, return_sequences, training, direction, x, states, weights, mask
):
    n, parts = len(states), loops.parts
    arguments = [ops.convert_to_tensor(t) for t in (*states, *weights)]
    not_learned = [*([] if mask is None else [ops.cast(mask, "bool")]), *direction]
    arguments += not_learned

    @with_gradient
    def unfolded(x, *rest):
        last, outputs = fuse(loops.forwards, x, *rest)
        for_later, outputs = _cut(outputs, recurrence.kept * parts)

        def backward(*upstream):
            at_steps = (*rest, *upstream[:n], *for_later, *upstream[n:])
            if _sums_in_the_loop(x, rest[0], parts):
                ds, dx, d_weights = fuse(loops.backwards_with_sums, x, *at_steps)
                return (dx, *ds, *d_weights, *[None] * len(not_learned))
            ds, da = fuse(loops.backwards, *at_steps)
            found = [
                _after_the_loop(recurrence, *of_part, rest[n : n + len(weights)])
                for of_part in zip(cut(x, parts), deal(for_later, parts), da, strict=True)
            ]
            d_weights = [added(d) for d in zip(*(d for _, d in found), strict=True)]
            return (joined([dx for dx, _ in found]), *ds, *d_weights, *[None] * len(not_learned))

        return (*last, *outputs), backward

    if training:
        results = unfolded(x, *arguments)
    else:
        last, outputs = fuse(loops.forwards, x, *arguments)
        results = [*last, *outputs]
    y = time_first(results[n]) if return_sequences else None
    return y, list(results[:n])


def _after_the_loop(recurrence, x, kept, da, weights):
    """Return dL/dx and the gradients of the weights, in one product over all steps each."""
    xs = time_first(x)
    dx, d_weights = recurrence.weight_gradients(
        _as_rows(xs), [_as_rows(k) for k in kept], [_as_rows(d) for d in da], *weights
    )
    return time_first(ops.reshape(dx, ops.shape(xs))), d_weights


def _sums_in_the_loop(x, state, parts):
    """Whether the gradients of the weights are added up step by step.

    After the loop, in one product, they need dL/da of all steps, 4u numbers an example and step in
    an LSTM, written and read again; in the loop, the sums so far, 4u (F + u) numbers, at each step.
    """
    if x.shape[0] is None or not joins_loops(x):
        return False
    return x.shape[-1] + state.shape[-1] <= 2 * x.shape[0] // parts


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
