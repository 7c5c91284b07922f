"""Where operations become one kernel of XLA, and where they must not."""

import contextlib

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


def test_unknown_sizes_are_compiled_where_they_are_few():
    """A loop over time of unknown length: operation by operation, or a kernel for each length."""
    import tensorflow as tf

    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    layer = layers.LSTM(4)
    expected = layer(x)
    for few in (False, True):
        traced = tf.function(layer)
        with backend.sizes_are_few() if few else contextlib.nullcontext():
            graph = traced.get_concrete_function(tf.TensorSpec((None, None, 3))).graph
        assert bool(compiled_functions(graph)) == few
        # float32, five steps: a few roundings.
        np.testing.assert_allclose(traced(x), expected, atol=1e-5)
        np.testing.assert_allclose(traced(x[:, :3]), layer(x[:, :3]), atol=1e-5)


@pytest.mark.parametrize(("cores", "halved"), [(1, 0), (2, 0), (4, 2)])
def test_both_directions_run_at_once_and_halves_only_where_cores_are_left(
    monkeypatch, cores, halved
):
    import tensorflow as tf

    from kerasdl.ops.recurrence import through_time

    seen = []

    def in_halves(run, *arguments):
        seen.append(arguments)
        return original(run, *arguments)

    original = through_time.in_halves
    monkeypatch.setattr(through_time, "in_halves", in_halves)
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    layer = layers.Bidirectional(layers.LSTM(3, return_sequences=True))
    x = np.random.default_rng(0).normal(size=(40, 5, 2)).astype("float32")
    y = layer(x)
    assert not seen
    # float32, sums in another order
    np.testing.assert_allclose(tf.function(layer)(x), y, rtol=1e-5, atol=1e-6)
    assert len(seen) == halved
    seen.clear()
    tf.function(layer.forward_layer)(x)  # alone it has two cores to itself
    assert len(seen) == (cores > 1)
