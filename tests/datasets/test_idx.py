import gzip

import numpy as np
import pytest

from kerasdl.datasets.idx import read_idx
from kerasdl.errors import InputError

IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
HEADER = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4])
WHOLE = HEADER + IMAGES.tobytes()


@pytest.mark.parametrize("data", [WHOLE, gzip.compress(WHOLE, mtime=0)], ids=["plain", "gzip"])
def test_reads_what_was_written(tmp_path, data):
    path = tmp_path / "images"
    path.write_bytes(data)
    np.testing.assert_array_equal(read_idx(path, dimensions=3), IMAGES)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not an idx file of unsigned bytes with 3 dimension"),
        (b"<html>not found</html>", "not an idx file"),
        (HEADER[:7], "not an idx file"),
        (b"\0\0\x0d\x03" + WHOLE[4:], "it starts with 00 00 0d 03, expected 00 00 08 03"),
        (b"\0\0\x08\x01" + WHOLE[4:], "expected 00 00 08 03"),
        (
            WHOLE[:-1],
            r"damaged: its header states the shape \(2, 3, 4\), which is 24 bytes, but 23",
        ),
        (WHOLE + b"\0", "but 25 bytes follow"),
        (HEADER[:4] + b"\xff" * 12, "damaged"),
        (gzip.compress(WHOLE, mtime=0)[:-9], "cannot be read as an idx file"),
        (gzip.compress(WHOLE, mtime=0)[:12], "cannot be read as an idx file"),
        (b"\x1f\x8b" + b"\xff" * 30, "cannot be read as an idx file"),
    ],
    ids=range(11),
)
def test_damaged_file(tmp_path, data, message):
    path = tmp_path / "images.gz"
    path.write_bytes(data)
    with pytest.raises(InputError, match=message) as caught:
        read_idx(path, dimensions=3)
    assert str(path) in str(caught.value)


def test_damaged_gzip_body(tmp_path):
    data = bytearray(gzip.compress(bytes(range(256)) * 10))
    data[20] ^= 0xFF
    path = tmp_path / "images.gz"
    path.write_bytes(data)
    with pytest.raises(InputError, match="cannot be read as an idx file"):
        read_idx(path, dimensions=1)


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_idx(tmp_path / "absent.gz", dimensions=1)
