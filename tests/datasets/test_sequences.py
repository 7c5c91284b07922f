"""Batches by length: every sequence once and whole, the same from the same seed."""

import numpy as np
import pytest

from kerasdl.datasets.sequences import by_length, fill_up
from kerasdl.errors import InputError

LENGTHS = np.random.default_rng(0).integers(1, 13, 200)
X = fill_up([[i + 1] * n for i, n in enumerate(LENGTHS)])
ONCE = dict(shuffle=False, seed=0, epochs=1, start_epoch=0, drop_remainder=False)


def batches(boundaries=(3, 6, 12), batch_size=16, **how):
    dataset = by_length((X, 2 * X), X, X > 0, LENGTHS, boundaries, batch_size, **ONCE | how)
    delivered = list(dataset.as_numpy_iterator())
    assert len(dataset) == len(delivered)
    return delivered


def test_every_sequence_comes_once_and_whole():
    seen = []
    for (x, twice), targets, weights in batches(shuffle=True):
        np.testing.assert_array_equal(twice, 2 * x)
        np.testing.assert_array_equal(targets, x)
        np.testing.assert_array_equal(weights, (x > 0).astype("float32"))
        assert x.shape[1] in (3, 6, 12)
        assert (x > 0).sum() > x.shape[0] * x.shape[1] / 3  # little padding
        for row in x:
            seen.append(row[0])
            assert (row > 0).sum() == LENGTHS[row[0] - 1]
    assert sorted(seen) == list(range(1, 201))


def test_the_order_is_a_function_of_seed_and_epoch():
    def order(**how):
        return [int(n) for (x, _), _, _ in batches(shuffle=True, **how) for n in x[:, 0]]

    first = order(epochs=2, seed=5)
    assert first == order(epochs=2, seed=5)
    assert first[200:] == order(epochs=2, start_epoch=1, seed=5)
    assert first[:200] != first[200:]
    assert first != order(epochs=2, seed=6)


def test_full_batches_only():
    kept = batches(shuffle=True, epochs=2, drop_remainder=True)
    assert {len(targets) for _, targets, _ in kept} == {16}
    expected = sum(
        ((LENGTHS > a) & (LENGTHS <= b)).sum() // 16 for a, b in [(0, 3), (3, 6), (6, 12)]
    )
    assert len(kept) == 2 * expected


def test_too_long_a_sequence_is_told():
    with pytest.raises(InputError, match="`boundaries` must reach the longest sequence, 12"):
        batches(boundaries=(3, 6))


def test_filling_up_cuts_and_fills():
    assert fill_up([[1, 2, 3], [], [4]], 2).tolist() == [[1, 2], [0, 0], [4, 0]]
    assert fill_up([]).shape == (0, 0)
