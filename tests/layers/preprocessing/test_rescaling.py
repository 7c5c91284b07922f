import keras
import numpy as np
import pytest
import tolerances as tol
from keras import ops

from kerasdl.layers import Rescaling
from kerasdl.parity.compare import relative_error

SCALES = [(1 / 255, -0.5), (np.array([0.5, 1.0, 2.0]), np.array([0.0, 1.0, 2.0])), ([1, 2, 3], 1)]


@pytest.mark.parametrize(("scale", "offset"), SCALES)
@pytest.mark.parametrize("dtype", ["float64", "float32", "mixed_bfloat16"])
def test_equal_to_keras(scale, offset, dtype, rng):
    x = rng.integers(0, 256, (2, 4, 3))
    ours, theirs = (k(scale, offset, dtype=dtype) for k in (Rescaling, keras.layers.Rescaling))
    tolerance = {"float64": tol.FORWARD_64, "float32": tol.FORWARD_32}.get(dtype, tol.FORWARD_BF16)
    assert ours(x).dtype == theirs(x).dtype
    assert relative_error(ours(x), theirs(x)) <= tolerance


@pytest.mark.parametrize(("scale", "offset"), SCALES)
def test_config_round_trip_and_tf_data(scale, offset):
    import tensorflow as tf

    layer = Rescaling(scale, offset)
    again = Rescaling.from_config(layer.get_config())
    x = np.arange(12.0, dtype="float32").reshape(2, 2, 3)
    expected = ops.convert_to_numpy(layer(x))
    np.testing.assert_array_equal(ops.convert_to_numpy(again(x)), expected)
    out = next(iter(tf.data.Dataset.from_tensors(x).map(layer)))
    np.testing.assert_allclose(out.numpy(), expected, rtol=1e-6)
