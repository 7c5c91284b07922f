"""TFDS builder of the SpamAssassin mails: 6,046 mails as text, split so that no thread leaks.

A discussion quotes itself, and the same advertisement comes under many subjects. So mails are
grouped by their subject without "Re:" and the like and, where the words of their bodies are the
same, the groups are joined; a whole group goes into one split, chosen by a hash.
"""

import re

import tensorflow_datasets as tfds

from kerasdl.datasets import catalog, downloads, mail_text, spam_assassin_sources
from kerasdl.datasets.splits import digest, split_of

_ONE_IN = 10
# A shorter body ("thanks!") says nothing about where a mail comes from.
_TELLING_WORDS = 6


class Builder(tfds.core.GeneratorBasedBuilder):
    """`kerasdl_spam_assassin`: text and label (ham or spam), in three fixed splits."""

    name = catalog.SPAM_ASSASSIN.builder_name
    VERSION = tfds.core.Version(catalog.SPAM_ASSASSIN.version)
    # No checksums of the archives are published, and none is needed: every mail is checked.
    url_infos = None

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=catalog.SPAM_ASSASSIN.description,
            features=tfds.features.FeaturesDict(
                {
                    "text": tfds.features.Text(),
                    "label": tfds.features.ClassLabel(names=catalog.SPAM_ASSASSIN.class_names),
                }
            ),
            supervised_keys=("text", "label"),
            homepage=catalog.SPAM_ASSASSIN.source,
            citation=catalog.SPAM_ASSASSIN.citation,
            disable_shuffling=True,  # keep the order written: it is part of what is promised
        )

    def _split_generators(self, dl_manager):
        # Everything is read and checked here, before TFDS writes its first file.
        path = spam_assassin_sources.find()
        splits = split_mails(
            spam_assassin_sources.read([path] if path is not None else self._download(dl_manager))
        )
        return {split: self._generate_examples(examples) for split, examples in splits.items()}

    def _generate_examples(self, examples):
        for index, (text, label) in enumerate(examples):
            yield index, {"text": text, "label": label}

    def _download(self, dl_manager):
        archives = spam_assassin_sources.ARCHIVES
        urls = {folder: spam_assassin_sources.URL + name for folder, name in archives.items()}
        advice = spam_assassin_sources.ways_to_get_it
        return list(downloads.fetch(dl_manager, urls, advice).values())


def split_mails(mails: dict[str, bytes]) -> dict[str, list[tuple[str, str]]]:
    r"""Decode mails, drop repeated texts and put whole groups into splits.

    Args:
        mails: "folder/name" to the raw mail; the folder tells the class.

    Returns:
        Split to its examples, text and class name, in the order of the texts' SHA-256.

    Example:
        >>> mails = {"spam/1": b"Subject: Win\n\nnow", "easy_ham/2": b"Subject: Tea\n\nat 4"}
        >>> split_mails(mails)["train"]
        [('Win\nnow', 'spam'), ('Tea\nat 4', 'ham')]
    """
    unique: dict[str, tuple[str, str]] = {}  # normalised text -> text, class name
    keys: dict[str, list[str]] = {}  # normalised text -> what it shares with its group
    for path, raw in mails.items():
        subject, body = mail_text.subject_and_body(raw)
        text = f"{subject}\n{body}"
        normalised = " ".join(text.split())
        if not normalised or normalised in unique:
            continue
        unique[normalised] = text, "spam" if path.startswith("spam") else "ham"
        thread = mail_text.thread(subject)
        keys[normalised] = [f"subject {thread}" if thread else f"text {normalised}"]
        words = re.findall(r"[^\W\d_]+", body.casefold())
        if len(words) >= _TELLING_WORDS:
            keys[normalised].append(f"body {' '.join(words)}")
    groups = _groups(keys)
    splits: dict[str, list[tuple[str, str]]] = {"train": [], "validation": [], "test": []}
    for normalised in sorted(unique, key=digest):
        splits[split_of(groups[normalised], _ONE_IN)].append(unique[normalised])
    return splits


def _groups(keys: dict[str, list[str]]) -> dict[str, str]:
    """Return the name of each member's group: the least key of all that are linked by keys."""
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while parent.setdefault(key, key) != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for first, *others in keys.values():
        for other in others:
            low, high = sorted((root(first), root(other)))
            parent[high] = low
    return {member: root(first) for member, (first, *_) in keys.items()}
