"""Penalties on weights and outputs. Names not written here are Keras' own."""

import math
from typing import Any

import keras
from keras import ops

from kerasdl import lookup
from kerasdl.builtins import fall_back_to

Regularizer = keras.Regularizer

_register = keras.saving.register_keras_serializable(package="kerasdl")


@_register
class L1(Regularizer):
    r"""Pull every weight towards 0 with the same force, so that many arrive there.

    $$\Omega(W) = \lambda_1 \sum_i |W_i|, \qquad
      \frac{\partial \Omega}{\partial W_i} = \lambda_1\, \mathrm{sign}(W_i)$$

    Args:
        l1: $\lambda_1 \ge 0$.

    Raises:
        ValueError: If `l1` is not a finite number from 0.

    Source:
        Tibshirani, 1996, Regression Shrinkage and Selection via the Lasso. Goodfellow et al., 2016,
        Deep Learning, section 7.1.2.

    Example:
        >>> float(L1(0.5)(ops.array([1.0, -3.0])))
        2.0

    Differences from Keras: `get_config` returns the factor that was given (Keras, where the backend
    makes float32 of it: 0.01 becomes 0.009999999776). Computing, both round it alike.
    """

    def __init__(self, l1=0.01):
        self.l1 = _factor("l1", 0.01 if l1 is None else l1)

    def __call__(self, x):
        """Return the penalty, a scalar."""
        return _in_floatx(self.l1, x.dtype) * ops.sum(ops.absolute(x))

    def get_config(self):
        """Return the constructor's arguments."""
        return {"l1": self.l1}


@_register
class L2(Regularizer):
    r"""Pull every weight towards 0, the harder the larger it is: weight decay.

    $$\Omega(W) = \lambda_2 \sum_i W_i^2, \qquad
      \frac{\partial \Omega}{\partial W_i} = 2 \lambda_2 W_i$$

    Args:
        l2: $\lambda_2 \ge 0$.

    Raises:
        ValueError: If `l2` is not a finite number from 0.

    Source:
        Hoerl and Kennard, 1970, Ridge Regression. Goodfellow et al., 2016, Deep Learning, section
        7.1.1 (there with a factor 1/2, which Keras and this class leave out).

    Example:
        >>> float(L2(0.5)(ops.array([1.0, -3.0])))
        5.0

    Differences from Keras: none.
    """

    def __init__(self, l2=0.01):
        self.l2 = _factor("l2", 0.01 if l2 is None else l2)

    def __call__(self, x):
        """Return the penalty, a scalar."""
        return ops.cast(self.l2, x.dtype) * ops.sum(ops.square(x))

    def get_config(self):
        """Return the constructor's arguments."""
        return {"l2": self.l2}


@_register
class L1L2(Regularizer):
    r"""Both at once: few weights, and small ones.

    $$\Omega(W) = \lambda_1 \sum_i |W_i| + \lambda_2 \sum_i W_i^2$$

    Args:
        l1: $\lambda_1 \ge 0$.
        l2: $\lambda_2 \ge 0$.

    Raises:
        ValueError: If a factor is not a finite number from 0.

    Source:
        Zou and Hastie, 2005, Regularization and Variable Selection via the Elastic Net, equation 3.

    Example:
        >>> float(L1L2(l1=0.5, l2=0.5)(ops.array([1.0, -3.0])))
        7.0

    Differences from Keras: none.
    """

    def __init__(self, l1=0.0, l2=0.0):
        self.l1 = _factor("l1", 0.0 if l1 is None else l1)
        self.l2 = _factor("l2", 0.0 if l2 is None else l2)

    def __call__(self, x):
        """Return the penalty, a scalar."""
        penalty = ops.convert_to_tensor(0.0, dtype=x.dtype)
        if self.l1:
            penalty = penalty + ops.cast(self.l1, x.dtype) * ops.sum(ops.absolute(x))
        if self.l2:
            penalty = penalty + ops.cast(self.l2, x.dtype) * ops.sum(ops.square(x))
        return penalty

    def get_config(self):
        """Return the constructor's arguments."""
        return {"l1": self.l1, "l2": self.l2}


