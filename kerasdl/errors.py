"""Errors that are the caller's to mend, told apart from faults of ours."""


class InputError(ValueError):
    """What the caller gave cannot be used; the message says what came and what was expected.

    The command line prints the message alone and exits with status 2; any other exception is a
    fault of kerasdl and keeps its traceback.

    Example:
        >>> raise InputError("`epochs` must be at least 1, received 0.")
        Traceback (most recent call last):
        ...
        kerasdl.errors.InputError: `epochs` must be at least 1, received 0.
    """
