"""Reader of the idx format in which the MNIST family of data sets is published.

An idx file is a magic number (two zero bytes, the element type, the number of dimensions), the
size of each dimension as a big-endian 32-bit integer, and the elements, row by row. The files are
usually compressed with gzip.
"""

import gzip
import os
import zlib
from pathlib import Path

import numpy as np

from kerasdl.errors import InputError

_UNSIGNED_BYTE = 0x08
_GZIP_MAGIC = b"\x1f\x8b"


def read_idx(path: str | os.PathLike[str], dimensions: int) -> np.ndarray:
    """Read an idx file of unsigned bytes, compressed or not.

    Args:
        path: The file.
        dimensions: How many dimensions it must have: 1 for labels, 3 for grey images.

    Returns:
        The uint8 array, with the shape that the file states.

    Raises:
        InputError: If the file cannot be read or is not a whole idx file of that kind.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
        if data.startswith(_GZIP_MAGIC):
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:  # a bad gzip header is an OSError
        raise InputError(f"{path} cannot be read as an idx file: {error}.") from error

    header = 4 + 4 * dimensions
    if len(data) < header or data[:4] != bytes([0, 0, _UNSIGNED_BYTE, dimensions]):
        raise InputError(
            f"{path} is not an idx file of unsigned bytes with {dimensions} dimension(s): "
            f"it starts with {data[:4].hex(' ') or 'nothing'}, "
            f"expected 00 00 08 {dimensions:02x} and {dimensions} size(s)."
        )
    shape = tuple(int(size) for size in np.frombuffer(data[4:header], dtype=">u4"))
    expected = int(np.prod(shape, dtype=np.int64))
    if len(data) - header != expected:
        raise InputError(
            f"{path} is damaged: its header states the shape {shape}, which is {expected} bytes, "
            f"but {len(data) - header} bytes follow."
        )
    return np.frombuffer(data, dtype=np.uint8, offset=header).reshape(shape)
