"""The affine map: rows joined to a matrix or not, the same numbers."""

import contextlib

import keras
import numpy as np
import pytest
import tolerances as tol
from keras import ops as K

from kerasdl.backend import products_in_full_precision, tensors, value_and_grad
from kerasdl.ops import linear
from kerasdl.parity import relative_error

EQUATIONS = [
    (None, (2, 3, 4), (4, 5), (5,)),
    ("btd,dnh->btnh", (2, 3, 4), (4, 2, 3), (2, 3)),
    ("btnh,nhd->btd", (2, 3, 2, 3), (2, 3, 4), (4,)),
    ("...d,de->...e", (2, 3, 4), (4, 5), (5,)),
    ("abc,cd->abd", (2, 3, 4), (4, 5), (3, 5)),  # a bias along two axes
]


@pytest.mark.parametrize(("equation", "x", "W", "b"), EQUATIONS)
@pytest.mark.parametrize("joined", [True, False])
def test_equals_einsum(monkeypatch, equation, x, W, b, joined, rng):
    monkeypatch.setattr(linear, "joins_rows", lambda x: joined)
    x, W, b = (rng.normal(size=shape).astype("float32") for shape in (x, W, b))
    z = np.einsum(equation or "...d,de->...e", x, W) + b
    dz = rng.normal(size=z.shape).astype("float32")

    def function(x, W, b):
        return linear.einsum_affine(equation, x, W, b) if equation else linear.affine(x, W, b)

    tensors = [K.convert_to_tensor(t) for t in (x, W, b)]
    assert relative_error(function(*tensors), z) <= tol.FORWARD_32
    _, (_, _, db) = value_and_grad(lambda *of: K.sum(K.multiply(function(*of), dz)), tensors)
    # The bias is added along all axes that it has not.
    expected = dz.sum(axis=tuple(range(dz.ndim - b.ndim)))
    assert relative_error(db, expected) <= tol.GRADIENT_32


def test_rows_stay_apart_on_a_gpu_of_jax(monkeypatch):
    x = K.ones((2, 3, 4))
    assert tensors.joins_rows(x)
    monkeypatch.setattr(tensors, "has_accelerator", lambda: True)
    assert tensors.joins_rows(x) == (keras.backend.backend() != "jax")
    # `keras.ops.einsum` would round it to float32.
    assert tensors.joins_rows(K.ones((2, 3, 4), dtype="float64"))


def test_full_precision_ends_with_the_block():
    def switch():
        match keras.backend.backend():
            case "tensorflow":
                import tensorflow as tf

                return tf.config.experimental.tensor_float_32_execution_enabled()
            case "jax":
                import jax

                return jax.config.jax_default_matmul_precision
        import torch

        return torch.backends.cudnn.allow_tf32

    before = switch()
    with contextlib.suppress(ZeroDivisionError), products_in_full_precision():
        assert switch() in (False, "highest")
        raise ZeroDivisionError
    assert switch() == before
