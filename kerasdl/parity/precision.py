"""The precisions in which a symbol is proven."""

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

import keras

from kerasdl.parity import tolerances


class Precision(NamedTuple):
    """A dtype policy, the dtype of the data, and what errors it allows."""

    name: str
    policy: str
    data: str
    forward: float
    gradient: float


FLOAT64 = Precision("float64", "float64", "float64", tolerances.FORWARD_64, tolerances.GRADIENT_64)
FLOAT32 = Precision("float32", "float32", "float32", tolerances.FORWARD_32, tolerances.GRADIENT_32)
BFLOAT16 = Precision(
    "bfloat16", "mixed_bfloat16", "float32", tolerances.FORWARD_BF16, tolerances.GRADIENT_BF16
)
ALL = (FLOAT64, FLOAT32, BFLOAT16)


@contextlib.contextmanager
def computing_in(precision: Precision) -> Iterator[None]:
    """Create layers and variables in this precision inside the block.

    Example:
        >>> with computing_in(FLOAT64):
        ...     keras.layers.Dense(1).variable_dtype
        'float64'
    """
    floatx, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx(precision.data)
    keras.config.set_dtype_policy(precision.policy)
    try:
        yield
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)
