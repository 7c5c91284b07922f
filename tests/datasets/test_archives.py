import io
import re
import tarfile
import zipfile

import pytest

from kerasdl.datasets.archives import read_members
from kerasdl.errors import InputError

WANTED = re.compile(r"(?:^|/)notes/\d\.txt$")
FILES = {"notes/1.txt": b"one", "notes/2.txt": b"two", "notes/read.me": b"no", "3.txt": b"no"}


def write_folder(path):
    for name, data in FILES.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)


def write_tar(path, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, data in FILES.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def write_zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in FILES.items():
            archive.writestr(name, data)


def by_name(members):
    return {name.rpartition("/")[2]: data for name, data in members.items()}


@pytest.mark.parametrize(
    "write",
    [write_folder, write_tar, lambda path: write_tar(path, "w:bz2"), write_zip],
    ids=["folder", "tar.gz", "tar.bz2", "zip"],
)
def test_every_form_holds_the_same(tmp_path, write):
    write(tmp_path / "without_a_suffix")
    members = read_members(tmp_path / "without_a_suffix", WANTED)
    assert by_name(members) == {"1.txt": b"one", "2.txt": b"two"}


def test_folder_that_holds_the_archive(tmp_path):
    (tmp_path / "packed").mkdir()
    write_tar(tmp_path / "packed/files.tgz")
    (tmp_path / "packed/other.txt").write_text("not an archive")
    assert len(read_members(tmp_path / "packed", WANTED)) == 2


def test_a_folder_may_itself_be_part_of_the_name(tmp_path):
    write_folder(tmp_path)
    assert len(read_members(tmp_path / "notes", WANTED)) == 2


@pytest.mark.parametrize("keep", [0, 60])
def test_damaged_archive(tmp_path, keep):
    path = tmp_path / "files.tgz"
    write_tar(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"files\.tgz (cannot be read|is damaged)"):
        read_members(path, WANTED)
