"""Which split an example belongs to, decided by what it is and by nothing else."""

import hashlib


def digest(key: str) -> bytes:
    """Return the SHA-256 of a text: an order as good as random, the same everywhere.

    Args:
        key: Any text.

    Returns:
        32 bytes.
    """
    return hashlib.sha256(key.encode()).digest()


def split_of(key: str, one_in: int) -> str:
    """Assign a key to a split: one in so many to test, as many to validation, the rest to train.

    No source, platform or random generator can change it, and a key that joins or leaves the data
    changes the split of no other.

    Args:
        key: What must not be torn apart, for example the thread of a mail.
        one_in: The share of the test split, and of the validation split, is 1 / one_in.

    Returns:
        "train", "validation" or "test".

    Example:
        >>> [split_of(word, 10) for word in ("apple", "pear", "plum", "fig")]
        ['train', 'train', 'validation', 'train']
    """
    bucket = int.from_bytes(digest(key)[:8], "big") % one_in
    return {0: "test", 1: "validation"}.get(bucket, "train")
