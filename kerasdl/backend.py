"""The one place where TensorFlow, JAX and PyTorch differ.

Everything else is written with `keras.ops`. What stands here has no counterpart there: gradients
of a function with respect to given tensors, gradients that were derived by hand, a switch for
bit-wise repeatable runs, and the mask that Keras attaches to a tensor.
"""

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
from keras import ops
from keras.src.backend.common import dtypes, masking  # no public way: promotion, a tensor's mask


def value_and_grad(function: Callable, tensors: Sequence[Any]) -> tuple[Any, list[Any]]:
    r"""Return $f(x_1, \dots, x_n)$ and $\partial f / \partial x_i$ by automatic differentiation.

    Args:
        function: Takes the tensors as positional arguments and returns a scalar.
        tensors: Arrays, tensors or Keras variables. A variable is differentiated in place, so a
            layer that owns it may be called inside `function`, which then gets the variable itself.

    Returns:
        The scalar, and a list of gradients as NumPy-convertible tensors. A tensor that `function`
        does not use has gradient zero.

    Example:
        >>> value, (dx,) = value_and_grad(lambda x: ops.sum(x**2), [ops.array([1.0, 3.0])])
        >>> float(value), [float(d) for d in dx]
        (10.0, [2.0, 6.0])
    """
    is_variable = [isinstance(t, keras.Variable) for t in tensors]
    values = [
        t.value if variable else ops.convert_to_tensor(t)
        for t, variable in zip(tensors, is_variable, strict=True)
    ]
    return _GRADIENTS[keras.backend.backend()](function, tensors, values, is_variable)


def _tensorflow_gradients(function, tensors, values, is_variable):
    import tensorflow as tf

    watched = [v if variable else tf.identity(v) for v, variable in zip(values, is_variable)]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(watched)
        arguments = [t if variable else w for t, w, variable in zip(tensors, watched, is_variable)]
        value = function(*arguments)
    gradients = tape.gradient(value, watched, unconnected_gradients="zero")
    return value, [tf.convert_to_tensor(g) for g in gradients]


def _jax_gradients(function, tensors, values, is_variable):
    import jax

    def stateless(arguments):
        mapping = [(t, a) for t, a, variable in zip(tensors, arguments, is_variable) if variable]
        with keras.StatelessScope(state_mapping=mapping):
            return function(
                *[t if variable else a for t, a, variable in zip(tensors, arguments, is_variable)]
            )

    return jax.value_and_grad(stateless)(values)


def _torch_gradients(function, tensors, values, is_variable):
    import torch

    leaves = [v if variable else v.detach().clone() for v, variable in zip(values, is_variable)]
    for leaf in leaves:
        leaf.requires_grad_(True)
    arguments = [t if variable else v for t, v, variable in zip(tensors, leaves, is_variable)]
    with torch.enable_grad():
        value = function(*arguments)
    gradients = torch.autograd.grad(value, leaves, allow_unused=True)
    return value.detach(), [
        torch.zeros_like(leaf) if g is None else g for leaf, g in zip(leaves, gradients)
    ]


_GRADIENTS = {
    "tensorflow": _tensorflow_gradients,
    "jax": _jax_gradients,
    "torch": _torch_gradients,
}


def with_gradient(function: Callable) -> Callable:
    r"""Give a function the backward pass that was derived for it by hand.

    Settings are closed over, not passed: every argument counts as a tensor. On symbolic tensors
    (while a functional model is put together) the function alone is recorded.

    Args:
        function: Takes tensors as positional arguments and returns `(output, backward)`. The output
            is a tensor or a tuple of tensors. `backward` takes $\partial L / \partial y$ for each
            output and returns $\partial L / \partial x$ for each argument in a tuple, `None`
            where there is none (integers, masks).

    Returns:
        A function of the same tensors that returns the output alone.

    Example:
        >>> @with_gradient
        ... def square(x):
        ...     return x * x, lambda dy: (2 * x * dy,)
        >>> _, (dx,) = value_and_grad(lambda x: ops.sum(square(x)), [ops.array([3.0])])
        >>> float(dx[0])
        6.0
    """

    @functools.wraps(function)
    def differentiable(*tensors):
        if any(keras.utils.is_keras_tensor(t) for t in tensors):
            return function(*tensors)[0]
        tensors = [ops.convert_to_tensor(t) for t in tensors]
        return _CUSTOM_GRADIENTS[keras.backend.backend()](function, tensors)

    return differentiable


def _tensorflow_custom_gradient(function, tensors):
    import tensorflow as tf

    # A variable is read here: inside, its gradient would be asked for a second time.
    return tf.custom_gradient(function)(*(tf.convert_to_tensor(t) for t in tensors))


def _jax_custom_gradient(function, tensors):
    import jax

    def forward(*tensors):
        output, backward = function(*tensors)

        def pull_back(upstream):
            upstream = upstream if isinstance(output, tuple) else (upstream,)
            return tuple(
                _zero_cotangent(t) if g is None else g
                for t, g in zip(tensors, backward(*upstream), strict=True)
            )

        return output, pull_back

    return jax.custom_gradient(forward)(*tensors)


