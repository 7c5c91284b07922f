from kerasdl.server.versions import fingerprint, models_in, versions_in


def make(folder, *names):
    for name in names:
        (folder / name).mkdir(parents=True)
    return folder


def test_version_folders_are_plain_numbers(tmp_path):
    make(tmp_path, "1", "0012", "007x", "abc", "-3", "1.5", ".tmp-4", "tmp", "²", "9" * 30)
    (tmp_path / "5").write_text("a file, not a folder")
    assert versions_in(tmp_path) == {1: tmp_path / "1", 12: tmp_path / "0012"}


def test_models_are_folders_with_versions(tmp_path):
    make(tmp_path, "b/1", "a/3", "notes", ".hidden/1", "half_written/.tmp-1")
    (tmp_path / "file").write_text("")
    assert [source.name for source in models_in(tmp_path)] == ["a", "b"]


def test_fingerprint_changes_with_the_files(tmp_path):
    before = fingerprint(tmp_path)
    file = make(tmp_path, "variables") / "variables" / "data"
    file.write_text("1")
    first = fingerprint(tmp_path)
    file.write_text("22")
    assert len({before, first, fingerprint(tmp_path)}) == 3
