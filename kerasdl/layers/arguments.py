"""Checks of constructor arguments, one clear sentence each."""


def positive_integer(name: str, value) -> int:
    """Return `value` if it is a positive integer.

    Raises:
        ValueError: Naming the argument and what came.

    Example:
        >>> positive_integer("units", 0)
        Traceback (most recent call last):
        ...
        ValueError: The argument `units` must be a positive integer, received 0.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise ValueError(f"The argument `{name}` must be a positive integer, received {value!r}.")
    return value


def refuse_quantization(**arguments) -> None:
    """Raise if one of Keras' arguments about quantisation is given.

    Raises:
        ValueError: Naming the argument and what came.

    Example:
        >>> refuse_quantization(quantization_config="int8")
        Traceback (most recent call last):
        ...
        ValueError: `quantization_config` is not offered by kerasdl, received 'int8'.
    """
    for name, value in arguments.items():
        if value is not None:
            raise ValueError(f"`{name}` is not offered by kerasdl, received {value!r}.")


def rate(name: str, value) -> float:
    """Return `value` if it is a probability.

    Raises:
        ValueError: Naming the argument and what came.

    Example:
        >>> rate("dropout", 1.5)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        ValueError: Invalid value received for argument `dropout`. ... Received: dropout=1.5
    """
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(
            f"Invalid value received for argument `{name}`. Expected a float value between 0 and "
            f"1. Received: {name}={value!r}"
        )
    return value


def axes_within(axis, input_shape) -> list[int]:
    """Return one axis or several as a list if the input has them all.

    Raises:
        ValueError: Naming the axis and the shape.

    Example:
        >>> axes_within(-1, (None, 3))
        [-1]
        >>> axes_within((1, 2), (None, 3))
        Traceback (most recent call last):
        ...
        ValueError: Axis 2 is out of bounds for input shape (None, 3). Received: `axis`=(1, 2)
    """
    axes = [axis] if isinstance(axis, int) else list(axis)
    for a in axes:
        if not -len(input_shape) <= a < len(input_shape):
            raise ValueError(
                f"Axis {a} is out of bounds for input shape {tuple(input_shape)}. "
                f"Received: `axis`={axis}"
            )
    return axes