@_register
class OrthogonalRegularizer(Regularizer):
    r"""Push the rows (or columns) of a matrix towards right angles: no two units learn the same.

    $$\Omega(W) = \lambda\, \frac{2}{n (n - 1)} \sum_{i < j} |\hat w_i \cdot \hat w_j|, \qquad
      \hat w_i = \frac{w_i}{\lVert w_i \rVert}$$

    the mean size of the cosine over all pairs.

    Args:
        factor: $\lambda \ge 0$.
        mode: `"rows"` or `"columns"`: which vectors $w_i$.

    Raises:
        ValueError: If `factor` is not a finite number from 0, `mode` is neither, or the input is no
            matrix.

    Example:
        >>> float(OrthogonalRegularizer(0.5)(ops.array([[1.0, 0.0], [0.0, 2.0]])))
        0.0
        >>> float(OrthogonalRegularizer(0.5)(ops.array([[1.0, 0.0], [2.0, 0.0]])))
        0.5

    Differences from Keras: works in every dtype (Keras' factor is a float32 tensor, which
    TensorFlow does not multiply with another dtype). A single vector has no pair and gives 0
    (Keras: NaN). A vector of zeros has a finite gradient (Keras: NaN).
    """

    def __init__(self, factor=0.01, mode="rows"):
        self.factor = _factor("factor", factor)
        if mode not in ("rows", "columns"):
            raise ValueError(
                'Invalid value for argument `mode`. Expected one of {"rows", "columns"}. '
                f"Received: mode={mode}"
            )
        self.mode = mode

    def __call__(self, inputs):
        """Return the penalty, a scalar."""
        if len(inputs.shape) != 2:
            raise ValueError(
                "Inputs to OrthogonalRegularizer must have rank 2. Received: "
                f"inputs.shape={tuple(inputs.shape)}"
            )
        w = ops.convert_to_tensor(inputs)
        if self.mode == "columns":
            w = ops.transpose(w)
        n = w.shape[0]
        unit = _unit_rows(w)
        # Not `ops.matmul`, which makes float32 of PyTorch's float64.
        cosines = unit @ ops.transpose(unit)  # (n, n)
        i = ops.arange(n)
        pairs = ops.where(i[:, None] == i[None, :], ops.zeros_like(cosines), ops.abs(cosines))
        # Each pair stands twice in the matrix, hence the half.
        factor = _in_floatx(self.factor, w.dtype)
        return factor * 0.5 * ops.sum(pairs) / max(1.0, n * (n - 1) / 2)

    def get_config(self):
        """Return the constructor's arguments."""
        return {"factor": self.factor, "mode": self.mode}


def _unit_rows(w):
    """Return w_i / max(‖w_i‖, ε), whose gradient is finite also where w_i = 0."""
    epsilon = keras.config.epsilon()
    square = ops.sum(ops.square(w), axis=1, keepdims=True)
    long_enough = square > epsilon**2
    inverse_norm = ops.rsqrt(ops.where(long_enough, square, ops.ones_like(square)))
    return w * ops.where(long_enough, inverse_norm, ops.full_like(square, 1 / epsilon))


def _in_floatx(factor, dtype):
    # By way of a tensor, as Keras: equal in the last digit of float64 too.
    return ops.cast(ops.convert_to_tensor(factor), dtype)


def _factor(name, value) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise ValueError(
            f"Invalid value for argument {name}: expected a non-negative float. "
            f"Received: {name}={value}"
        )
    return float(value)


l1 = L1
l2 = L2
l1_l2 = L1L2
orthogonal_regularizer = OrthogonalRegularizer

_OURS = {
    "L1": L1,
    "l1": L1,
    "L2": L2,
    "l2": L2,
    "L1L2": L1L2,
    "l1l2": L1L2,
    "l1_l2": L1L2,
    "OrthogonalRegularizer": OrthogonalRegularizer,
    "orthogonal_regularizer": OrthogonalRegularizer,
}

__getattr__ = fall_back_to(keras.regularizers, __name__)


def get(identifier: Any) -> Any:
    """Look a regulariser up by name, config, class or instance; ours first, then Keras'.

    Args:
        identifier: Name, config, class, callable, or `None`.

    Returns:
        A regulariser, or `None`.

    Raises:
        ValueError: If nothing goes by that name.

    Example:
        >>> get("l2").get_config()
        {'l2': 0.01}
    """
    return lookup.find(identifier, _OURS, keras.regularizers)


def serialize(regularizer: Any) -> Any:
    """Return the config of a regulariser."""
    return keras.regularizers.serialize(regularizer)


def deserialize(config: Any, custom_objects: dict | None = None) -> Any:
    """Return the regulariser of a config made by `serialize`, by us or by Keras."""
    return lookup.from_config(config, _OURS, keras.regularizers, custom_objects)