def _zero_cotangent(tensor):
    import jax

    if jax.numpy.issubdtype(tensor.dtype, jax.numpy.inexact):
        return jax.numpy.zeros_like(tensor)
    return jax.numpy.zeros(tensor.shape, jax.dtypes.float0)


def _torch_custom_gradient(function, tensors):
    return _torch_function().apply(function, *tensors)


@functools.cache
def _torch_function():
    import torch

    class HandDerived(torch.autograd.Function):
        @staticmethod
        def forward(ctx, function, *tensors):
            output, ctx.pull_back = function(*tensors)
            return output

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, *upstream):
            return (None, *ctx.pull_back(*upstream))

    return HandDerived


_CUSTOM_GRADIENTS = {
    "tensorflow": _tensorflow_custom_gradient,
    "jax": _jax_custom_gradient,
    "torch": _torch_custom_gradient,
}


def make_deterministic() -> None:
    """Ask the backend for the same bits from the same seed on the same machine."""
    name = keras.backend.backend()
    if name == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    elif name == "torch":
        import torch

        torch.use_deterministic_algorithms(True, warn_only=True)
    # JAX on a CPU is deterministic; on a GPU XLA's flag must be set before JAX starts.


def accelerators() -> list[str]:
    """Names of the GPUs or TPUs that the backend sees; empty on a machine with a CPU only."""
    name = keras.backend.backend()
    if name == "tensorflow":
        import tensorflow as tf

        return [d.name for d in tf.config.list_physical_devices("GPU")]
    if name == "jax":
        import jax

        return [str(d) for d in jax.devices() if d.platform != "cpu"]
    import torch

    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]


def constant(value: float, dtype: str) -> Any:
    """Return a factor for tensors of a dtype, rounded as in the backend's own activations.

    TensorFlow's pass through float32 on their way to float64 and are off by 3e-8 of themselves;
    JAX' and PyTorch's are exact.

    Example:
        >>> float(constant(0.5, "float64"))
        0.5
    """
    if keras.backend.backend() == "tensorflow":
        return ops.cast(value, dtype)
    return value


def forget_compiled() -> None:
    """Free the memory of JAX's compiled programs, about a MiB each; the others keep few.

    Example:
        >>> forget_compiled()
    """
    if keras.backend.backend() == "jax":
        import jax

        jax.clear_caches()


@contextlib.contextmanager
def promotion_keeps_float64() -> Iterator[None]:
    """Switch off that Keras' type promotion turns float64 into float32 on JAX and PyTorch.

    Keras' own layers compute in true float64 inside the block, so that ours, which do so anyway,
    can be compared with them to the last digits.

    Example:
        >>> with promotion_keeps_float64():
        ...     keras.backend.result_type("float64", "float64")
        'float64'
    """
    table = dtypes.BIT64_TO_BIT32_DTYPE
    usual = table["float64"]
    table["float64"] = "float64"
    try:
        yield
    finally:
        table["float64"] = usual


def result_type(*of: str) -> str:
    """Return the dtype that holds all of these, by Keras' promotion but with float64 kept.

    Example:
        >>> result_type("float32", "float64"), result_type("int32", "bfloat16")
        ('float64', 'bfloat16')
    """
    with promotion_keeps_float64():
        return keras.backend.result_type(*of)


def get_mask(tensor: Any) -> Any:
    """Return the mask that Keras attached to a tensor, or None.

    Keras keeps it in a table of its own where a tensor takes no attribute: within `jax.grad` and
    `jax.jit`.
    """
    return masking.get_keras_mask(tensor)


def set_mask(tensor: Any, mask: Any) -> None:
    """Attach a mask to a tensor, as Keras' layers do (True means keep)."""
    masking.set_keras_mask(tensor, mask)


