"""Texts as numbers of words: the same in training and inside an exported model."""

import collections
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import keras


@keras.saving.register_keras_serializable(package="kerasdl")
def separate_words(texts: Any) -> Any:
    """Write texts in lower case, with spaces around everything that is no letter or digit.

    A sign such as "$" or "!" becomes a word: in mail it says much. Runs of digits become "0".

    Args:
        texts: Strings, a TensorFlow tensor of any shape.

    Returns:
        Strings of the same shape.

    Example:
        >>> separate_words("Win $1,000 now!").numpy().decode()
        'win  $ 0 , 0  now ! '
    """
    import tensorflow as tf

    texts = tf.strings.lower(texts, encoding="utf-8")
    texts = tf.strings.regex_replace(texts, r"\pN+", "0")
    return tf.strings.regex_replace(texts, r"([^\pL\pN\s'])", r" \1 ")


def learn_vocabulary(texts: Iterable[str], size: int) -> list[str]:
    """Count the words of texts and return the most frequent.

    Args:
        texts: The texts to learn from.
        size: How many words to return at most. A word that occurs once is never among them.

    Returns:
        Words, the most frequent first; equally frequent ones in alphabetical order.

    Example:
        >>> learn_vocabulary(["Free money!", "free FREE money", "once"], 10)
        ['free', 'money']
    """
    separated = separate_words(list(texts)).numpy()
    words = (text.decode("utf-8", "replace").split() for text in separated)
    return most_frequent(itertools.chain.from_iterable(words), size)


def most_frequent(words: Iterable[str], size: int) -> list[str]:
    """Return the most frequent words.

    Args:
        words: All words, one after the other.
        size: How many to return at most. A word that occurs once is never among them.

    Returns:
        Words, the most frequent first; equally frequent ones in alphabetical order.

    Example:
        >>> most_frequent("b a c b a d d d".split(), 2)
        ['d', 'a']
    """
    ranked = sorted(collections.Counter(words).items(), key=lambda item: (-item[1], item[0]))
    return [word for word, count in ranked[:size] if count > 1]


def word_numbers(vocabulary: Sequence[str], length: int) -> keras.layers.TextVectorization:
    """Return the layer that turns texts into numbers of words.

    Args:
        vocabulary: Word k gets the number k + 2.
        length: How many words of a text are kept; a shorter one is filled up with 0.

    Returns:
        A layer from strings (B,) to integers (B, length); a word that is not in the vocabulary
        is 1.

    Example:
        >>> [int(n) for n in word_numbers(["free", "money"], 4)(["Money for free"])[0]]
        [3, 1, 2, 0]
    """
    return keras.layers.TextVectorization(
        standardize=separate_words,
        output_sequence_length=length,
        vocabulary=list(vocabulary),
    )
