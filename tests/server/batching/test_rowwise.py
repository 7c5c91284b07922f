import numpy as np
import pytest
from serving_models import _function, save

from kerasdl.server.servable import Servable

X = {"x": ([None, 4], "float32")}


def bodies():
    import tensorflow as tf

    kernel = tf.Variable(tf.ones((4, 3)))
    return {
        # each row by itself
        "dense": (lambda x: tf.nn.softmax(x @ kernel + tf.ones(3)), True),
        "mean_of_a_row": (lambda x: x - tf.reduce_mean(x, 1, keepdims=True), True),
        "flatten": (lambda x: tf.reshape(tf.reshape(x, (-1, 2, 2)), (tf.shape(x)[0], 4)), True),
        "transposed_back": (lambda x: tf.transpose(x[:, None], (0, 2, 1)), True),
        "embedding": (lambda x: tf.gather(tf.ones((9, 2)), tf.cast(x, tf.int32)), True),
        "beside": (lambda x: tf.concat([x, 2 * x], -1), True),
        "class_token": (
            lambda x: tf.concat([tf.broadcast_to(tf.ones((1, 1)), (tf.shape(x)[0], 1)), x], 1),
            True,
        ),
        "columns": (lambda x: x[:, 1:3], True),
        "einsum": (lambda x: tf.einsum("bi,ij->bj", x, kernel), True),
        # rows see each other, or their number
        "mean_of_the_batch": (lambda x: x - tf.reduce_mean(x, 0), False),
        "softmax_of_the_batch": (lambda x: tf.nn.softmax(x, 0), False),
        "number_of_rows": (lambda x: x / tf.cast(tf.shape(x)[0], tf.float32), False),
        "two_rows_in_one": (lambda x: tf.reshape(tf.reshape(x, (-1, 8)) + 1, (-1, 4)), False),
        "reversed": (lambda x: x[::-1], False),
        "first": (lambda x: x + x[:1], False),
        "cumulative": (lambda x: tf.cumsum(x, 0), False),
        "sorted": (lambda x: tf.sort(x, 0), False),
        "transposed": (lambda x: tf.transpose(tf.transpose(x) @ tf.ones((1, 1))), False),
        "gram": (lambda x: x @ tf.transpose(x), False),
        "noise": (lambda x: x + tf.random.normal((4,)), False),
        "fixed_rows": (lambda x: x + tf.ones((2, 4)), False),
    }


def answering(body):
    return lambda x: {"y": body(x)}


@pytest.fixture(scope="module")
def servable(tmp_path_factory):
    import tensorflow as tf

    path = tmp_path_factory.mktemp("rowwise") / "1"
    found = bodies()
    module = tf.Module()
    module.kernels = [
        cell.cell_contents
        for body, _ in found.values()
        for cell in body.__closure__ or ()
        if isinstance(cell.cell_contents, tf.Variable)
    ]
    signatures = {name: _function(answering(body), **X) for name, (body, _) in found.items()}
    module.functions = signatures
    tf.saved_model.save(module, str(path), signatures=signatures)
    return Servable("m", 1, path)


@pytest.mark.parametrize("name", [
    "dense", "mean_of_a_row", "flatten", "transposed_back", "embedding", "beside", "class_token",
    "columns", "einsum", "mean_of_the_batch", "softmax_of_the_batch", "number_of_rows",
    "two_rows_in_one", "reversed", "first", "cumulative", "sorted", "transposed", "gram", "noise",
    "fixed_rows",
])  # fmt: skip
def test_what_is_proven(servable, name, rng):
    expected = bodies()[name][1]
    x = rng.uniform(0, 8, (6, 4)).astype(np.float32)
    assert servable.may_share(name, {"x": x}) is expected
    if expected:  # and it is true
        whole = servable.predict(name, {"x": x})["y"]
        parts = [servable.predict(name, {"x": part})["y"] for part in (x[:1], x[1:3], x[3:])]
        # One product of another size may add in another order.
        np.testing.assert_allclose(whole, np.concatenate(parts), rtol=1e-6)


def test_inputs_of_another_shape_are_not_shared(servable):
    # TF Serving does not check declared shapes; the proof holds for these alone.
    assert not servable.may_share("dense", {"x": np.ones((2, 5), np.float32)})
    assert not servable.may_share("dense", {"x": np.ones(4, np.float32)})


def test_state_that_is_written_is_no_constant(tmp_path):
    import tensorflow as tf

    counter = tf.Variable(0.0)

    def count(x):
        return {"y": x + counter.assign_add(1.0)}

    module = tf.Module()
    module.counter = counter
    function = _function(count, x=([None], "float32"))
    module.function = function
    tf.saved_model.save(module, str(tmp_path), signatures={"serving_default": function})
    servable = Servable("m", 1, tmp_path)
    assert not servable.may_share("serving_default", {"x": np.ones(2, np.float32)})


def test_two_inputs(tmp_path):
    inputs = {"a": ([None, 2], "float32"), "b": ([None, 2], "float32")}
    path = save(
        tmp_path / "1",
        row=_function(lambda a, b: {"y": a * b}, **inputs),
        product=_function(lambda a, b: {"y": a @ b}, **inputs),
    )
    servable = Servable("m", 1, path)
    ones = np.ones((2, 2), np.float32)
    assert servable.may_share("row", {"a": ones, "b": ones})
    assert not servable.may_share("product", {"a": ones, "b": ones})
