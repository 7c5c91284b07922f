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


DIRECTIONS = {
    "alike": lambda: (layers.LSTM(3, return_sequences=True), None, 1),
    "dropped": lambda: (layers.GRU(3, return_sequences=True, dropout=0.5, seed=1), None, 1),
    "with states": lambda: (layers.GRU(3, return_sequences=True, return_state=True), None, 1),
    "stateful": lambda: (layers.SimpleRNN(3, stateful=True), None, 1),
    "penalised": lambda: (layers.SimpleRNN(3, activity_regularizer="l2"), None, 1),
    "two sizes": lambda: (layers.LSTM(3), layers.LSTM(4, go_backwards=True), 1),
    "two kinds": lambda: (layers.LSTM(3), layers.GRU(3, go_backwards=True), 2),
    "plain loop": lambda: (layers.LSTM(3, unroll=True), layers.LSTM(3, go_backwards=True), 1),
}


@pytest.mark.parametrize("name", list(DIRECTIONS))
def test_a_program_of_xla_runs_both_directions_in_one_loop(monkeypatch, name):
    import tensorflow as tf

    from kerasdl.layers.rnn import bidirectional
    from kerasdl.ops.recurrence import through_time

    layer, backward_layer, loops = DIRECTIONS[name]()
    layer = layers.Bidirectional(layer, backward_layer=backward_layer)
    rng = np.random.default_rng(0)
    x, mask = rng.normal(size=(33, 5, 2)).astype("float32"), rng.random((33, 5)) < 0.7
    layer.build(x.shape)

    def run(x):
        # Masks are drawn from the same state of the seed, states start from 0.
        for at in layer._directions():
            at.cell.seed_generator.state.assign([1, 2])
        if layer.stateful:
            layer.reset_state()
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = keras.tree.flatten(layer(x, mask=tf.constant(mask), training=True))
            loss = sum(tf.reduce_sum(y**2) for y in outputs) + sum(layer.losses)
        return outputs, tape.gradient(loss, [x, *(v.value for v in layer.trainable_variables)])

    def compiled():
        return tf.function(lambda x: run(x), jit_compile=True)(tf.constant(x))

    seen = []
    original = through_time.loops_over_time
    monkeypatch.setattr(
        through_time, "loops_over_time", lambda how: seen.append(how) or original(how)
    )
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    found = compiled()
    assert len(seen) == loops
    assert seen[0].runs == (2 if name not in ("two kinds", "plain loop") else 1)
    # XLA draws other random numbers than TensorFlow does: each layer in a loop of its own, by XLA.
    monkeypatch.setattr(bidirectional, "both", lambda first, second: (first(), second()))
    expected = compiled()
    for a, b in zip(keras.tree.flatten(found), keras.tree.flatten(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)  # float32, sums in another order
