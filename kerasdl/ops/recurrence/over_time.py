"""The loops over time of a recurrence, forwards and backwards, as functions of tensors alone."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

from keras import ops

from kerasdl.ops.recurrence.parts import added, cut, deal, flat, joined, scan_parts


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


class Run(NamedTuple):
    """What a recurrence runs along, and with which weights.

    Args:
        x: Tensor (B, T, F).
        states: $s_0$, a list of tensors (B, u).
        weights: List of tensors.
        mask: Booleans (B, T), or `None`.
    """

    x: Any
    states: list
    weights: list
    mask: Any = None

    def tensors(self):
        """Return all in one list."""
        return [self.x, *self.states, *self.weights, *([] if self.mask is None else [self.mask])]


class How(NamedTuple):
    """What the loops are written for, once for all layers of a kind.

    Args:
        recurrence: A `Recurrence`.
        states: How many states it has.
        weights: How many weights.
        masked: Whether there is a mask.
        go_backwards: Whether $t$ runs from $T$ down to 1; `None` where a tensor tells, the last.
        return_sequences: Whether the outputs of all steps are returned.
        training: Whether anything is kept for the way back.
        runs: How many sequences with weights of their own are run along at once.
        parts: Into how many parts the batch of each is cut.
    """

    recurrence: Recurrence
    states: int
    weights: int
    masked: bool
    go_backwards: bool | None
    return_sequences: bool
    training: bool
    runs: int = 1
    parts: int = 1


class Loops(NamedTuple):
    r"""The loops as functions of tensors: those of each `Run`, and the direction where it is told.

    Args:
        forwards: Returns the last states, what was kept, and the outputs if they are asked for.
        backwards: Takes, behind these tensors, the gradients of what `forwards` returned, with what
            was kept in between; returns $\partial L / \partial s_0$ and of all steps
            $\partial L / \partial a$.
        backwards_with_sums: Likewise; returns the gradients of all tensors, `None` for masks.

    What belongs to one run stands together, and within it what belongs to one part.
    """

    forwards: Callable
    backwards: Callable
    backwards_with_sums: Callable


class _Part(NamedTuple):
    """A part of the batch of a run: (B', T, F), (B', u) each, and (T, B', 1) in a list, or none."""

    x: Any
    states: list
    weights: list
    prepared: list
    mask: list


@cache
def loops_over_time(how):
    """Write the loops, so that calls with tensors of the same shapes share a compilation.

    Args:
        how: A `How`.

    Returns:
        `Loops`.
    """
    recurrence, n, runs, parts = how.recurrence, how.states, how.runs, how.parts
    kept = recurrence.kept if how.training else 0
    each = 1 + n + how.weights + int(how.masked)  # tensors of a run
    told = how.go_backwards is None

    def parts_in(tensors):
        found = []
        for run in deal(tensors[: each * runs], runs):
            x, states, weights, mask = _cut(run, 1, n, how.weights)
            prepared = recurrence.prepare(*weights)
            dealt = zip(*(cut(t, parts) for t in (*x, *states, *mask)), strict=True)
            for x_p, *states_p in dealt:
                mask_p = [_of_steps(states_p.pop())] if how.masked else []
                found.append(_Part(x_p, states_p, weights, prepared, mask_p))
        return found

    def goes_backwards(tensors):
        return tensors[each * runs] if told else how.go_backwards

    def of_runs(of_parts, axis=0):
        """Join the parts of each run."""
        return [joined(ps, axis) for ps in deal(of_parts, runs)]

    def forwards(*tensors):
        def step(part, carry, at_t):
            new, to_keep = recurrence.step(at_t[0], carry, part.prepared)
            if how.masked:
                new = [ops.where(at_t[1], s, old) for s, old in zip(new, carry, strict=True)]
            return new, [*to_keep[:kept], *new[: int(how.return_sequences)]]

        found = parts_in(tensors)
        lasts, outputs = scan_parts(
            [partial(step, p) for p in found],
            [p.states for p in found],
            [[time_first(p.x), *p.mask] for p in found],
            [[p.states[0]] * (kept + int(how.return_sequences)) for p in found],
            goes_backwards(tensors),
        )
        states = [of_runs(s) for s in zip(*lasts, strict=True)]  # of a run, (B, u)
        y = of_runs([o[kept] for o in outputs], axis=1) if how.return_sequences else []
        return flat(zip(*states, strict=True)), flat(o[:kept] for o in outputs), y

    def at_steps_back(tensors, found):
        """Return dL/ds_T, and what was kept, dL/dh_t and the mask, for each part."""
        ds, for_later, dy = _cut(tensors[each * runs + int(told) :], n * runs, kept * runs * parts)
        ds = flat(zip(*(cut(d, parts) for d in run)) for run in deal(ds, runs))
        dy = [[d] for run in dy for d in cut(run, parts, axis=1)] or [[]] * len(found)
        for_later = deal(for_later, len(found))
        at_steps = [[*k, *d, *p.mask] for k, d, p in zip(for_later, dy, found, strict=True)]
        return [list(d) for d in ds], at_steps

    def back(part, ds, at_t):
        """Take one step back; `at_t` is what was kept, dL/dh_t and the mask, where there are."""
        at_t, ds = list(at_t), list(ds)
        counts = at_t.pop() if how.masked else None
        if how.return_sequences:
            ds[0] = ds[0] + at_t.pop()
        if not how.masked:
            return recurrence.back(ds, at_t, part.prepared)
        nothing = ops.zeros_like(ds[0])
        ds_counted = [ops.where(counts, d, nothing) for d in ds]
        da, back = recurrence.back(ds_counted, at_t, part.prepared)
        passed = [ops.where(counts, nothing, d) for d in ds]
        return da, [b + p for b, p in zip(back, passed, strict=True)]

    def goes_forwards(tensors):
        return ops.logical_not(tensors[each * runs]) if told else not how.go_backwards

    def backwards(*tensors):
        def step(part, ds, at_t):
            da, ds = back(part, ds, at_t)
            return ds, da

        found = parts_in(tensors)
        ds, at_steps = at_steps_back(tensors, found)
        like = [
            [ops.concatenate([d[0]] * k, axis=-1) for k in recurrence.pre_activations] for d in ds
        ]
        steps = [partial(step, p) for p in found]
        ds, da = scan_parts(steps, ds, at_steps, like, goes_forwards(tensors))
        states = [of_runs(s) for s in zip(*ds, strict=True)]
        return flat(zip(*states, strict=True)), da

    def backwards_with_sums(*tensors):
        def step(part, carry, at_t):
            da, ds = back(part, carry[:n], at_t[1:])
            dx, d_weights = recurrence.weight_gradients(
                at_t[0], at_t[1 : kept + 1], da, *part.weights
            )
            sums = [s + d for s, d in zip(carry[n:], d_weights, strict=True)]
            return [*ds, *sums], [dx]

        found = parts_in(tensors)
        ds, at_steps = at_steps_back(tensors, found)
        xs = [time_first(p.x) for p in found]
        lasts, dx = scan_parts(
            [partial(step, p) for p in found],
            [[*d, *map(ops.zeros_like, p.weights)] for d, p in zip(ds, found, strict=True)],
            [[x, *rest] for x, rest in zip(xs, at_steps, strict=True)],
            [[x[0]] for x in xs],
            goes_forwards(tensors),
        )
        gradients = []
        for of_parts, dx_parts in zip(deal(lasts, runs), deal(dx, runs), strict=True):
            together = list(zip(*of_parts, strict=True))
            gradients += [joined([time_first(dx_p) for (dx_p,) in dx_parts])]
            gradients += [*map(joined, together[:n]), *map(added, together[n:])]
            gradients += [None] * int(how.masked)
        return gradients

    return Loops(forwards, backwards, backwards_with_sums)


def after_the_loop(how, tensors, for_later, ds, da):
    """Return the gradients of all tensors from those of `Loops.backwards`.

    Those of the weights are computed in one product over all steps each.

    Args:
        how: A `How`.
        tensors: Those of each run.
        for_later: What `Loops.forwards` kept.
        ds: The gradients of the states.
        da: The gradients of the pre-activations, of each part.
    """
    gradients = []
    dealt = [deal(of_runs, how.runs) for of_runs in (tensors, for_later, ds, da)]
    for run, kept, ds_run, da_run in zip(*dealt, strict=True):
        (x,), _, weights, _ = _cut(run, 1, how.states, how.weights)
        dx, d_weights = [], []
        for x_p, *of_part in zip(cut(x, how.parts), deal(kept, how.parts), da_run, strict=True):
            rows = [[_as_rows(t) for t in of_steps] for of_steps in of_part]
            xs = time_first(x_p)
            dx_p, d_p = how.recurrence.weight_gradients(_as_rows(xs), *rows, *weights)
            dx.append(time_first(ops.reshape(dx_p, ops.shape(xs))))
            d_weights.append(d_p)
        gradients += [joined(dx), *ds_run, *map(added, zip(*d_weights, strict=True))]
        gradients += [None] * int(how.masked)
    return gradients


def time_first(x):
    """Swap the first two axes: (B, T, …) to (T, B, …), and back.

    Example:
        >>> tuple(time_first(ops.ones((2, 3, 4))).shape)
        (3, 2, 4)
    """
    return ops.transpose(x, (1, 0, *range(2, len(x.shape))))


def _of_steps(mask):
    return ops.expand_dims(ops.transpose(mask), -1)  # (T, B, 1)


def _cut(tensors, *lengths):
    """Cut a sequence into pieces of these lengths, and the rest."""
    pieces = []
    for length in lengths:
        pieces.append(tensors[:length])
        tensors = tensors[length:]
    return (*pieces, tensors)


def _as_rows(x):
    return ops.reshape(x, (-1, x.shape[-1]))
