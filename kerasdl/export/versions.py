"""Version folders as model servers read them: `DIR/<name>/<number>/`."""

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kerasdl.errors import InputError

_NAME = re.compile(r"[A-Za-z0-9_.\-]+")


def check_name(name: str) -> str:
    """Return a model name that can stand in a URL and a path.

    Raises:
        InputError: If it cannot.

    Example:
        >>> check_name("a/b")
        Traceback (most recent call last):
        ...
        kerasdl.errors.InputError: `name` must be letters, digits, '_', '-' or '.', received 'a/b'.
    """
    if not _NAME.fullmatch(name) or name.strip(".") == "":
        raise InputError(f"`name` must be letters, digits, '_', '-' or '.', received {name!r}.")
    return name


def next_version(model_folder: Path) -> int:
    """Return the number after the highest version in a folder; 1 where there is none.

    Example:
        >>> next_version(Path("no such folder"))
        1
    """
    if not model_folder.is_dir():
        return 1
    numbers = [int(entry.name) for entry in model_folder.iterdir() if entry.name.isdecimal()]
    return max(numbers, default=0) + 1


def check_version(model_folder: Path, version: int | None) -> None:
    """Refuse a version number that is taken or no number.

    Raises:
        InputError: If the version cannot be written.
    """
    if version is None:
        return
    if isinstance(version, bool) or not isinstance(version, int) or version < 0:
        raise InputError(f"`version` must be an integer of at least 0, received {version!r}.")
    if (model_folder / str(version)).exists():
        raise InputError(
            f"Version {version} exists already in {str(model_folder)!r}; nothing was changed. The "
            f"next free one is {next_version(model_folder)}."
        )


@contextmanager
def staging_folder(model_folder: Path) -> Iterator[Path]:
    """Give a hidden folder beside the versions; what is left of it afterwards is removed.

    Servers look only at folders named by a number, so they never see it.

    Raises:
        InputError: If the folder cannot be made.
    """
    existed = model_folder.is_dir()
    part = model_folder / f".part-{secrets.token_hex(4)}"
    try:
        part.mkdir(parents=True)
    except OSError as error:
        raise InputError(f"Cannot make the folder {str(model_folder)!r}: {error}") from error
    try:
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)
        if not existed and not any(model_folder.iterdir()):
            model_folder.rmdir()


def publish(part: Path, model_folder: Path, version: int | None = None) -> Path:
    """Turn a finished folder into a version, in one step that a watching server cannot see half of.

    Args:
        part: The finished folder, on the same file system.
        model_folder: `DIR/<name>`.
        version: The number; default the next free one. Two exports at once get two numbers.

    Returns:
        `DIR/<name>/<version>`.

    Raises:
        InputError: If another process has taken the version meanwhile.
    """
    while True:
        number = next_version(model_folder) if version is None else version
        path = model_folder / str(number)
        try:
            os.rename(part, path)
        except OSError:
            if not path.exists():
                raise
            check_version(model_folder, version)
        else:
            return path
