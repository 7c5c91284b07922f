"""The one place where TensorFlow, JAX and PyTorch differ.

Everything else is written with `keras.ops`. What stands here has no counterpart there: gradients
of a function with respect to given tensors, a switch for bit-wise repeatable runs, and the mask
that Keras attaches to a tensor.
"""

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


def get_mask(tensor: Any) -> Any:
    """Return the mask that Keras attached to a tensor, or None."""
    return getattr(tensor, "_keras_mask", None)


def set_mask(tensor: Any, mask: Any) -> None:
    """Attach a mask to a tensor, as Keras' layers do (True means keep)."""
    tensor._keras_mask = mask
