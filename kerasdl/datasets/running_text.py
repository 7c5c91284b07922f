"""Words and signs as running text."""

import re
from collections.abc import Iterable

_OPENING = re.compile(r"(``|\(|\[) ?")
_CLOSING = re.compile(r" ([,.;:?!)\]])")


def join_words(words: Iterable[str]) -> str:
    """Write words and signs as people do; the opposite of `sentences.split_sentence`.

    Args:
        words: Of one sentence, as the Brown corpus has them.

    Returns:
        The sentence. Both of its kinds of quotes become ".

    Example:
        >>> join_words(["``", "No", ",", "''", "said", "Mr.", "Li", "(", "twice", ")", "."])
        '"No," said Mr. Li (twice).'
    """
    text = _OPENING.sub(r"\1", " ".join(words))
    text = _CLOSING.sub(r"\1", text)
    return text.replace(" ''", '"').replace("''", '"').replace("``", '"')


def documents(words: Iterable[Iterable[str]], names: Iterable[str]) -> list[str]:
    """Write sentences that follow each other in a document as one text.

    Args:
        words: Of each sentence.
        names: Name of the document of each sentence; those of one document follow each other.

    Returns:
        A text for each document, in their order.

    Example:
        >>> documents([["One", "."], ["Two", "."], ["Three"]], ["a", "a", "b"])
        ['One. Two.', 'Three']
    """
    texts: dict[str, list[str]] = {}
    for sentence, name in zip(words, names, strict=True):
        texts.setdefault(name, []).append(join_words(sentence))
    return [" ".join(sentences) for sentences in texts.values()]
