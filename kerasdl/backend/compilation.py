"""Compilation: of a function, of a training step, and of a part of a graph."""

import contextlib
import contextvars
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import keras

from kerasdl.backend.devices import has_accelerator


def compiled(function: Callable, xla: bool = False, free_axes: Sequence | None = None) -> Callable:
    """Compile a function of tensors: to a graph on TensorFlow, with XLA on JAX.

    Args:
        function: Takes and returns tensors. PyTorch runs it as it is.
        xla: On TensorFlow, compile the graph with XLA.
        free_axes: For each argument the axes whose size may change from call to call. TensorFlow's
            graph is then traced once for all sizes; JAX traces anew.

    Example:
        >>> float(compiled(lambda x: 2 * x)(keras.ops.array(3.0)))
        6.0
    """
    name = keras.backend.backend()
    if name == "jax":
        import jax

        return jax.jit(function)
    if name == "torch":
        return function
    import tensorflow as tf

    if free_axes is None:
        return tf.function(function, jit_compile=xla)

    traced = None

    def call(*tensors):
        nonlocal traced
        tensors = [tf.convert_to_tensor(t) for t in tensors]
        if traced is None:
            signature = [
                tf.TensorSpec([None if i in free else n for i, n in enumerate(t.shape)], t.dtype)
                for t, free in zip(tensors, free_axes, strict=True)
            ]
            traced = tf.function(function, input_signature=signature, jit_compile=xla)
        return traced(*tensors)

    return call


def compiled_step(function: Callable, variables: Sequence[keras.Variable]) -> Callable:
    """Compile a function of tensors that also reads and assigns variables, e.g. a training step.

    Args:
        function: Takes and returns tensors. PyTorch runs it as it is.
        variables: All variables that it assigns, and those it reads that change between calls.

    Example:
        >>> counter = keras.Variable(1.0)
        >>> step = compiled_step(lambda x: counter.assign_add(x), [counter])
        >>> _ = step(keras.ops.array(2.0)), step(keras.ops.array(2.0))
        >>> float(counter.value)
        5.0
    """
    name = keras.backend.backend()
    if name == "torch":
        return function
    if name == "tensorflow":
        import tensorflow as tf

        return tf.function(function, reduce_retracing=True)
    import jax

    variables = list(variables)

    @jax.jit
    def stateless(values, tensors):
        with keras.StatelessScope(state_mapping=zip(variables, values)) as scope:
            result = function(*tensors)
        return result, [scope.get_current_value(v) for v in variables]

    def step(*tensors):
        result, values = stateless([v.value for v in variables], tensors)
        for variable, value in zip(variables, values):
            variable.assign(value)
        return result

    return step


def fuse(function: Callable, *tensors: Any) -> Any:
    """Call a function of tensors; where `fuses` says so, as one kernel made by XLA.

    A TensorFlow graph runs operation by operation, each a pass over memory; also in `tf.data`,
    where Keras' backend may be another one. Elsewhere it is a plain call. A function that is handed
    in again, with tensors of the same shapes, is not compiled again.

    Example:
        >>> float(fuse(lambda x: 2 * x, keras.ops.array(3.0)))
        6.0
    """
    if not fuses(*tensors):
        return function(*tensors)
    import tensorflow as tf

    tensors = [tf.convert_to_tensor(t) for t in tensors]  # variables are read out here
    if not hasattr(function, "fused"):
        function.fused = tf.function(function, jit_compile=True, autograph=False)
    return function.fused(*tensors)


def fuses(*tensors: Any) -> bool:
    """Whether `fuse` compiles a function of these tensors.

    It does within a TensorFlow graph whose sizes are known (XLA compiles anew for every size; that
    of the batch changes seldom), or that is traced within `sizes_are_few`, unless the graph is
    being exported: TensorFlow Serving has no compiler, and would refuse it.

    Example:
        >>> fuses(keras.ops.array(3.0))
        False
    """
    tf = sys.modules.get("tensorflow")  # tensors of a graph exist only where it was imported
    if tf is None or not any(tf.is_symbolic_tensor(t) for t in tensors):
        return False
    if any(t.shape.rank is None for t in tensors):
        return False
    if not _few_sizes.get() and any(None in t.shape.as_list()[1:] for t in tensors):
        return False
    return not is_exporting()


_few_sizes = contextvars.ContextVar("few_sizes", default=False)


@contextlib.contextmanager
def sizes_are_few():
    """Let `fuse` compile functions of tensors whose sizes are not known when they are traced.

    For loops over batches of a few lengths: each length is compiled once.

    Example:
        >>> with sizes_are_few():
        ...     fuses(keras.ops.array(3.0))
        False
    """
    token = _few_sizes.set(True)
    try:
        yield
    finally:
        _few_sizes.reset(token)


