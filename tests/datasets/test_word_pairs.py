"""Which pairs of words skip-gram is shown, and how often."""

import numpy as np

from kerasdl.datasets.word_pairs import skip_grams

COUNTS = np.array([0, 0, 600, 300, 100])


def pairs(sentences, **changed):
    how = dict(window=2, negatives=3, subsampling=1.0, rng=np.random.default_rng(0)) | changed
    return skip_grams([np.array(s) for s in sentences], COUNTS, **how)


def test_neighbours_are_of_the_same_sentence_and_within_the_window():
    words, candidates = pairs([[2, 3, 4, 2], [4, 4]] * 200)
    seen = set(zip(words.tolist(), candidates[:, 0].tolist(), strict=True))
    # 2 and 2 stand three apart, 2 and the 4 of the next sentence in none.
    assert seen == {(2, 3), (3, 2), (3, 4), (4, 3), (4, 2), (2, 4), (4, 4)}
    # Distance 1 always, distance 2 every second time: 6 + 2 pairs, and 4 / 2 of 3 … 2, 2 … 4.
    np.testing.assert_allclose(len(words) / 200, 8 + 4 / 2, rtol=0.03)


def test_words_are_drawn_by_the_power_of_their_frequency():
    _, candidates = pairs([[2, 3]] * 4000, negatives=10)
    drawn = np.bincount(candidates[:, 1:].ravel(), minlength=5)
    np.testing.assert_allclose(drawn / drawn.sum(), COUNTS**0.75 / (COUNTS**0.75).sum(), atol=0.01)


def test_frequent_words_are_left_out_and_unknown_ones_always():
    words, candidates = pairs([[2, 4, 1]] * 4000, subsampling=0.1, window=1)
    # 4 has the share 0.1 of all words and is always kept; 2 has 0.6; 1 is no word.
    np.testing.assert_allclose(len(words) / 8000, np.sqrt(0.1 / 0.6), rtol=0.05)
    assert set(words.tolist()) == {2, 4}
    assert 1 not in candidates
