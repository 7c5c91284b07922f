"""Dtypes: what keeps float64, and how constants are rounded."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
from keras import ops
from keras.src.backend.common import dtypes  # no public way to Keras' promotion


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


@contextlib.contextmanager
def products_in_full_precision() -> Iterator[None]:
    """Have a GPU multiply float32 numbers as they are inside the block.

    Outside of it products may round their factors to 10 bits (TF32): by default all do on
    TensorFlow and JAX, on PyTorch convolutions and cuDNN's recurrent layers.

    Example:
        >>> with products_in_full_precision():
        ...     float(ops.matmul(ops.array([[1.0001]]), ops.array([[1.0]]))[0, 0]) > 1
        True
    """
    name = keras.backend.backend()
    if name == "jax":
        import jax

        with jax.default_matmul_precision("highest"):
            yield
        return
    if name == "tensorflow":
        import tensorflow as tf

        config = tf.config.experimental
        allowed = config.tensor_float_32_execution_enabled()
        config.enable_tensor_float_32_execution(False)
        try:
            yield
        finally:
            config.enable_tensor_float_32_execution(allowed)
        return
    import torch

    with contextlib.ExitStack() as undo:
        for library in (torch.backends.cudnn, torch.backends.cuda.matmul):
            undo.callback(setattr, library, "allow_tf32", library.allow_tf32)
            library.allow_tf32 = False
        yield


def result_type(*of: str) -> str:
    """Return the dtype that holds all of these, by Keras' promotion but with float64 kept.

    Example:
        >>> result_type("float32", "float64"), result_type("int32", "bfloat16")
        ('float64', 'bfloat16')
    """
    with promotion_keeps_float64():
        return keras.backend.result_type(*of)


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
