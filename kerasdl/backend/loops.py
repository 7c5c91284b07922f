"""A loop over a sequence that carries something from each step to the next."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from kerasdl.backend.compilation import is_traced
from kerasdl.backend.devices import has_accelerator


def scan(
    step: Callable,
    carry: Sequence[Any],
    sequences: Sequence[Any],
    outputs_like: Sequence[Any] = (),
    reverse: Any = False,
    unroll: bool = False,
) -> tuple[list[Any], list[Any]]:
    r"""Apply a step to each element of some sequences, each time to what the last one carried on.

    $$(c_t, y_t) = f(c_{t-1}, x_t), \qquad t = 1, \dots, T$$

    One loop of the backend: `tf.while_loop` with tensor arrays in a TensorFlow graph,
    `jax.lax.scan` on JAX. PyTorch, TensorFlow outside of a graph, and JAX outside of `jax.jit` on a
    short sequence step through Python. (`keras.ops.scan` keeps only outputs that look like the
    carry on TensorFlow.)

    Args:
        step: $f$: takes the carry and one element of each sequence, as lists of tensors, and
            returns the next carry and the outputs, as lists of tensors.
        carry: $c_0$, a list of tensors. Their shapes and dtypes stay the same.
        sequences: Tensors (T, …), of which `step` gets the elements; at least one.
        outputs_like: For each output of `step` a tensor of its shape and dtype.
        reverse: Whether $t$ runs from $T$ down to 1; in a TensorFlow graph also as a tensor.
        unroll: Whether the steps are written out one behind the other; $T$ must be known.

    Returns:
        The last carry, and for each output its values (T, …), where those at $t$ belong to $x_t$.

    Example:
        >>> def add_up(carry, at_t):
        ...     total = carry[0] + at_t[0]
        ...     return [total], [total]
        >>> zero = ops.array(0.0)
        >>> (last,), (totals,) = scan(add_up, [zero], [ops.array([1.0, 2.0, 3.0])], [zero])
        >>> float(last), [float(y) for y in totals]
        (6.0, [1.0, 3.0, 6.0])
    """
    name = keras.backend.backend()
    arguments = (step, list(carry), list(sequences), list(outputs_like), reverse)
    if unroll or name == "torch":
        return _steps_in_python(*arguments)
    if name == "jax":
        return (_steps_in_python if _short_and_not_compiled(*arguments) else _jax_scan)(*arguments)
    import tensorflow as tf

    if tf.executing_eagerly():
        return _steps_in_python(*arguments)
    return _tensorflow_loop(*arguments)


def _steps_in_python(step, carry, sequences, outputs_like, reverse):
    T = sequences[0].shape[0]
    elements = [ops.unstack(x, T) for x in sequences]
    outputs = [[None] * T for _ in outputs_like]
    for t in reversed(range(T)) if reverse else range(T):
        carry, y_t = step(carry, [x[t] for x in elements])
        for output, y in zip(outputs, y_t, strict=True):
            output[t] = y
    return list(carry), [ops.stack(output) for output in outputs]


def _tensorflow_loop(step, carry, sequences, outputs_like, reverse):
    import tensorflow as tf

    T = sequences[0].shape[0]
    T = tf.shape(sequences[0])[0] if T is None else T

    def array(like, element_shape):
        return tf.TensorArray(like.dtype, T, element_shape=element_shape, clear_after_read=False)

    def place(k):
        if tf.is_tensor(reverse):
            return tf.where(reverse, T - 1 - k, k)
        return T - 1 - k if reverse else k

    elements = [array(x, x.shape[1:]).unstack(x) for x in sequences]
    arrays = [array(y, y.shape) for y in outputs_like]

    def body(k, carry, arrays):
        t = place(k)
        new, y_t = step(carry, [x.read(t) for x in elements])
        for now, before in zip(new, carry, strict=True):
            now.set_shape(before.shape)
        return k + 1, list(new), [a.write(t, y) for a, y in zip(arrays, y_t, strict=True)]

    _, carry, arrays = tf.while_loop(
        lambda k, *_: k < T, body, (tf.constant(0), carry, arrays), maximum_iterations=T
    )
    return carry, [a.stack() for a in arrays]


# Outside of `jax.jit` every call of `jax.lax.scan` compiles anew, for half a second and more: in
# that time as many steps are taken one operation after the other.
_FEW_STEPS = 32


def _short_and_not_compiled(step, carry, sequences, outputs_like, reverse) -> bool:
    return sequences[0].shape[0] <= _FEW_STEPS and not any(map(is_traced, [*carry, *sequences]))


def _jax_scan(step, carry, sequences, outputs_like, reverse):
    import jax

    def body(carry, at_t):
        new, y_t = step(list(carry), list(at_t))
        return tuple(new), tuple(y_t)

    # What a cell assigns while it is traced must not leave the loop.
    inside = keras.src.backend.common.stateless_scope.in_stateless_scope()
    with contextlib.nullcontext() if inside else keras.StatelessScope():
        carry, outputs = jax.lax.scan(
            body,
            tuple(carry),
            tuple(sequences),
            reverse=reverse,
            unroll=_steps_at_once(sequences[0].shape[0]) if has_accelerator() else 1,
        )
    return list(carry), list(outputs)


# Steps of a loop that a GPU takes between two questions whether it goes on.
_FEWEST, _MOST = 4, 8


def _steps_at_once(T):
    """Return how many steps are written out, so that as few as possible are left over.

    Between two rounds of a loop a GPU waits for the next one: an LSTM of 128 units over 128 steps
    took 2.7 ms a training step, 1.3 ms with 8 steps a round, 1.2 ms with 16, which took 4.4 s in
    place of 1.9 to compile. A CPU does not wait.

    Example:
        >>> _steps_at_once(28), _steps_at_once(128), _steps_at_once(5)
        (7, 8, 5)
    """
    if T <= _MOST:
        return max(1, T)
    return min(range(_MOST, _FEWEST - 1, -1), key=lambda n: T % n)