def runs_side_by_side(*tensors: Any) -> bool:
    """Whether two calls of `fuse` that do not need each other run at once, on a core each.

    They do in a TensorFlow graph on a CPU with a core for each (see `at_once`), unless that graph
    becomes one program of XLA, which takes loops one after the other.

    Example:
        >>> runs_side_by_side(keras.ops.array(3.0))
        False
    """
    if _cores() < 2 * _at_once.get() or has_accelerator():
        return False
    return compiles_apart(*tensors)


def compiles_apart(*tensors: Any) -> bool:
    """Whether `fuse` compiles a kernel of its own, and not a part of a larger program of XLA.

    Calls with tensors of the same shapes then share it, whatever the values.

    Example:
        >>> compiles_apart(keras.ops.array(3.0))
        False
    """
    return fuses(*tensors) and not _in_program()


def whole(condition: Any, tensor: Any, otherwise: Any) -> Any:
    """Return one of two tensors, whole, by a condition that is one boolean.

    A TensorFlow graph hands the tensor itself on, where `keras.ops.where` would copy it. A program
    of XLA is quicker with `where`, which it joins with what comes next.

    Example:
        >>> float(whole(keras.ops.equal(1, 1), keras.ops.array(2.0), keras.ops.array(3.0)))
        2.0
    """
    tf = sys.modules.get("tensorflow")  # tensors of a graph exist only where it was imported
    if tf is not None and tf.is_symbolic_tensor(condition) and not _in_program():
        return keras.ops.cond(condition, lambda: tensor, lambda: otherwise)
    return keras.ops.where(condition, tensor, otherwise)


def multiplies_at_once(*tensors: Any) -> bool:
    """Whether a kernel of `fuse` takes products that do not need each other at once.

    TensorFlow's XLA does so on a CPU, a core each. One large product is shared out among the cores,
    too, but a step of a loop is too small for that to pay.

    Example:
        >>> multiplies_at_once(keras.ops.array(3.0))
        False
    """
    return _cores() > 1 and not has_accelerator() and compiles_apart(*tensors)


def joins_steps(*tensors: Any) -> bool:
    """Whether the steps of several loops are to be taken at once, within one loop.

    A program of XLA takes loops one after the other. What does not need each other in one step of a
    loop TensorFlow's takes at once on a CPU, a core each; JAX's does not.

    Example:
        >>> joins_steps(keras.ops.array(3.0))
        False
    """
    return _cores() > 1 and not has_accelerator() and fuses(*tensors) and _in_program()


def _cores():
    return os.cpu_count() or 1


def _in_program():
    """Whether the TensorFlow graph that is being traced becomes one program of XLA."""
    from tensorflow.python.framework import ops  # no public way to ask either
    from tensorflow.python.ops import control_flow_util

    return control_flow_util.GraphOrParentsInXlaContext(ops.get_default_graph())


_at_once = contextvars.ContextVar("at_once", default=1)


@contextlib.contextmanager
def at_once(number: int):
    """Say that so many calls of `fuse` do not need each other: they keep a core each busy.

    Example:
        >>> with at_once(2):  # four of them would need four cores
        ...     runs_side_by_side(keras.ops.array(3.0))
        False
    """
    token = _at_once.set(number)
    try:
        yield
    finally:
        _at_once.reset(token)


def joins_loops(*tensors: Any) -> bool:
    """Whether element-wise operations on these tensors end up in one loop over memory.

    They do where XLA compiles: on JAX, and on TensorFlow within `fuse`.

    Example:
        >>> joins_loops(keras.ops.array(3.0)) == (keras.backend.backend() == "jax")
        True
    """
    return keras.backend.backend() == "jax" or fuses(*tensors)


def compiles_loops(*tensors: Any) -> bool:
    """Whether XLA compiles a loop over these tensors, once for all calls.

    It does within `jax.jit`, and on TensorFlow within `fuse`.

    Example:
        >>> compiles_loops(keras.ops.array(3.0))
        False
    """
    if keras.backend.backend() == "jax":
        return any(is_traced(t) for t in tensors)
    return fuses(*tensors)


def is_traced(tensor: Any) -> bool:
    """Whether a tensor stands for numbers that are not known yet, within `jax.jit`.

    Example:
        >>> is_traced(keras.ops.array(3.0))
        False
    """
    jax = sys.modules.get("jax")
    if jax is None:
        return False
    while isinstance(tensor, jax.core.Tracer) and hasattr(tensor, "primal"):  # only differentiated
        tensor = tensor.primal
    return isinstance(tensor, jax.core.Tracer)


def is_exporting() -> bool:
    """Whether a SavedModel is being written: nothing else tells than who called.

    Example:
        >>> is_exporting()
        False
    """
    frame = sys._getframe()
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith(_EXPORTERS):
            return True
        frame = frame.f_back
    return False


_EXPORTERS = ("keras.src.export", "tensorflow.python.saved_model")


def forget_compiled() -> None:
    """Free the memory of JAX's compiled programs, about a MiB each; the others keep few.

    Example:
        >>> forget_compiled()
    """
    if keras.backend.backend() == "jax":
        import jax

        jax.clear_caches()
