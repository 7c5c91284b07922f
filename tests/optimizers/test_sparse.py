"""Gradients of an embedding on TensorFlow: only the rows that were looked up."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasdl import optimizers

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="its gradients are sparse on TensorFlow alone"
)


def embedding(module, name, ids, **options):
    import tensorflow as tf

    optimizer = getattr(module, name)(0.125, **options)
    table = keras.Variable(np.linspace(-1, 1, 12).reshape(6, 2), dtype="float64")
    values = np.arange(1.0, 1 + 2 * len(ids)).reshape(-1, 2)
    for _ in range(3):
        g = tf.IndexedSlices(tf.constant(values), tf.constant(ids), tf.constant([6, 2]))
        optimizer.apply([g], [table])
    return ops.convert_to_numpy(table)


NAMES = [
    "SGD",
    "Adagrad",
    "RMSprop",
    "Adadelta",
    "Adam",
    "Adamax",
    "Nadam",
    "Lion",
    "Ftrl",
    "Adafactor",
]


@pytest.mark.parametrize("name", NAMES)
def test_sparse_gradients_equal_keras(name):
    ids = [0, 3, 4]
    np.testing.assert_allclose(
        embedding(optimizers, name, ids), embedding(keras.optimizers, name, ids), rtol=1e-12
    )


@pytest.mark.parametrize("name", ["SGD", "Adagrad", "RMSprop", "Adadelta"])
def test_other_rows_are_not_written(name):
    """The step stays sparse: a row of no gradient keeps its bits, and no dense step is made."""
    import tensorflow as tf

    optimizer = getattr(optimizers, name)(0.125)
    table = keras.Variable(np.ones((6, 2)))
    optimizer.build([table])
    rows, shape = tf.constant([0, 3]), tf.constant([6, 2])
    graph = tf.function(
        lambda v: optimizer.apply([tf.IndexedSlices(v, rows, shape)], [table])
    ).get_concrete_function(tf.TensorSpec((2, 2)))
    types = [op.type for op in graph.graph.get_operations()]
    assert "ResourceScatterSub" in types
    assert "ResourceScatterAdd" in types or name != "Adagrad"
