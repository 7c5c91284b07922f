"""Where operations become one kernel of XLA, and where they must not."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasdl import backend, layers

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="graphs are TensorFlow's"
)


def pooling_model():
    return keras.Sequential(
        [
            keras.Input((9, 9, 2)),
            layers.MaxPooling2D(3, 2, "same"),
            layers.AveragePooling2D(3, 2, "same"),
            layers.UpSampling2D(interpolation="bilinear"),
        ]
    )


def compiled_functions(graph):
    """Names of the functions in a graph that only XLA can run."""
    return [
        function.signature.name
        for function in graph.as_graph_def().library.function
        if function.attr["_XlaMustCompile"].b
    ]


def test_a_graph_holds_kernels_of_xla():
    import tensorflow as tf

    model = pooling_model()
    traced = tf.function(model).get_concrete_function(tf.TensorSpec((None, 9, 9, 2)))
    assert compiled_functions(traced.graph)
    x = np.random.default_rng(0).normal(size=(3, 9, 9, 2)).astype("float32")
    np.testing.assert_allclose(traced(x), model(x), rtol=1e-6)  # float32, the same sums


def test_an_export_holds_none(tmp_path):
    """TensorFlow Serving has no compiler: it would refuse the model."""
    import tensorflow as tf

    model = pooling_model()
    model.export(tmp_path / "model", verbose=False)
    served = tf.saved_model.load(tmp_path / "model").signatures["serving_default"]
    assert not compiled_functions(served.graph)
    x = np.random.default_rng(0).normal(size=(3, 9, 9, 2)).astype("float32")
    (y,) = served(**{next(iter(served.structured_input_signature[1])): x}).values()
    np.testing.assert_allclose(y, model(x), rtol=1e-6)  # float32, the same sums


def test_unknown_sizes_are_left_to_the_graph():
    import tensorflow as tf

    fused = []
    tf.function(lambda x: fused.append(backend.fuses(x)) or x).get_concrete_function(
        tf.TensorSpec((None, None, 2))
    )
    assert fused == [False]
    assert not backend.fuses(ops.ones((2, 2)))
