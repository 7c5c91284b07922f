"""Which models and versions lie in a folder, and which of them are to be served."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

# Which of the versions on disk to serve; TF Serving calls this the version policy.
Policy = Callable[[Iterable[int]], set[int]]


def all_versions(versions: Iterable[int]) -> set[int]:
    """Serve each version.

    Example:
        >>> sorted(all_versions([1, 3]))
        [1, 3]
    """
    return set(versions)


def latest(count: int = 1) -> Policy:
    """Serve the `count` highest versions (TF Serving's own default, with a count of 1).

    Example:
        >>> latest(1)([1, 3])
        {3}
    """
    return lambda versions: set(sorted(versions)[-count:])


def specific(*wanted: int) -> Policy:
    """Serve the named versions only.

    Example:
        >>> specific(1, 2)([1, 3])
        {1}
    """
    return lambda versions: set(wanted) & set(versions)


@dataclass(frozen=True)
class ModelSource:
    """A model and where its versions lie.

    Args:
        name: name under which it is served.
        base_path: folder with one sub-folder per version, named by its number.
        policy: which of the versions to serve.
        labels: version numbers by label; a request may name the label in place of the number.
    """

    name: str
    base_path: Path
    policy: Policy = all_versions
    labels: Mapping[str, int] = field(default_factory=dict)


def models_in(folder: Path, policy: Policy = all_versions) -> list[ModelSource]:
    """The models below a folder laid out as `<name>/<version>/saved_model.pb`.

    Args:
        folder: the folder.
        policy: which versions of each to serve.

    Returns:
        Sub-folders that hold at least one version, by name; hidden ones are left out.

    Raises:
        OSError: the folder cannot be read.
    """
    return [
        ModelSource(path.name, path, policy)
        for path in sorted(folder.iterdir())
        if path.is_dir() and not path.name.startswith(".") and _may_hold_versions(path)
    ]


def _may_hold_versions(path: Path) -> bool:
    try:
        return bool(versions_in(path))
    except OSError:
        return True  # cannot be read just now: no reason to take its model for removed


def versions_in(base_path: Path) -> dict[int, Path]:
    """The versions of a model on disk.

    Args:
        base_path: folder of the model.

    Returns:
        Folder of each version, by number. Names that are not plain numbers are passed over.

    Raises:
        OSError: the folder cannot be read.
    """
    found = {}
    for path in sorted(base_path.iterdir()):
        if re.fullmatch(r"[0-9]{1,18}", path.name) and path.is_dir():
            found.setdefault(int(path.name), path)
    return found


def fingerprint(path: Path) -> tuple:
    """What changes when a folder's content does: name, size and time of each file."""
    files = []
    for file in sorted(path.rglob("*")):
        try:
            details = file.stat()
        except OSError:
            continue  # removed while we look; the next look sees it
        files.append((str(file), details.st_size, details.st_mtime_ns))
    return tuple(files)
