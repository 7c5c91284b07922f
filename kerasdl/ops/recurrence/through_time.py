"""Back-propagation through time, derived by hand: what all recurrent cells share."""

from functools import partial

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
from kerasdl.ops.recurrence.over_time import How, Run, after_the_loop, loops_over_time, time_first
from kerasdl.ops.recurrence.pairs import meet
from kerasdl.ops.recurrence.parts import deal, flat


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
        mask = ops.cast(ops.convert_to_tensor(mask), "bool")
        T, given = x.shape[1], mask.shape[1]
        if T is not None and given is not None and given != T:
            raise ValueError(  # a kernel of XLA would read its last step again
                f"The `mask` must have a boolean for each of the {T} steps of the sequence, "
                f"received a mask of shape {tuple(mask.shape)}."
            )
    run = partial(_through_time, recurrence, return_sequences, training)
    if joins_steps(x) and _worth_parting(x):
        # All go forwards there, so that two directions can share a loop. (Two without parts do not:
        # with 16 examples their inference takes 11.8 ms in one loop, 9.4 in two.)
        x, mask = _turned([x, mask], go_backwards)
        key = recurrence, tuple(x.shape[:2]), len(weights), mask is None, return_sequences, training
        y, states = meet(key, Run(x, states, weights, mask), lambda runs: run(False, runs))
        return *_turned([y], go_backwards), states

    def alone(*arguments):
        return run(go_backwards, [Run(*arguments)])[0]

    if runs_side_by_side(x) and _worth_parting(x):
        return in_halves(alone, x, states, weights, mask)
    return alone(x, states, weights, mask)


def _turned(tensors, go_backwards):
    """Turn tensors (B, T, …) round in time, if it runs backwards."""
    return [ops.flip(t, axis=1) if go_backwards and t is not None else t for t in tensors]


# Examples from which on parts of a batch side by side take less time than the whole.
_WORTH_PARTING = 32
# Parts within one loop, measured: an LSTM of 128 examples and 512 steps takes 57 ms as a whole, 70
# in two parts, 48 in three, 35 in four, 47 in eight.
_PARTS = 4


def _worth_parting(x):
    return x.shape[0] is None or x.shape[0] >= _WORTH_PARTING


def _parts(x, runs):
    """Into how many parts the batch is cut of each of the runs that share a loop."""
    return _PARTS // runs if joins_steps(x) and _worth_parting(x) else 1


def _through_time(recurrence, return_sequences, training, go_backwards, runs):
    """Return the outputs of each run and the list of its last states."""
    x, states, weights, mask = runs[0]
    # A kernel for both directions, where it is one: told by a tensor it is compiled once.
    told = compiles_apart(x)
    how = How(
        recurrence,
        states=len(states),
        weights=len(weights),
        masked=mask is not None,
        go_backwards=None if told else go_backwards,
        return_sequences=return_sequences,
        training=training,
        runs=len(runs),
        parts=_parts(x, len(runs)),
    )
    loops = loops_over_time(how)
    tensors = [ops.convert_to_tensor(t) for t in flat(run.tensors() for run in runs)]
    direction = [ops.convert_to_tensor(go_backwards, "bool")] if told else []

    @with_gradient
    def unfolded(*tensors):
        last, for_later, y = fuse(loops.forwards, *tensors)

        def backward(*upstream):
            ds, dy = upstream[: len(last)], upstream[len(last) :]
            at_steps = (*tensors, *ds, *for_later, *dy)
            if _sums_in_the_loop(x, states[0], how.parts):
                gradients = fuse(loops.backwards_with_sums, *at_steps)
            else:
                ds_0, da = fuse(loops.backwards, *at_steps)
                of_runs = tensors[: len(tensors) - len(direction)]
                gradients = after_the_loop(how, of_runs, for_later, ds_0, da)
            return (*gradients, *[None] * len(direction))

        return (*last, *y), backward

    if training:
        results = unfolded(*tensors, *direction)
    else:
        last, _, y = fuse(loops.forwards, *tensors, *direction)
        results = (*last, *y)
    n = len(states) * len(runs)
    y = [time_first(y_run) for y_run in results[n:]] or [None] * len(runs)
    return list(zip(y, deal(results[:n], len(runs)), strict=True))


def _sums_in_the_loop(x, state, parts):
    """Whether the gradients of the weights are added up step by step.

    After the loop, in one product, they need dL/da of all steps, 4u numbers an example and step in
    an LSTM, written and read again; in the loop, the sums so far, 4u (F + u) numbers, at each step.
    """
    if x.shape[0] is None or not joins_loops(x):
        return False
    return x.shape[-1] + state.shape[-1] <= 2 * x.shape[0] // parts
