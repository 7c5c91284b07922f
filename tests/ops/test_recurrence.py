"""Back-propagation through time derived by hand, against the plain loop's automatic gradient."""

import sys

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from kerasdl import activations
from kerasdl.backend import compiled, value_and_grad
from kerasdl.ops.linear import product
from kerasdl.ops.recurrence import (
    both,
    by_hand,
    gru,
    gru_step,
    gru_step_reset_before,
    lstm,
    lstm_step,
    simple_rnn,
    unfold,
)
from kerasdl.ops.recurrence.gates import cuts
from kerasdl.ops.recurrence.pairs import meet

B, T, F, U = 3, 5, 4, 2
MASKS = {
    "none": None,
    "right": [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [1, 0, 0, 0, 0]],
    "left": [[0, 0, 1, 1, 1], [1, 1, 1, 1, 1], [0, 1, 1, 1, 1]],
    "middle": [[1, 0, 1, 0, 1], [1, 1, 0, 1, 1], [1, 0, 0, 0, 1]],
    "all": [[0, 0, 0, 0, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]],
}


def plain_lstm(x, h, c, W, R, b, **how):
    def step(x_t, states):
        h_t, c_t, _ = lstm_step(product(x_t, W) + product(states[0], R) + b, states[1])
        return [h_t], [h_t, c_t]

    _, y, states = unfold(step, x, [h, c], [h], **how)
    return y, states


def plain_gru(x, h, W, R, b, **how):
    def step(x_t, states):
        b_x, b_h = ops.unstack(b, 2)
        h_t, _ = gru_step(product(x_t, W) + b_x, product(states[0], R) + b_h, states[0])
        return [h_t], [h_t]

    _, y, states = unfold(step, x, [h], [h], **how)
    return y, states


def plain_gru_reset_before(x, h, W, R, b, **how):
    def step(x_t, states):
        h_t, _ = gru_step_reset_before(product(x_t, W) + b, states[0], R)
        return [h_t], [h_t]

    _, y, states = unfold(step, x, [h], [h], **how)
    return y, states


def plain_simple_rnn(x, h, W, R, b, **how):
    def step(x_t, states):
        h_t = activations.tanh(product(x_t, W) + product(states[0], R) + b)
        return [h_t], [h_t]

    _, y, states = unfold(step, x, [h], [h], **how)
    return y, states


def by_hand_with(function, **settings):
    def run(*arguments, **how):
        y, *states = function(*arguments, **how, **settings)
        return (None if y is None else [y]), states

    return run


# name → by hand, plain, number of states, gates, shape of the bias
CELLS = {
    "lstm": (by_hand_with(lstm), plain_lstm, 2, 4, (4 * U,)),
    "gru": (by_hand_with(gru), plain_gru, 1, 3, (2, 3 * U)),
    "gru before": (by_hand_with(gru, reset_after=False), plain_gru_reset_before, 1, 3, (3 * U,)),
    "simple": (by_hand_with(simple_rnn), plain_simple_rnn, 1, 1, (U,)),
}


def arrays(cell, seed=0, T=T, batch=B):
    _, _, states, gates, bias = CELLS[cell]
    rng = np.random.default_rng(seed)
    shapes = [(batch, T, F), *[(batch, U)] * states, (F, gates * U), (U, gates * U), bias]
    return [rng.normal(size=shape) for shape in shapes]


def weighted(function, **how):
    """A scalar in which every output and every last state counts, each number differently."""

    def scalar(*tensors):
        y, states = function(*tensors, **how)
        total, rng = 0.0, np.random.default_rng(1)
        for out in [*(y or []), *states]:
            factors = ops.convert_to_tensor(rng.normal(size=out.shape), dtype=out.dtype)
            total = total + ops.sum(out * factors)
        return total

    return scalar


def compare(cell, mask, seed=0, T=T, **how):
    mask = None if mask is None else ops.convert_to_tensor(np.array(mask, dtype=bool))
    tensors = [ops.convert_to_tensor(a, dtype="float64") for a in arrays(cell, seed, T)]
    fast, plain, *_ = CELLS[cell]
    ours = value_and_grad(weighted(fast, mask=mask, **how), tensors)
    assert_same(ours, value_and_grad(weighted(plain, mask=mask, **how), tensors))


def assert_same(ours, expected):
    """Hold a value and its gradients to those of the plain loop."""
    # The same products and sums in another order: a few roundings of float64.
    np.testing.assert_allclose(ops.convert_to_numpy(ours[0]), expected[0], rtol=1e-12)
    for a, b in zip(ours[1], expected[1], strict=True):
        a, b = ops.convert_to_numpy(a), ops.convert_to_numpy(b)
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12 * np.abs(b).max())


@pytest.mark.parametrize("sequences", [True, False], ids=["all outputs", "last output"])
@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize("mask", list(MASKS))
@pytest.mark.parametrize("cell", list(CELLS))
def test_gradients_equal_the_plain_loops(cell, mask, backwards, sequences):
    compare(cell, MASKS[mask], go_backwards=backwards, return_sequences=sequences)


