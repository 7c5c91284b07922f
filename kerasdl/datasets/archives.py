"""The files of a package, whether it is unpacked or still packed."""

import lzma
import re
import tarfile
import zipfile
import zlib
from pathlib import Path

from kerasdl.errors import InputError


def read_members(path: Path, pattern: re.Pattern[str]) -> dict[str, bytes]:
    """Read the files whose path matches, from a folder or from an archive.

    Args:
        path: A .zip or .tar file, compressed or not, whatever its name; or a folder. If nothing
            in a folder matches, the archives that lie in it are read.
        pattern: Searched for in "folder/name", relative and with forward slashes.

    Returns:
        Matching path to the bytes of the file.

    Raises:
        InputError: If an archive or a file cannot be read.
    """
    try:
        if not path.is_dir():
            return _read_archive(path, pattern)
        files = sorted(file for file in path.rglob("*") if file.is_file())
        names = {file.relative_to(path.parent).as_posix(): file for file in files}
        found = {name: file.read_bytes() for name, file in names.items() if pattern.search(name)}
        if not found:
            for file in files:
                if file.parent == path and _is_archive(file):
                    found |= _read_archive(file, pattern)
        return found
    except (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} cannot be read: {error}.") from error
    except (zlib.error, lzma.LZMAError, ValueError) as error:
        raise InputError(f"{path} is damaged: {error}.") from error


def _is_archive(path: Path) -> bool:
    return zipfile.is_zipfile(path) or tarfile.is_tarfile(path)


def _read_archive(path: Path, pattern: re.Pattern[str]) -> dict[str, bytes]:
    """Tell the format by the content: TFDS gives its downloads names of its own."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist() if pattern.search(name)}
    found = {}
    with tarfile.open(path) as archive:
        for member in archive:
            if member.isfile() and pattern.search(member.name):
                found[member.name] = archive.extractfile(member).read()
    return found
