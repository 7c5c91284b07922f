"""Checks of constructor arguments, one clear sentence each."""


def positive_integer(name: str, value) -> int:
    """Return `value` if it is a positive integer.

    Raises:
        ValueError: Naming the argument and what came.

    Example:
        >>> positive_integer("units", 0)
        Traceback (most recent call last):
        ...
        ValueError: `units` must be a positive integer, received 0.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise ValueError(f"`{name}` must be a positive integer, received {value!r}.")
    return value


def rate(name: str, value) -> float:
    """Return `value` if it is a probability.

    Raises:
        ValueError: Naming the argument and what came.

    Example:
        >>> rate("dropout", 1.5)
        Traceback (most recent call last):
        ...
        ValueError: `dropout` must be a number between 0 and 1, received 1.5.
    """
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"`{name}` must be a number between 0 and 1, received {value!r}.")
    return value