@settings(max_examples=15, deadline=None)
@given(
    cell=st.sampled_from(list(CELLS)),
    mask=st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=B, max_size=B),
    backwards=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_any_mask(cell, mask, backwards, seed):
    compare(cell, mask, seed, T=4, go_backwards=backwards)


# Batches for which gradients of the weights are added up after the loop, and in it; and which
# TensorFlow takes in two halves, or four parts, of unequal size.
@pytest.mark.parametrize(
    ("batch", "masked"), [(2, False), (3, True), (33, True)], ids=["after", "in the loop", "parts"]
)
@pytest.mark.parametrize(
    "xla", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["graph", "XLA"]
)
@pytest.mark.parametrize("cell", list(CELLS))
def test_compiled(cell, xla, masked, batch):
    fast, *_ = CELLS[cell]
    tensors = [ops.convert_to_tensor(a) for a in arrays(cell, batch=batch)]  # float64
    mask = np.random.default_rng(1).random((batch, T)) < 0.7 if masked else None

    def gradients(*tensors):
        value, gradients = value_and_grad(weighted(fast, mask=mask), list(tensors))
        return [value, *gradients]

    expected = gradients(*tensors)
    for a, b in zip(compiled(gradients, xla=xla)(*tensors), expected, strict=True):
        a, b = ops.convert_to_numpy(a), ops.convert_to_numpy(b)
        # The same sums in another order: a few roundings of float64.
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12 * np.abs(b).max())


@pytest.mark.parametrize("mask", ["none", "middle"])
@pytest.mark.parametrize(("cell", "n"), [("lstm", 4), ("gru", 3)])
def test_gate_by_gate(cell, n, mask, monkeypatch):
    module = sys.modules[f"kerasdl.ops.recurrence.{cell}"]
    monkeypatch.setattr(module, "cuts", lambda *_: n)
    compare(cell, MASKS[mask])


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's graphs share")
def test_both_directions_of_layers_alike_are_compiled_once(monkeypatch):
    from kerasdl.ops.recurrence import through_time as module

    taken = []

    def noting(how):
        taken.append(loops_over_time(how))
        return taken[-1]

    loops_over_time = module.loops_over_time
    monkeypatch.setattr(module, "loops_over_time", noting)
    loops_over_time.cache_clear()
    tensors = [ops.convert_to_tensor(a) for a in arrays("lstm")]

    def run(*tensors):
        x, h, c, W, U, b, *_ = tensors
        ahead, *_ = lstm(x, h, c, W, U, b)
        back, *_ = lstm(x, c, h, 2 * W, U, b, go_backwards=True)
        return ahead, back

    for found, expected in zip(compiled(run)(*tensors), run(*tensors), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
    compiled(lambda *tensors: run(*tensors))(*tensors)  # another graph
    in_graphs = [loops for loops in taken if hasattr(loops.forwards, "fused")]
    assert len(in_graphs) == 4
    assert len({id(loops) for loops in in_graphs}) == 1
    assert in_graphs[0].forwards.fused.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("cell", list(CELLS))
def test_a_mask_of_other_length_is_refused(cell):
    with pytest.raises(ValueError, match=r"each of the 5 steps .* received .* \(3, 4\)"):
        compare(cell, np.ones((B, T - 1)))


@pytest.mark.parametrize("sequences", [True, False], ids=["all outputs", "last output"])
@pytest.mark.parametrize("mask", ["none", "middle"])
@pytest.mark.parametrize("cell", list(CELLS))
def test_parts_of_a_batch_in_one_loop(cell, mask, sequences, monkeypatch):
    module = sys.modules["kerasdl.ops.recurrence.through_time"]
    monkeypatch.setattr(module, "_parts", lambda x, runs: 2)
    compare(cell, MASKS[mask], return_sequences=sequences)
    monkeypatch.setattr(module, "_sums_in_the_loop", lambda *_: True)
    compare(cell, MASKS[mask], return_sequences=sequences, go_backwards=True)


@pytest.mark.parametrize("sequences", [True, False], ids=["all outputs", "last output"])
@pytest.mark.parametrize("mask", ["none", "left"])
@pytest.mark.parametrize("cell", list(CELLS))
def test_two_directions_in_one_loop(cell, mask, sequences, monkeypatch):
    module = sys.modules["kerasdl.ops.recurrence.through_time"]
    monkeypatch.setattr(module, "joins_steps", lambda x: True)
    monkeypatch.setattr(module, "_worth_parting", lambda x: True)
    monkeypatch.setattr(module, "_parts", lambda x, runs: seen.append(runs) or 2)
    seen = []
    mask = None if MASKS[mask] is None else ops.convert_to_tensor(np.array(MASKS[mask], dtype=bool))
    tensors = [ops.convert_to_tensor(a) for seed in (0, 1) for a in arrays(cell, seed)]
    half = len(tensors) // 2
    fast, plain, *_ = CELLS[cell]

    def scalar(function, *tensors):
        how = {"mask": mask, "return_sequences": sequences}
        turned = weighted(function, go_backwards=True, **how)
        ahead = weighted(function, **how)
        there, back = both(lambda: ahead(*tensors[:half]), lambda: turned(*tensors[half:]))
        return there + back

    for sums in (False, True):
        monkeypatch.setattr(module, "_sums_in_the_loop", lambda *_, sums=sums: sums)
        ours = value_and_grad(lambda *t: scalar(fast, *t), tensors)
        assert_same(ours, value_and_grad(lambda *t: scalar(plain, *t), tensors))
    assert seen == [2, 2]


def test_what_does_not_fit_does_not_meet():
    taken = []

    def run(numbers):
        taken.append(numbers)
        return [-n for n in numbers]

    def twice(key, number):
        return meet(key, number, run), meet(key, 10 * number, run)

    assert both(lambda: meet("a", 1, run), lambda: meet("b", 2, run)) == (-1, -2)
    assert taken == [[2], [1]]
    taken.clear()
    assert both(lambda: twice("a", 1), lambda: twice("a", 2)) == ((-1, -10), (-2, -20))
    assert taken == [[1, 2], [20], [10]]
    taken.clear()
    assert both(lambda: 1, lambda: meet("a", 2, run)) == (1, -2)
    assert meet("a", 3, run) == -3
    with pytest.raises(ZeroDivisionError):
        both(lambda: meet("a", 1, run), lambda: 1 / 0)
    assert meet("a", 4, run) == -4
    assert taken == [[2], [3], [4]]


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="only TensorFlow's XLA takes parts at once"
)
@pytest.mark.parametrize(("batch", "parts"), [(31, 1), (32, 4), (None, 4)])
def test_parts_where_they_pay(batch, parts, monkeypatch):
    import tensorflow as tf

    from kerasdl.ops.recurrence.through_time import _parts

    monkeypatch.setattr("os.cpu_count", lambda: 2)
    seen = []
    for xla in (False, True):
        graph = tf.function(lambda x: seen.append(_parts(x, 1)), jit_compile=xla)
        graph.get_concrete_function(tf.TensorSpec((batch, 5, 16)))
    assert seen == [1, parts]


