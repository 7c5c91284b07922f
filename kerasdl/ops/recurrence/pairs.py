"""Two recurrences that do not need each other, met in one loop over time."""

import contextvars


def both(first, second):
    """Call two functions; recurrences of one kind that run within them go through one loop.

    For the two directions of a layer. Only where `through_time` says so, by `meet`: the second
    function is then called while the first one waits.

    Args:
        first: Function without arguments.
        second: Likewise.

    Returns:
        What both return.

    Example:
        >>> both(lambda: 1, lambda: 2)
        (1, 2)
    """
    pair = _Pair(second)
    token = _pair.set(pair)
    try:
        result = first()
    finally:
        _pair.reset(token)
    return result, pair.of_second()


def meet(key, arguments, run):
    """Run a recurrence, within `both` together with another of the same key.

    Args:
        key: What two recurrences must have in common.
        arguments: Of this one.
        run: Function that takes the arguments of one or of two in a list, and returns a list of
            what each has for a result.

    Returns:
        The result of this one.

    Example:
        >>> def squares(numbers):
        ...     print("takes", numbers)
        ...     return [n * n for n in numbers]
        >>> both(lambda: meet("squares", 2, squares), lambda: meet("squares", 3, squares))
        takes [2, 3]
        (4, 9)
    """
    pair = _pair.get()
    if pair is None or pair.is_over:
        return run([arguments])[0]
    if pair.waiting is None:
        pair.waiting = key, arguments
        pair.of_second()
        pair.is_over = True
        return run([arguments])[0] if pair.result is None else pair.result[0]
    other_key, others = pair.waiting
    if key != other_key:
        return run([arguments])[0]
    pair.is_over = True
    pair.result = run([others, arguments])
    return pair.result[1]


_pair = contextvars.ContextVar("pair", default=None)


class _Pair:
    def __init__(self, second):
        self.second = second
        self.waiting = self.result = None
        self.is_over = False

    def of_second(self):
        """Call the second function, once."""
        if not hasattr(self, "returned"):
            self.returned = self.second()
        return self.returned
