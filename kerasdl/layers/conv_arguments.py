"""Checks of the arguments of convolutional layers, with Keras' messages."""


def positive(name, value):
    """Return `value` if it is positive.

    Raises:
        ValueError: Naming the argument and what came.

    Example:
        >>> positive("filters", 3)
        3
    """
    if value is not None and value <= 0:
        raise ValueError(
            f"Invalid value for argument `{name}`. Expected a strictly positive value. Received "
            f"{name}={value}."
        )
    return value


def integers(name, value, n, smallest=1):
    """Return `value` as a tuple of `n` integers.

    Raises:
        ValueError: If it is neither an integer nor `n` of them, or one is too small.

    Example:
        >>> integers("strides", 2, n=3)
        (2, 2, 2)
    """
    message = f"The `{name}` argument must be a tuple of {n} integers. Received {name}={value}"
    try:
        values = (value,) * n if isinstance(value, int) else tuple(int(v) for v in value)
    except (TypeError, ValueError):
        raise ValueError(message) from None
    if len(values) != n:
        raise ValueError(message)
    small = {v for v in values if v < smallest}
    if small:
        bound = "> 0" if smallest == 1 else f">= {smallest}"
        raise ValueError(f"{message}, including values {small} that do not satisfy `value {bound}`")
    return values


def one_of(name, value, allowed):
    """Return `value` if it is among the allowed.

    Raises:
        ValueError: Naming the argument, what came and what is allowed.

    Example:
        >>> one_of("padding", "same", ("valid", "same"))
        'same'
    """
    if value not in allowed:
        raise ValueError(f"`{name}` must be one of {allowed}, received {value!r}.")
    return value