def compiled(function: Callable, xla: bool = False, free_axes: Sequence | None = None) -> Callable:
    """Compile a function of tensors: to a graph on TensorFlow, with XLA on JAX.

    Args:
        function: Takes and returns tensors. PyTorch runs it as it is.
        xla: On TensorFlow, compile the graph with XLA.
        free_axes: For each argument the axes whose size may change from call to call. TensorFlow's
            graph is then traced once for all sizes; JAX traces anew.

    Example:
        >>> float(compiled(lambda x: 2 * x)(ops.array(3.0)))
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


def fuse(function: Callable, *tensors: Any) -> Any:
    """Call a function of tensors; where `fuses` says so, as one kernel made by XLA.

    A TensorFlow graph runs operation by operation, each a pass over memory; also in `tf.data`,
    where Keras' backend may be another one. Elsewhere it is a plain call.

    Example:
        >>> float(fuse(lambda x: 2 * x, ops.array(3.0)))
        6.0
    """
    if not fuses(*tensors):
        return function(*tensors)
    import tensorflow as tf

    return tf.function(function, jit_compile=True, autograph=False)(*tensors)


def fuses(*tensors: Any) -> bool:
    """Whether `fuse` compiles a function of these tensors.

    It does within a TensorFlow graph whose sizes are known (XLA compiles anew for every size; that
    of the batch changes seldom), unless the graph is being exported: TensorFlow Serving has no
    compiler, and would refuse it.

    Example:
        >>> fuses(ops.array(3.0))
        False
    """
    tf = sys.modules.get("tensorflow")  # tensors of a graph exist only where it was imported
    if tf is None or not any(tf.is_symbolic_tensor(t) for t in tensors):
        return False
    if any(t.shape.rank is None or None in t.shape.as_list()[1:] for t in tensors):
        return False
    return not _exporting()


def joins_loops(*tensors: Any) -> bool:
    """Whether element-wise operations on these tensors end up in one loop over memory.

    They do where XLA compiles: on JAX, and on TensorFlow within `fuse`.

    Example:
        >>> joins_loops(ops.array(3.0)) == (keras.backend.backend() == "jax")
        True
    """
    return keras.backend.backend() == "jax" or fuses(*tensors)


def _exporting() -> bool:
    """Whether a SavedModel is being written: nothing else tells than who called."""
    frame = sys._getframe()
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith(_EXPORTERS):
            return True
        frame = frame.f_back
    return False


_EXPORTERS = ("keras.src.export", "tensorflow.python.saved_model")


def hand_derived_in_graphs(equation: Callable, by_hand: Callable) -> Callable:
    """Return a function with its hand-derived gradient where that pays, else the plain equation.

    TensorFlow runs a chain of element-wise steps kernel by kernel, each a pass over memory: a
    backward pass derived by hand needs fewer. JAX compiles the chain into one, and the plain
    equation keeps what a derivative by hand does not have: forward mode, and on PyTorch second
    derivatives.

    Args:
        equation: Function of tensors, differentiated automatically.
        by_hand: The same function as `with_gradient` takes it.

    Example:
        >>> def by_hand(x):
        ...     return x * x, lambda dy: (2 * x * dy,)
        >>> float(hand_derived_in_graphs(lambda x: x * x, by_hand)(ops.array(3.0)))
        9.0
    """
    return with_gradient(by_hand) if keras.backend.backend() == "tensorflow" else equation


def compiled_step(function: Callable, variables: Sequence[keras.Variable]) -> Callable:
    """Compile a function of tensors that also reads and assigns variables, e.g. a training step.

    Args:
        function: Takes and returns tensors. PyTorch runs it as it is.
        variables: All variables that it assigns, and those it reads that change between calls.

    Example:
        >>> counter = keras.Variable(1.0)
        >>> step = compiled_step(lambda x: counter.assign_add(x), [counter])
        >>> _ = step(ops.array(2.0)), step(ops.array(2.0))
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


def all_reduce_sum(tensor: Any) -> Any:
    """Add a tensor up over the replicas of TensorFlow's distribution strategy.

    Outside of a strategy, and on JAX and PyTorch, it comes back as it is. (JAX needs no such sum:
    under `keras.distribution` a program computes as if one device held the whole batch.)

    Example:
        >>> float(all_reduce_sum(ops.array(2.0)))
        2.0
    """
    if keras.backend.backend() != "tensorflow":
        return tensor
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return tensor
    return context.all_reduce(tf.distribute.ReduceOp.SUM, tensor)


@functools.cache
def has_accelerator() -> bool:
    """Whether the backend sees a GPU or TPU.

    There, products of float32 matrices round their factors to 10 bits by default (TF32), so sums
    that must be exact are not written as products.

    Example:
        >>> has_accelerator() == bool(accelerators())
        True
    """
    return bool(accelerators())


def column_sums(x: Any) -> Any:
    r"""Add up the rows of a matrix: $\mathbf 1^\top x$, of shape (1, C).

    On a CPU, TensorFlow computes the product about twice as fast as the sum; JAX does not.

    Example:
        >>> column_sums(ops.array([[1.0, 2.0], [3.0, 4.0]])).shape[1]
        2
    """
    if keras.backend.backend() == "tensorflow" and not has_accelerator():
        import tensorflow as tf

        ones = tf.ones((tf.shape(x)[0], 1), dtype=x.dtype)
        return tf.matmul(ones, x, transpose_a=True)
    return ops.sum(x, axis=0, keepdims=True)


def is_sparse(tensor: Any) -> bool:
    """Whether a tensor stores its nonzero entries only.

    Example:
        >>> is_sparse(ops.zeros(3))
        False
    """
    name = keras.backend.backend()
    if name == "tensorflow":
        import tensorflow as tf

        return isinstance(tensor, tf.SparseTensor | tf.IndexedSlices)
    if name == "jax":
        from jax.experimental import sparse

        return isinstance(tensor, sparse.JAXSparse)
    return False
