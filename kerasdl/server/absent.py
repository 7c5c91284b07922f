"""Packages that are not to be imported by another one."""

import contextlib
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def absent(*names: str) -> Iterator[None]:
    """Let packages count as not installed meanwhile, unless they are imported already.

    Example:
        >>> with absent("turtledemo"):
        ...     import turtledemo
        Traceback (most recent call last):
            ...
        ModuleNotFoundError: import of turtledemo halted; None in sys.modules
    """
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
