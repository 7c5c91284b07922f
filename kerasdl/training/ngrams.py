"""How well counting does it: n-grams with Witten and Bell's interpolation."""

import numpy as np


def bits_per_token(
    train: list[np.ndarray], test: list[np.ndarray], order: int, size: int
) -> list[float]:
    r"""Measure n-grams of all orders up to one.

    $$p_n(y \mid h) = \frac{c(h y) + t(h)\, p_{n-1}(y \mid h')}{c(h) + t(h)},
      \qquad p_0 = \frac1V$$

    with h the n − 1 tokens before, h' without the first of them, c how often something was seen and
    t(h) how many different tokens followed h.

    Args:
        train: Documents to count in, tokens 0 to V − 1. All begin with the same token, which is
            no target.
        test: Documents to measure on, likewise.
        order: Largest n.
        size: V.

    Returns:
        For n = 1, …, order the mean of -log₂ pₙ over the tokens of `test`.

    Source:
        Witten and Bell, 1991, The Zero-Frequency Problem, method C.

    Example:
        >>> text = [np.array([0, 1, 2, 1, 2, 1, 2])]
        >>> one, two = bits_per_token(text, text, order=2, size=3)
        >>> one > 1 > two
        True
    """
    p, bits = 1 / size, []
    for n in range(1, order + 1):
        grams, contexts, counts = _counted(train, n, size)
        total, kinds = (np.bincount(contexts[1], weights) for weights in (counts, None))
        tested = _grams(test, n, size)
        seen = _looked_up(grams, counts, tested)  # c(h y)
        c, t = (_looked_up(contexts[0], v, tested // size) for v in (total, kinds))
        known = c > 0
        p = np.where(known, (seen + t * p) / np.where(known, c + t, 1), p)
        bits.append(float(-np.log2(p).mean()))
    return bits


def _counted(documents, n, size):
    """Return all n-grams, their contexts (values, and which one each n-gram has), their counts."""
    grams, counts = np.unique(_grams(documents, n, size), return_counts=True)
    return grams, np.unique(grams // size, return_inverse=True), counts


def _grams(documents, n, size):
    """Return for each token but the first of a document the number of the n-gram it ends.

    Before its beginning a document is filled up with its first token.
    """
    found = []
    for tokens in documents:
        tokens = np.concatenate([np.full(n - 1, tokens[0]), tokens]).astype("int64")
        number = np.zeros(len(tokens) - n, "int64")
        for k in range(1, n + 1):
            number = number * size + tokens[k : len(tokens) - n + k]
        found.append(number)
    return np.concatenate(found)


def _looked_up(keys, values, wanted):
    """Return the value of each wanted key, 0 where it is none of the (sorted) keys."""
    index = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[index] == wanted, values[index], 0)
