"""Sentences as words, words as letters: the same in training and inside an exported model.

All functions are TensorFlow graphs, so that a server needs nothing else.
"""

from collections.abc import Sequence
from typing import Any

import keras

# What is a word of its own where a blank or the end follows it, and where one stands before it.
_CLOSING = r"""([,;:?!)\]"”’]|--|'')(\s|$)"""
_OPENING = r"""(^|\s)([(\["“‘]|--|``)"""


def split_sentence(texts: Any) -> Any:
    r"""Take sentences apart into words and signs, as the Brown corpus has them.

    "don't", "Fulton's", "1,000" and "Mr." are one word each; the full stop at the end is one of its
    own.

    Args:
        texts: Strings (B,), one sentence each.

    Returns:
        A ragged tensor of strings (B, words).

    Example:
        >>> [word.decode() for word in split_sentence(['"No," said Mr. Li.'])[0].numpy()]
        ['"', 'No', ',', '"', 'said', 'Mr.', 'Li', '.']
    """
    import tensorflow as tf

    texts = tf.strings.regex_replace(texts, r"""([^.])\.(["'”’)\s]*)$""", r"\1 . \2")
    for _ in range(3):  # as many signs may stand side by side
        texts = tf.strings.regex_replace(texts, _CLOSING, r" \1 \2")
        texts = tf.strings.regex_replace(texts, _OPENING, r"\1 \2 ")
    return tf.strings.split(texts)


def word_key(words: Any) -> Any:
    """Return what words are looked up by: in lower case, digits as one 0, all quotes alike.

    Args:
        words: Strings of any shape, ragged or not.

    Returns:
        Strings of the same shape.

    Example:
        >>> word_key(["The", "1,000", "``"]).numpy().tolist()
        [b'the', b'0', b'"']
    """
    import tensorflow as tf

    words = tf.strings.lower(words, encoding="utf-8")
    words = tf.strings.regex_replace(words, r"\pN+([.,:]\pN+)*", "0")
    return tf.strings.regex_replace(words, "^(``|''|[“”])$", '"')


def ending(words: Any) -> Any:
    """Return the last three letters of words, behind a ^ where the word begins with a capital.

    Args:
        words: Strings of any shape.

    Returns:
        Strings of the same shape; "" stays "".

    Example:
        >>> ending(["running", "Fulton", "be", "1961"]).numpy().tolist()
        [b'ing', b'^ton', b'be', b'0']
    """
    import tensorflow as tf

    capital = tf.where(tf.strings.regex_full_match(words, r"\p{Lu}.*"), "^", "")
    last = tf.strings.regex_replace(word_key(words), r"^.*(.{3})$", r"\1")
    return tf.strings.join([capital, last])


def letters(words: Any) -> Any:
    """Take words apart into letters, in lower case.

    Args:
        words: Strings (B,); blanks around them do not count.

    Returns:
        A ragged tensor of strings (B, letters).

    Example:
        >>> letters(["It's "]).to_list()
        [[b'i', b't', b"'", b's']]
    """
    import tensorflow as tf

    words = tf.strings.lower(tf.strings.strip(words), encoding="utf-8")
    return tf.strings.unicode_split(words, "UTF-8", errors="replace")


def numbering(vocabulary: Sequence[str]) -> keras.layers.StringLookup:
    """Return the layer that gives strings their numbers.

    Args:
        vocabulary: String k gets the number k + 2.

    Returns:
        A layer from strings of any shape to integers; "" is 0, what is not in the vocabulary 1.

    Example:
        >>> numbering(["a", "b"])(["b", "", "z"]).numpy().tolist()
        [3, 0, 1]
    """
    layer = keras.layers.StringLookup(
        vocabulary=list(vocabulary), mask_token="", num_oov_indices=1, output_mode="int"
    )
    layer.build((None,))  # an export takes none that is not
    return layer
