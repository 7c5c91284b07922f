"""Devices: accelerators, replicas, repeatable runs."""

import functools
from typing import Any

import keras


def make_deterministic() -> None:
    """Ask the backend for the same bits from the same seed on the same machine."""
    name = keras.backend.backend()
    if name == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    elif name == "torch":
        import torch

        torch.use_deterministic_algorithms(True, warn_only=True)


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


def all_reduce_sum(tensor: Any) -> Any:
    """Add a tensor up over the replicas of TensorFlow's distribution strategy.

    Outside of a strategy, and on JAX and PyTorch, it comes back as it is. (JAX needs no such sum:
    under `keras.distribution` a program computes as if one device held the whole batch.)

    Example:
        >>> float(all_reduce_sum(keras.ops.array(2.0)))
        2.0
    """
    if keras.backend.backend() != "tensorflow":
        return tensor
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return tensor
    return context.all_reduce(tf.distribute.ReduceOp.SUM, tensor)
