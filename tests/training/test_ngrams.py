"""Counted n-grams against a loop over dictionaries."""

import collections
import math

import numpy as np

from kerasdl.training.ngrams import bits_per_token

RNG = np.random.default_rng(0)
V = 4
TRAIN = [np.r_[0, RNG.integers(1, V, 40)], np.r_[0, RNG.integers(1, V, 25)]]
TEST = [np.r_[0, RNG.integers(1, V, 30)]]


def by_hand(order):
    """p_n(y | h) = (c(h y) + t(h) p_{n-1}(y | h')) / (c(h) + t(h)), one token after the other."""
    followers = collections.defaultdict(collections.Counter)
    for document in TRAIN:
        text = [0] * order + document[1:].tolist()
        for i in range(order, len(text)):
            for n in range(order):
                followers[tuple(text[i - n : i])][text[i]] += 1

    def probability(y, h):
        below = probability(y, h[1:]) if h else 1 / V
        seen = followers[h]
        if not seen:
            return below
        return (seen[y] + len(seen) * below) / (seen.total() + len(seen))

    bits = []
    for document in TEST:
        text = [0] * order + document[1:].tolist()
        for i in range(order, len(text)):
            bits.append(-math.log2(probability(text[i], tuple(text[i - order + 1 : i]))))
    return sum(bits) / len(bits)


def test_bits_of_every_order():
    expected = [by_hand(order) for order in (1, 2, 3)]
    np.testing.assert_allclose(bits_per_token(TRAIN, TEST, 3, V), expected, rtol=1e-12)


def test_probabilities_of_all_tokens_sum_to_one():
    beginning = TEST[0][:6]
    total = sum(
        2 ** -(len(beginning) * bits_per_token(TRAIN, [np.r_[beginning, y]], 3, V)[-1])
        for y in range(V)
    )
    before = 2 ** -((len(beginning) - 1) * bits_per_token(TRAIN, [beginning], 3, V)[-1])
    np.testing.assert_allclose(total, before, rtol=1e-9)