# JAX's XLA gains nothing by it, PyTorch has no XLA: there `cuts` is 1, as in its example.
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="only TensorFlow's XLA cuts")
@pytest.mark.parametrize(
    ("batch", "units", "cores", "kernels"),
    [(32, 192, 2, 4), (32, 128, 2, 1), (8, 192, 2, 1), (None, 192, 2, 4), (32, 192, 1, 1)],
)
def test_gates_are_cut_where_it_pays(batch, units, cores, kernels, monkeypatch):
    import tensorflow as tf

    monkeypatch.setattr("os.cpu_count", lambda: cores)
    W, U = np.zeros((16, 4 * units)), np.zeros((units, 4 * units))
    seen = []
    for xla in (False, True):  # a program of XLA has parts of the batch to take at once
        graph = tf.function(lambda x: seen.append(cuts(4, x, W, U)), jit_compile=xla)
        graph.get_concrete_function(tf.TensorSpec((batch, 5, 16)))
    assert seen == [kernels, 1]


@pytest.mark.parametrize("cell", list(CELLS))
def test_one_graph_for_every_batch(cell):
    fast, *_ = CELLS[cell]

    def last_output(x, *rest):
        y, states = fast(x, *rest)
        return [*y, *states]

    free = [[0]] + [[0]] * CELLS[cell][2] + [[]] * 3
    graph = compiled(last_output, free_axes=free)
    for batch in (1, 2, 33):
        tensors = [ops.convert_to_tensor(a) for a in arrays(cell, batch=batch)]
        for a, b in zip(graph(*tensors), last_output(*tensors), strict=True):
            np.testing.assert_allclose(
                ops.convert_to_numpy(a), ops.convert_to_numpy(b), rtol=1e-10, atol=1e-12
            )


@pytest.mark.slow
def test_long_sequences_keep_their_digits():
    compare("lstm", None, T=512)
    compare("gru", None, T=512)


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "relu", "linear"])
def test_derivative_of_what_came_out(name):
    g, dg = by_hand(activations.get(name))
    z = ops.convert_to_tensor(np.linspace(-2, 2, 8), dtype="float64")
    _, (expected,) = value_and_grad(lambda z: ops.sum(activations.get(name)(z)), [z])
    np.testing.assert_allclose(
        ops.convert_to_numpy(dg(g(z)) * ops.ones_like(z)),
        ops.convert_to_numpy(expected),
        rtol=1e-12,
    )


def test_others_have_no_derivative_by_hand():
    assert by_hand(activations.get("gelu")) is None


def test_sigmoid_at_the_ends():
    g, dg = by_hand(activations.sigmoid)
    a = g(ops.convert_to_tensor([-1e4, 1e4], dtype=keras.config.floatx()))
    assert ops.convert_to_numpy(a).tolist() == [0.0, 1.0]
    assert ops.convert_to_numpy(dg(a)).tolist() == [0.0, 0.0]
