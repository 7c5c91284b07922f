"""Pairs of neighbouring words, and words drawn at random beside them."""

from collections.abc import Sequence

import numpy as np


def skip_grams(
    sentences: Sequence[np.ndarray],
    frequencies: np.ndarray,
    *,
    window: int,
    negatives: int,
    subsampling: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    r"""Choose the examples that skip-gram with negative sampling is trained on.

    Of a frequent word w only the share $\sqrt{s / f_w}$ is kept, with its part f of all words.
    Each kept word gets its neighbours up to a distance drawn from 1 to `window`, and with each of
    these `negatives` words drawn with $p_w \propto f_w^{3/4}$.

    Args:
        sentences: Numbers of words; those with frequency 0 are left out.
        frequencies: How often each number occurs, (V,).
        window: Largest distance.
        negatives: Words drawn for each pair.
        subsampling: s; a number of 1 or more keeps all.
        rng: Draws.

    Returns:
        Words (N,) and candidates (N, 1 + negatives), the neighbour first.

    Source:
        Mikolov et al., 2013, Distributed Representations of Words and Phrases and their
        Compositionality, sections 2.2 and 2.3.

    Example:
        >>> counts = np.array([0, 0, 5, 5])
        >>> how = dict(window=1, negatives=2, subsampling=1.0, rng=np.random.default_rng(0))
        >>> words, candidates = skip_grams([np.array([2, 3])], counts, **how)
        >>> words.tolist(), candidates[:, 0].tolist(), candidates.shape
        ([3, 2], [2, 3], (2, 3))
    """
    f = frequencies / frequencies.sum()
    keep = np.where(f > 0, np.minimum(1, np.sqrt(subsampling / np.maximum(f, 1e-300))), 0)
    text = np.concatenate(sentences)
    which = np.repeat(np.arange(len(sentences)), [len(s) for s in sentences])
    kept = rng.random(len(text)) < keep[text]
    text, which = text[kept], which[kept]
    reach = rng.integers(1, window + 1, len(text))
    words, neighbours = [], []
    for distance in range(1, window + 1):
        together = which[distance:] == which[:-distance]
        later, earlier = slice(distance, None), slice(None, -distance)
        for a, b in ((later, earlier), (earlier, later)):
            near = together & (reach[a] >= distance)
            words.append(text[a][near])
            neighbours.append(text[b][near])
    words, neighbours = np.concatenate(words), np.concatenate(neighbours)
    p = frequencies**0.75 / (frequencies**0.75).sum()
    drawn = rng.choice(len(p), (len(words), negatives), p=p)
    candidates = np.concatenate([neighbours[:, None], drawn], axis=1)
    return words.astype("int32"), candidates.astype("int32")
