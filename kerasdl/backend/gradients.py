"""Gradients: automatic ones of a function of tensors, and those that were derived by hand."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops


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
