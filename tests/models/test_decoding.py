"""Greedy and beam search against a search that tries every sequence; shares of what is drawn."""

import itertools

import numpy as np
import pytest
from keras import ops

from kerasdl.models.decoding import PADDING, START, STOP, beam_search, drawn, greedy_search

V, LENGTH = 6, 3  # three real tokens: 3, 4, 5


@pytest.fixture(scope="module")
def table():
    """log p(y | previous token, t) for two examples: (2, LENGTH, V, V)."""
    logits = np.random.default_rng(3).normal(size=(2, LENGTH, V, V)) * 2
    logits[..., [PADDING, START]] = 3.0  # the searches must not fall for what never follows
    return (logits - np.log(np.exp(logits).sum(-1, keepdims=True))).astype("float32")


def step_of(table):
    def step(token, state):
        example, t = state
        rows = ops.take(
            ops.convert_to_tensor(table.reshape(-1, V)), (example * LENGTH + t) * V + token, axis=0
        )
        return rows, [example, t + 1]

    return step, [ops.arange(len(table), dtype="int32"), ops.zeros(len(table), "int32")]


def every_sequence(log_p, alpha):
    """All sequences of an example with s(y) / |y|^α, the best first."""
    scored = []
    for n in range(LENGTH + 1):
        for y in itertools.product([3, 4, 5], repeat=n):
            tokens = [*y, STOP] if n < LENGTH else list(y)
            score = sum(
                log_p[t, before, token]
                for t, (before, token) in enumerate(zip([START, *tokens], tokens, strict=False))
            )
            scored.append((score / len(tokens) ** alpha, [*y] + [0] * (LENGTH - n)))
    return sorted(scored, reverse=True)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_a_wide_beam_finds_the_best_of_all(table, alpha):
    step, state = step_of(table)
    tokens, scores = beam_search(step, state, LENGTH, width=40, length_penalty=alpha)
    tokens, scores = ops.convert_to_numpy(tokens), ops.convert_to_numpy(scores)
    for example, log_p in enumerate(table):
        best = every_sequence(log_p, alpha)[:5]
        assert tokens[example, :5].tolist() == [y for _, y in best]
        np.testing.assert_allclose(scores[example, :5], [s for s, _ in best], rtol=1e-5)


def test_a_beam_of_one_is_greedy(table):
    step, state = step_of(table)
    greedy = ops.convert_to_numpy(greedy_search(step, state, LENGTH))
    tokens, _ = beam_search(step, state, LENGTH, width=1)
    assert ops.convert_to_numpy(tokens)[:, 0].tolist() == greedy.tolist()
    for log_p, row in zip(table, greedy.tolist(), strict=True):
        before = START
        for t in range(LENGTH):
            y = 2 + int(log_p[t, before, 2:].argmax())
            assert row[t] == (0 if y == STOP else y)
            if y == STOP:
                break
            before = y


def test_behind_the_end_is_padding(table):
    always_stop = table.copy()
    always_stop[:, 1:, :, STOP] = 5.0
    step, state = step_of(always_stop)
    for tokens in (greedy_search(step, state, LENGTH), beam_search(step, state, LENGTH, 2)[0]):
        assert not ops.convert_to_numpy(tokens)[..., 1:].any()


@pytest.mark.parametrize(("length", "width", "words"), [(0, 1, "`length`"), (3, 0, "`width`")])
def test_bad_sizes_are_named(table, length, width, words):
    step, state = step_of(table)
    with pytest.raises(ValueError, match=words):
        beam_search(step, state, length, width)


P = np.array([0.1, 0.4, 0.05, 0.3, 0.15])


def shares(**arguments):
    """How often each token is drawn, with u on an even grid."""
    u = (np.arange(2000) + 0.5) / 2000
    log_p = np.log(np.tile(P, (2000, 1)))
    tokens = drawn(ops.array(log_p, "float32"), ops.array(u, "float32"), **arguments)
    return np.bincount(ops.convert_to_numpy(tokens), minlength=5) / 2000


@pytest.mark.parametrize(
    ("arguments", "weights"),
    [
        ({}, P),
        ({"temperature": 0.5}, P**2),
        ({"top_k": 2}, P * [0, 1, 0, 1, 0]),
        ({"top_p": 0.69}, P * [0, 1, 0, 1, 0]),
        ({"top_p": 0.71}, P * [0, 1, 0, 1, 1]),
        ({"top_p": 1e-9}, P * [0, 1, 0, 0, 0]),
        ({"top_k": 3, "top_p": 0.5}, P * [0, 1, 0, 1, 0]),  # 0.4 of 0.85 is less than a half
        ({"top_k": 99, "temperature": 2.0}, np.sqrt(P)),
    ],
)
def test_tokens_are_drawn_in_the_shares_they_should_have(arguments, weights):
    np.testing.assert_allclose(shares(**arguments), weights / weights.sum(), atol=1e-3)


def test_each_example_may_have_settings_of_its_own():
    log_p = ops.array(np.log(np.tile(P, (3, 1))), "float32")
    u = ops.array([0.99, 0.99, 0.99], "float32")
    tokens = drawn(log_p, u, ops.array([1.0, 1.0, 0.01]), ops.array([5, 2, 5]), ops.ones(3))
    assert ops.convert_to_numpy(tokens).tolist() == [2, 3, 1]
